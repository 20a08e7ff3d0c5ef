"""What the features of the big book share: providers, models, profiles, outputs, tool servers, settings."""

from __future__ import annotations

import json
from collections.abc import Iterator

_PRESETS = ("openai", "gemini", "openrouter", "groq", "mistral", "together", "fireworks", "xai")
_SERIES = ("arrow", "birch", "cedar")
_SIZES = ("small", "large")

_PROVIDERS = """\
# Where models are served.

providers:
{presets}
  openai-eu: {{preset: openai, base_url: "https://eu.api.openai.com/v1", api_key: {{env: OPENAI_EU_KEY}}}}
  house: # our own machines
    api: openai-chat
    base_url: https://llm.example.com/v1
    api_key: {{env: HOUSE_KEY}}
    headers: {{X-Title: Big book}}
    timeout: {{connect: 5s, first_token: 30s, total: 120s}}
    retry: {{attempts: 2, backoff: 250ms, max_backoff: 5s}}
    breaker: {{failures: 5, open: 30s}}
  house-lab:
    api: openai-chat
    base_url: https://lab.example.com/v1
    auth: none
    retry: {{attempts: 1}}
"""

_PROFILES = """\
profiles:
  economy:
    description: The cheapest that does the job.
  premium:
    description: Most of the quality at a fraction of the cost.
    extends: economy
  max:
    description: The best model for each job.
    extends: premium
  byok:
    description: The caller brings the key and pays.
    extends: max
    credentials: caller

settings:
  default_profile: {env: MODEL_QOS, default: premium}
  byok_profile: byok
"""

_SERVERS = """\
mcp_servers:
  clock: {command: python, args: [-m, routebook.demo.clock]}
  notebook:
    command: python
    args: [-m, routebook.demo.notebook]
    start_timeout: 10s
  files: {url: "https://tools.example.com/mcp", token: {env: FILES_TOKEN}}

features:
  shared_files:
    description: The one feature that needs the files, so that no server is without a use.
    use: {model: openai-arrow-large}
    tools: {servers: [files], allow: ["files.read_*"]}
"""

_INVARIANTS = """\
invariants:
  no-run-without-end: {require: {bounds.calls: {lte: 1000}}}
  dialects: {require: {api: [openai-chat, gemini]}}
  some-vendor: {where: {tags: [interactive], credential: platform}, require: {bounds.providers: {gte: 1}}}
  in-time: {where: {tags: [tier1]}, require: {bounds.seconds: {lte: 1000000}}}
  known-models: {where: {route: {prefix: "rule:"}}, require: {capabilities: json_schema}}
  callers-pay: {where: {credential: caller}, require: {credential: [caller, none]}}
  byok-never-ours: {where: {profile: byok, credential: caller}, require: {credential: {not: platform}}}
  short-answers: {where: {tags: [batch]}, require: {options.max_output_tokens: {lte: 4000}}}
  cool: {where: {tags: [internal]}, require: {options.temperature: {not: 2}}}
"""
PROMISES = "invariants.yaml"
_PROMISED = ("background", "beta", "eu", "nightly", "pii", "public", "tier2")
_PROMISE = """\
  {tag}-streams: {{where: {{tags: [{tag}]}}, require: {{capabilities: streaming}}}}
"""
_CEILING = """\
  {profile}-has-a-ceiling: {{where: {{profile: {profile}, credential: caller}}, require: {{price.output: {{lte: 20}}}}}}
"""

_MODEL = """\
  {name}:
    provider: {provider}
    id: {series}-{size}-2026
    capabilities: [tools, parallel_tools, json_schema, image_input, streaming{more}]
    context_window: {window}
    max_output_tokens: 32000
{rejects}    price: {{input: {input}, output: {output}, cached_input: {cached}}}
"""

