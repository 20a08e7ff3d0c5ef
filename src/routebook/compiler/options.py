"""Options: the layers that reach one target, merged, and whether its API and its model carry what is left (RB402).

A model that declares its capabilities carries no option that needs another one, save where it asks to do without.
Layers merge in the order provider, model, feature, target. What is refused is gathered by the line that set it, so
that a line is reported once, whatever reaches it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..canonical.frozen import freeze_mapping
from ..canonical.options import merge_options, option_paths, option_value
from ..diagnostics.span import Span
from ..document.entry import Definition
from ..document.options import Options
from ..document.providers import Provider
from ..routing.carried import WITHOUT, only_without, takes
from ..routing.provider_spec import ProviderSpec
from ..routing.spec import Kind, ModelSpec, OptionLayer
from ..routing.traits import ApiTraits
from .build import Build

CAPABILITY_OF_MEANS = {"native": "json_schema", "tool": "tools"}
"""The capability that each means of asking for an output needs, if it needs one."""

_OF_TOOLS = frozenset({"tool_choice", "parallel_tool_calls"})
_WITHOUT_TOOLS = frozenset({"n"})
_OF_BODY = "extra_body."
CAPABILITY_OF = {"reasoning": "reasoning", "prompt_cache": "prompt_cache", "parallel_tool_calls": "parallel_tools"}
"""The capability that an option needs, by the option's first name."""


@dataclass(frozen=True, slots=True)
class Call:
    """What sort of call a feature makes: its kind, and whether it offers tools."""

    kind: Kind = "chat"
    has_tools: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """An option, or a field of `extra_body`, that cannot be sent: why, with the place of the model that says so."""

    option: str
    why: str
    note: str | None = None


def layer_of(options: Options | None, key_span: Callable[..., Span]) -> OptionLayer | None:
    """Return *options* as a layer; *key_span* gives the place of the key at a path below them."""
    if options is None:
        return None
    written = options.to_mapping()
    if not written:
        return None
    spans = {name: key_span(*name.split(".")) for name in option_paths(written)}
    spans |= {f"extra_body.{name}": key_span("extra_body", name) for name in written.get("extra_body") or ()}
    return OptionLayer(freeze_mapping(written), freeze_mapping(spans))


def provider_layer(definition: Definition[Provider]) -> OptionLayer | None:
    """Return what a provider adds to every call to it: its `extra_body` and its plain `headers`."""
    value = definition.value
    options: dict[str, Any] = {}
    spans: dict[str, Span] = {}
    if value.extra_body:
        options["extra_body"], spans["extra_body"] = value.extra_body, definition.key_span("extra_body")
        spans |= {f"extra_body.{name}": definition.key_span("extra_body", name) for name in value.extra_body}
    plain = {name: header for name, header in (value.headers or {}).items() if isinstance(header, str)}
    if plain:
        options["extra_headers"], spans["extra_headers"] = plain, definition.key_span("headers")
    return OptionLayer(freeze_mapping(options), freeze_mapping(spans)) if options else None


def merged(layers: Sequence[OptionLayer]) -> Mapping[str, Any]:
    """Return what the *layers*, weakest first, come to."""
    return merge_options(*(layer.options for layer in layers))


def layers_of(
    build: Build, model: ModelSpec, feature: OptionLayer | None, target: OptionLayer | None
) -> list[OptionLayer]:
    """Return the layers that reach a target, weakest first."""
    provider = provider_layer(build.document.providers[model.provider])
    return [layer for layer in (provider, model.layer, feature, target) if layer is not None]


def carried(provider: ProviderSpec, traits: ApiTraits, model: ModelSpec, call: Call) -> frozenset[str]:
    """Return the options that *model* at *provider* takes in a call of this sort, as `takes` reads them."""
    known = _placed(provider, traits, call) - (_WITHOUT_TOOLS if call.has_tools else _OF_TOOLS)
    taken = {name for name in known if not _rejected(name, model)}
    lacking = {name for name in taken if _lacks(name, model) is not None}
    return frozenset(taken - lacking | {only_without(name) for name in lacking & WITHOUT.keys()})


def _placed(provider: ProviderSpec, traits: ApiTraits, call: Call) -> frozenset[str]:
    """Return the options that the API of *provider* has a place for in a call of this sort."""
    by_kind = {"embeddings": traits.embedding_options, "image": traits.image_options}
    return by_kind[call.kind] if call.kind in by_kind else traits.options_in(provider.api_version)


