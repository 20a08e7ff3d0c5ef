"""Options: the layers that reach one target, merged, and whether its API and its model carry what is left (RB402).

A model that declares its capabilities carries no option that needs another one, save where it asks to do without.
Layers merge in the order provider, model, feature, target. Where an API must be told how long an answer may be and no
layer says so, it is told the model's limit or a default. What is refused is gathered by the line that set it, so that
a line is reported once, whatever reaches it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..canonical.frozen import EMPTY, freeze_mapping
from ..canonical.options import merge_options, option_paths, option_value
from ..diagnostics.span import Span
from ..document.entry import Definition
from ..document.options import Options
from ..document.providers import Provider
from ..routing.carried import WITHOUT, only_without, takes
from ..routing.closed import closed_fields
from ..routing.provider_spec import ProviderSpec
from ..routing.spec import Kind, ModelSpec, OptionLayer
from ..routing.unfit import unfit_together, unfit_values
from .build import Build
from .carriers import Carrier

CAPABILITY_OF_MEANS = {"native": "json_schema", "tool": "tools", "json_object": "json_object"}
"""The capability that each means of asking for an output needs, if it needs one."""

_OF_TOOLS = frozenset({"tool_choice", "parallel_tool_calls"})
_WITHOUT_TOOLS = frozenset({"n"})
_OF_BODY, _OF_HEADERS = "extra_body.", "extra_headers."
_FILLED = "remove it: the adapter fills it, and no option stands for it"
_ANSWER = "max_output_tokens"
CAPABILITY_OF = {"reasoning": "reasoning", "prompt_cache": "prompt_cache", "parallel_tool_calls": "parallel_tools"}
"""The capability that an option needs, by the option's first name."""


@dataclass(frozen=True, slots=True)
class Call:
    """What sort of call a feature makes: its kind, and whether it offers tools."""

    kind: Kind = "chat"
    has_tools: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """An option, or a field of `extra_body`, that cannot be sent: why, with the place of the model that says so.

    `mend` says how to have it sent all the same, or where else it belongs.
    """

    option: str
    why: str
    note: str | None = None
    mend: str | None = None


def layer_of(options: Options | None, key_span: Callable[..., Span]) -> OptionLayer | None:
    """Return *options* as a layer; *key_span* gives the place of the key at a path below them."""
    if options is None:
        return None
    written = options.to_mapping()
    if not written:
        return None
    spans = {name: key_span(*name.split(".")) for name in option_paths(written)}
    spans |= _spans_of_body(written.get("extra_body") or {}, key_span)
    for name in written.get("extra_headers") or ():
        spans[_OF_HEADERS + name.lower()] = key_span("extra_headers", name)
    return OptionLayer(freeze_mapping(written), freeze_mapping(spans))


def provider_layer(definition: Definition[Provider]) -> OptionLayer | None:
    """Return what a provider adds to every call to it: its `extra_body` and its plain `headers`."""
    value = definition.value
    options: dict[str, Any] = {}
    spans: dict[str, Span] = {}
    if value.extra_body:
        options["extra_body"], spans["extra_body"] = value.extra_body, definition.key_span("extra_body")
        spans |= _spans_of_body(value.extra_body, definition.key_span)
    plain = {name: header for name, header in (value.headers or {}).items() if isinstance(header, str)}
    if plain:
        options["extra_headers"], spans["extra_headers"] = plain, definition.key_span("headers")
        spans |= {_OF_HEADERS + name.lower(): definition.key_span("headers", name) for name in plain}
    return OptionLayer(freeze_mapping(options), freeze_mapping(spans)) if options else None


def _spans_of_body(fields: Mapping[str, Any], key_span: Callable[..., Span], *outer: str) -> dict[str, Span]:
    """Return where each field of an `extra_body` stands, in depth."""
    spans: dict[str, Span] = {}
    for name, value in fields.items():
        spans[_OF_BODY + ".".join((*outer, name))] = key_span("extra_body", *outer, name)
        if isinstance(value, Mapping):
            spans |= _spans_of_body(value, key_span, *outer, name)
    return spans