_SERVED = (*_PRESETS, "openai-eu", "house")
CHAT = [f"{provider}-{series}-{size}" for provider in _SERVED for series in _SERIES for size in _SIZES]
"""Models that take every option the features set."""
THINKING = [f"{provider}-flint-large" for provider in ("openai", "openrouter", "xai")]
"""Models that think, and take no temperature."""
_FIELDS = ("title", "category", "amount", "due", "names", "confidence")
OUTPUTS = [f"{what}_{kind}" for what in ("case", "deal", "letter", "order", "page") for kind in "abcd"][:19]
OUTPUTS.append("choose_folder")


def shared_files() -> dict[str, str]:
    """Return the texts of the shared files, by path."""
    presets = "\n".join(f"  {name}: {{}}" for name in _PRESETS)
    files = {
        "providers.yaml": _PROVIDERS.format(presets=presets),
        "profiles.yaml": _PROFILES,
        "tools.yaml": _SERVERS,
        "outputs.yaml": "\n".join(_outputs()),
        PROMISES: "".join(_invariants()),
    }
    for name in OUTPUTS[:10]:
        files[f"_schemas/{name}.json"] = json.dumps(_schema(OUTPUTS.index(name)), indent=2) + "\n"
    for provider in _SERVED:
        files[f"models/{provider}.yaml"] = "\n".join(_models(provider))
    return files


def _invariants() -> Iterator[str]:
    """Yield twenty promises that the book keeps."""
    yield _INVARIANTS
    yield from (_PROMISE.format(tag=tag) for tag in _PROMISED)
    yield from (_CEILING.format(profile=profile) for profile in ("economy", "premium", "max", "byok"))


def _models(provider: str) -> Iterator[str]:
    yield f"# What {provider} serves. Prices are US dollars per million tokens.\n\nmodels:"
    for number, name in enumerate([*CHAT, *THINKING]):
        if name.removesuffix(f"-{'-'.join(name.split('-')[-2:])}") == provider:
            yield _model(provider, name, 0.1 + number % 7 * 0.25, is_thinking=name in THINKING)
    if provider == "house":
        yield "  candidate: # what the shadows try\n    provider: house-lab\n    id: candidate-2027"
        yield "    capabilities: [tools, parallel_tools, json_schema, image_input, streaming]\n"


def _model(provider: str, name: str, price: float, *, is_thinking: bool) -> str:
    series, size = name.split("-")[-2:]
    return _MODEL.format(
        name=name,
        provider=provider,
        series=series,
        size=size,
        window=400_000 if size == "large" else 128_000,
        more=", reasoning" if is_thinking else "",
        rejects="    rejects: [temperature, top_p]\n" if is_thinking else "",
        input=round(price, 2),
        output=round(price * 8, 2),
        cached=round(price / 10, 3),
    )


def _outputs() -> Iterator[str]:
    yield "# Output contracts.\n\noutputs:"
    for number, name in enumerate(OUTPUTS):
        yield f"  {name}:"
        schema = f"{{file: _schemas/{name}.json}}" if number < 10 else json.dumps(_schema(number))
        yield f"    schema: {schema}"
        yield f"    repair: {{attempts: {number % 3}}}"
        if name == "choose_folder":
            yield "    checks:\n      - choice:\n          field: title\n"
            yield "          from: folders\n          label: [name]"
            yield "          confidence: {field: confidence, at_least: 0.7}"


def _schema(number: int) -> dict[str, object]:
    kinds: dict[str, dict[str, object]] = {
        "title": {"type": "string", "description": "What it is about, in a few words."},
        "category": {"type": "string", "enum": ["claim", "order", "question", "thanks"]},
        "amount": {"type": "number", "description": "In the currency of the text."},
        "due": {"type": "string", "description": "A date, as in 2026-11-21."},
        "names": {"type": "array", "items": {"type": "string"}},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    }
    fields = [field for place, field in enumerate(_FIELDS) if place in (0, 5) or (number >> (place - 1)) & 1]
    properties = {field: kinds[field] for field in fields}
    return {"type": "object", "additionalProperties": False, "required": fields, "properties": properties}