def refusals(
    provider: ProviderSpec,
    traits: ApiTraits,
    model: ModelSpec,
    call: Call,
    options: Mapping[str, Any],
    carries: frozenset[str],
) -> Iterator[Refusal]:
    """Yield each of the merged *options* that cannot be sent to *model*, which takes those that it *carries*."""
    for path in option_paths(options):
        value = option_value(options, path)
        if not takes(carries, path, value):
            yield Refusal(path, *_why_not(path, provider, traits, model, call))
        elif path in traits.values and value not in traits.values[path]:
            known = ", ".join(map(str, traits.values[path]))
            yield Refusal(path, f"api {traits.name!r}, which knows only the values {known}")
    yield from _beyond_bounds(traits, model, call, options)
    for name in sorted(options.get("extra_body", {}).keys() & traits.body_fields):
        yield Refusal(_OF_BODY + name, f"api {traits.name!r} fills itself")


def _beyond_bounds(traits: ApiTraits, model: ModelSpec, call: Call, options: Mapping[str, Any]) -> Iterator[Refusal]:
    """Yield what asks for more tokens than the model answers with, or thinks with more than the answer may have."""
    asked = options.get("max_output_tokens")
    if asked is None or call.kind != "chat":
        return
    if model.max_output_tokens is not None and asked > model.max_output_tokens:
        why = f"model {model.name!r}, whose answers have at most {model.max_output_tokens} tokens"
        yield Refusal("max_output_tokens", why, _defined_at(model))
    budget = options.get("reasoning", {}).get("budget_tokens")
    if traits.budget_below_output and not call.has_tools and budget is not None and budget >= asked:
        # With tools, what is thought between the calls counts too, and may be more than one answer.
        why = f"model {model.name!r}, whose api {traits.name!r} takes it below `max_output_tokens` only, {asked} here"
        yield Refusal("reasoning.budget_tokens", why)


def _why_not(
    path: str, provider: ProviderSpec, traits: ApiTraits, model: ModelSpec, call: Call
) -> tuple[str, str | None]:
    if _rejected(path, model):
        return f"model {model.name!r}, which rejects it", _defined_at(model)
    if path in _OF_TOOLS and not call.has_tools:
        return "a feature without tools", None
    if path in _WITHOUT_TOOLS and call.has_tools:
        return "a feature with tools, whose runs have one answer", None
    if path in _placed(provider, traits, call):
        return f"model {model.name!r}, which does not declare {_lacks(path, model)!r}", _defined_at(model)
    if path in traits.options and call.kind == "chat":
        note = f"provider {provider.name!r} speaks version {provider.api_version}; `api_version` names another"
        return f"model {model.name!r}, whose api {traits.name!r} has dropped it", note
    of_kind = {"chat": "", "embeddings": " in a call for embeddings", "image": " in a call for images"}[call.kind]
    return f"model {model.name!r}, whose api {traits.name!r} has no place for it{of_kind}", None


def place_of(option: str, layers: Sequence[OptionLayer]) -> Span | None:
    """Return where *option* was set last."""
    return next((layer.spans[option] for layer in reversed(layers) if option in layer.spans), None)


def report_refused(build: Build) -> None:
    """Report each option that something it reaches does not carry, once for the line that sets it."""
    for (place, option), whys in build.found.refused.items():
        if option.startswith(_OF_BODY):
            message = f"`extra_body` sets {option.removeprefix(_OF_BODY)!r}, which {' and '.join(whys)}"
            mend = "use the option that stands for it"
        else:
            message = f"option {option!r} reaches {', and '.join(whys)}"
            mend = "remove it, or set it to null for this target"
        notes = [note for note in whys.values() if note is not None]
        build.report("RB402", place, message, notes=notes, help=mend)


def _rejected(path: str, model: ModelSpec) -> bool:
    return path in model.rejects or path.partition(".")[0] in model.rejects


def _lacks(path: str, model: ModelSpec) -> str | None:
    """Return the capability that the option *path* needs and *model* does not declare, if it declares any."""
    need = CAPABILITY_OF.get(path.partition(".")[0])
    return None if model.capabilities is None or need in model.capabilities else need


def _defined_at(model: ModelSpec) -> str | None:
    return None if model.span is None else f"model {model.name!r} is defined at {model.span}"