def merged(layers: Sequence[OptionLayer]) -> Mapping[str, Any]:
    """Return what the *layers*, weakest first, come to."""
    return merge_options(*(layer.options for layer in layers))


def layers_of(
    build: Build, model: ModelSpec, feature: OptionLayer | None, target: OptionLayer | None
) -> list[OptionLayer]:
    """Return the layers that reach a target, weakest first."""
    provider = provider_layer(build.document.providers[model.provider])
    return [layer for layer in (provider, model.layer, feature, target) if layer is not None]


def carried(carrier: Carrier, model: ModelSpec, call: Call) -> frozenset[str]:
    """Return the options that *model* takes in a call of this sort, as `takes` reads them."""
    placed = carrier.options[call.kind] - carrier.lacks - _apart(carrier, model, call)
    placed -= _WITHOUT_TOOLS if call.has_tools else _OF_TOOLS
    taken = {name for name in placed if not _rejected(name, model)}
    lacking = {name for name in taken if _who_lacks(name, carrier, model) is not None}
    return frozenset(taken - lacking | {only_without(name) for name in lacking & WITHOUT.keys()})


def implied_layer(
    carrier: Carrier, model: ModelSpec, call: Call, options: Mapping[str, Any], carries: frozenset[str]
) -> OptionLayer | None:
    """Return what an API must be told that nobody says: how long an answer may be.

    It is the model's own limit, else the API's default, with room for what is thought before the answer.
    """
    default = carrier.traits.default_answer(options.get("reasoning", {}).get("budget_tokens", 0))
    if default is None or call.kind != "chat" or _ANSWER in options or _ANSWER not in carries:
        return None
    limit = default if model.max_output_tokens is None else model.max_output_tokens
    return OptionLayer(freeze_mapping({_ANSWER: limit}))


def refusals(
    provider: ProviderSpec,
    carrier: Carrier,
    model: ModelSpec,
    call: Call,
    options: Mapping[str, Any],
    carries: frozenset[str],
) -> Iterator[Refusal]:
    """Yield each of the merged *options* that cannot be sent to *model*, which takes those that it *carries*."""
    lacking = [path for path in option_paths(options) if not takes(carries, path, option_value(options, path))]
    for path in lacking:
        yield _why_not(path, provider, carrier, model, call)
    yield from _beyond_bounds(model, call, options)
    yield from (refusal for refusal in _unfit(carrier, model, call, options) if refusal.option not in lacking)
    for name in closed_fields(options.get("extra_body", EMPTY), carrier.wire.closed):
        mend = _FILLED if name.lower() in carrier.filled else None
        yield Refusal(_OF_BODY + name, f"api {carrier.traits.name!r} fills itself", mend=mend)
    for name in sorted(carrier.wire.own_headers.intersection(options.get("extra_headers", ()))):
        mend = f"set `{carrier.traits.own_headers[name]}` at provider {provider.name!r} instead"
        yield Refusal(_OF_HEADERS + name, f"api {carrier.traits.name!r} sets itself", mend=mend)


def _unfit(carrier: Carrier, model: ModelSpec, call: Call, options: Mapping[str, Any]) -> Iterator[Refusal]:
    """Yield what the API refuses for its value, or for what stands beside it."""
    api = f"api {carrier.traits.name!r}"
    for found in unfit_values(carrier.traits.rules, options):
        yield Refusal(found.option, f"{api}, which {found.why}")
    for found in unfit_together(carrier.traits.rules, options, has_tools=call.has_tools):
        yield Refusal(found.option, f"model {model.name!r}, whose {api} {found.why}")


def _beyond_bounds(model: ModelSpec, call: Call, options: Mapping[str, Any]) -> Iterator[Refusal]:
    """Yield what asks for more tokens than the model answers with."""
    asked = options.get(_ANSWER)
    if asked is None or call.kind != "chat":
        return
    if model.max_output_tokens is not None and asked > model.max_output_tokens:
        why = f"model {model.name!r}, whose answers have at most {model.max_output_tokens} tokens"
        yield Refusal(_ANSWER, why, _defined_at(model))


def _why_not(path: str, provider: ProviderSpec, carrier: Carrier, model: ModelSpec, call: Call) -> Refusal:
    subject, api = f"model {model.name!r}", carrier.traits.name
    if _rejected(path, model):
        return Refusal(path, f"{subject}, which rejects it", _defined_at(model))
    if path in _OF_TOOLS and not call.has_tools:
        return Refusal(path, "a feature without tools")
    if path in _WITHOUT_TOOLS and call.has_tools:
        return Refusal(path, "a feature with tools, whose runs have one answer")
    if path in carrier.options[call.kind]:
        if path in carrier.lacks:
            return Refusal(path, f"{subject}, whose {carrier.title} does not take it")
        if path in _apart(carrier, model, call):
            why = f"{subject}, which draws in a chat, where api {api!r} has no place for it"
            return Refusal(path, why, _defined_at(model))
        return Refusal(path, f"{subject}, {_who_lacks(path, carrier, model)}", _defined_at(model))
    if path in carrier.traits.options and call.kind == "chat":
        note = f"provider {provider.name!r} speaks version {provider.api_version}"
        mend = f"{carrier.wire.dropped[path]}, or remove the option" if path in carrier.wire.dropped else None
        return Refusal(path, f"{subject}, whose api {api!r} has dropped it", note, mend)
    of_kind = {"chat": "", "embeddings": " in a call for embeddings", "image": " in a call for images"}[call.kind]
    return Refusal(path, f"{subject}, whose api {api!r} has no place for it{of_kind}")


def _apart(carrier: Carrier, model: ModelSpec, call: Call) -> frozenset[str]:
    """Return the options of images for which a chat has no place, where *model* is asked to draw in one."""
    in_chat = call.kind == "image" and (carrier.draws_in_chat or model.serves_chat)
    return carrier.apart if in_chat else frozenset()


def place_of(option: str, layers: Sequence[OptionLayer]) -> Span | None:
    """Return where *option* was set last."""
    return next((layer.spans[option] for layer in reversed(layers) if option in layer.spans), None)


def report_refused(build: Build) -> None:
    """Report each option that something it reaches does not carry, once for the line that sets it."""
    for (place, option), whys in build.found.refused.items():
        if option.startswith(_OF_BODY):
            message = f"`extra_body` sets {option.removeprefix(_OF_BODY)!r}, which {' and '.join(whys)}"
            mend = "use the option that stands for it"
        elif option.startswith(_OF_HEADERS):
            message = f"header {option.removeprefix(_OF_HEADERS)!r} is one that {' and '.join(whys)}"
            mend = "remove it"
        else:
            message = f"option {option!r} reaches {', and '.join(whys)}"
            mend = "remove it, or set it to null for this target"
        notes = dict.fromkeys(note for note, _ in whys.values() if note is not None)
        mend = next((own for _, own in whys.values() if own is not None), mend)
        build.report("RB402", place, message, notes=notes, help=mend)


def _rejected(path: str, model: ModelSpec) -> bool:
    return path in model.rejects or path.partition(".")[0] in model.rejects


def _who_lacks(path: str, carrier: Carrier, model: ModelSpec) -> str | None:
    """Say who lacks the capability that the option *path* needs, if anyone does."""
    need = CAPABILITY_OF.get(path.partition(".")[0])
    if need is None:
        return None
    if model.capabilities is not None and need not in model.capabilities:
        return f"which does not declare {need!r}"
    return f"whose {carrier.lacked[need]} has no {need!r}" if need in carrier.lacked else None


def _defined_at(model: ModelSpec) -> str | None:
    return None if model.span is None else f"model {model.name!r} is defined at {model.span}"
