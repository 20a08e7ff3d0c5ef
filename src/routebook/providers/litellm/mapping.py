"""Mapping: what the library makes of a call's arguments for the provider that its model names, asked before the call.

What the library has no place for is refused here, also where it would drop it in silence: every option is left out
once, and where that makes no difference to what the library would send, it does not reach the wire. All this is asked
of the library's own tables; nothing is sent.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from ..body import to_json
from ..fault import Fault, NoPlace, say
from .arguments import ALWAYS, OWN
from .credentials import UNRETRIED, address_fault, credential_fault
from .faults import kind_of_classes, sentence_of_error
from .quiet import changing
from .raised import raised
from .traits import TRAITS

Arguments = dict[str, Any]

_ARGUMENTS = msgspec.json.Decoder(Arguments)
_CONTENT = frozenset({"model", "messages", "input", "prompt", "stream", "stream_options"})
_CAPABILITIES = {"tools": "tools", "response_format": "structured output", "modalities": "such answers"}
# What asks for no more than a provider does anyway, wherever it stands.
_NOTHING: tuple[tuple[str, Any], ...] = (
    ("n", 1),
    ("tool_choice", "auto"),
    ("parallel_tool_calls", True),
    ("reasoning_effort", "none"),
)
# What the library takes for a provider, and leaves out only when it writes the request.
_LEFT_OUT_LATER = {"parallel_tool_calls": frozenset({"gemini", "vertex_ai", "vertex_ai_beta"})}
_NUMBERS = "float"
_OPTIONS = {place.partition(".")[0]: option for option, place in TRAITS.wire.items()} | {"logprobs": "logprobs"}
_MAPPERS = {
    "acompletion": "get_optional_params",
    "aembedding": "get_optional_params_embeddings",
    "aimage_generation": "get_optional_params_image_gen",
}


def setting_fault(library: Any) -> Fault | None:
    """Return what the application has set of the library that would change calls or show keys, if anything."""
    setting = changing(library)
    if setting is None:
        return None
    return Fault(
        "bad_request", f"`{setting}` of litellm is set in this process: calls would change, or show keys; unset it"
    )


def fault_of_place(arguments: Mapping[str, Any], *, has_key: bool) -> Fault | None:
    """Return why the call would not be made with its own key, or not at its own address, if so."""
    provider = str(arguments["model"]).partition("/")[0]
    fault = credential_fault(provider, os.environ) if has_key else None
    return fault or (address_fault(provider) if "api_base" in arguments else None)


def fitted(library: Any, call: str, body: bytes, *, has_key: bool) -> bytes | Fault:
    """Return the arguments *body* as the provider behind them wants them, or why the call must not be made.

    With a key (*has_key*), no other credentials may be used.
    """
    arguments = _ARGUMENTS.decode(body)
    found = _resolved(library, arguments, has_key=has_key)
    if isinstance(found, Fault):
        return found
    model, provider = found
    fault = _fault_of_extra(library, arguments) or (
        _fault_of_options(library, call, model, provider, arguments) if call in _MAPPERS else None
    )
    if fault is not None:
        return fault
    try:
        return to_json(arguments)
    except NoPlace as none:
        return none.fault


def _resolved(library: Any, arguments: Arguments, *, has_key: bool) -> tuple[str, str] | Fault:
    """Return the model and its provider as the library knows them; write the provider before a model without one.

    The library must not be left to tell a provider by its address: it would take the key of the environment then.
    """
    name = str(arguments["model"])
    fault = fault_of_place(arguments, has_key=has_key)
    if fault is not None:
        return fault
    try:
        model, provider, _, _ = library.get_llm_provider(model=name)
    except Exception:  # noqa: BLE001, whatever the library raises, it knows no such model
        what = f"litellm knows no provider of model {name!r}; write it as PROVIDER/MODEL, as in mistral/mistral-large"
        return Fault("not_found", what)
    known = {provider, *(getattr(listed, "value", listed) for listed in library.provider_list)}
    if name.partition("/")[0] not in known:
        arguments["model"] = f"{provider}/{name}"
    if provider in UNRETRIED:
        del arguments["num_retries"], arguments["max_retries"]
    return str(model), str(provider)


def _fault_of_extra(library: Any, arguments: Arguments) -> Fault | None:
    """Refuse what the library keeps for itself and does not send, by its own newest list."""
    known = getattr(getattr(library.types, "utils", None), "all_litellm_params", ())
    for name in arguments:
        if name not in OWN and (name in known or name.startswith("_")):
            return Fault("unsupported_option", f"`extra_body` names {name!r}, which litellm keeps and does not send")
    return None


def _fault_of_options(library: Any, call: str, model: str, provider: str, arguments: Arguments) -> Fault | None:
    if call == "acompletion":
        fault = _fault_of_support(library, model, provider, arguments)
        if fault is not None:
            return fault
    options = {name: value for name, value in arguments.items() if name not in OWN and name not in _CONTENT}

    def mapped(without: str | None = None, **more: object) -> Any:
        left = {name: value for name, value in options.items() if name != without} | more
        # The library may change what it is given.
        fresh = {**_ARGUMENTS.decode(to_json(left)), "drop_params": ALWAYS["drop_params"]}
        return _mapper(library, call, model, provider)(model=model, custom_llm_provider=provider, **fresh)

    fault = _fault_of_dropped(options, arguments, provider, mapped)
    if fault is None and call == "aembedding" and _takes_numbers(mapped):
        arguments["encoding_format"] = _NUMBERS
    return fault


def _takes_numbers(mapped: Callable[..., Any]) -> bool:
    """Tell whether vectors may be asked for as numbers: where nothing is said, the library sends a null, which strict
    servers refuse.
    """
    try:
        sent = mapped(encoding_format=_NUMBERS)
    except Exception:  # noqa: BLE001, whatever the library raises, it has no place for it
        return False
    return isinstance(sent, dict) and sent.get("encoding_format") == _NUMBERS


def _mapper(library: Any, call: str, model: str, provider: str) -> Callable[..., Any]:
    mapper: Callable[..., Any] = getattr(library.utils, _MAPPERS[call])
    if call != "aimage_generation":
        return mapper
    find = library.utils.ProviderConfigManager.get_provider_image_generation_config
    return partial(mapper, provider_config=find(model=model, provider=library.types.utils.LlmProviders(provider)))


def _fault_of_support(library: Any, model: str, provider: str, arguments: Arguments) -> Fault | None:
    """Refuse what the library's own list of the provider's arguments lacks; say `max_tokens` where it knows that."""
    supported = library.get_supported_openai_params(model=model, custom_llm_provider=provider)
    if supported is None:
        return None
    if "max_completion_tokens" not in supported and "max_tokens" in supported and "max_completion_tokens" in arguments:
        arguments["max_tokens"] = arguments.pop("max_completion_tokens")
    # It lists what OpenAI defined; of the rest, what is sent tells.
    listed = ((_OPTIONS.keys() | _CAPABILITIES.keys()) - {"top_k"}) & arguments.keys()
    lacking = [name for name in sorted(listed - {*supported}) if (name, arguments[name]) not in _NOTHING]
    return _without(lacking[0], provider) if lacking else None


def _fault_of_dropped(
    options: Arguments, arguments: Arguments, provider: str, mapped: Callable[[str | None], Any]
) -> Fault | None:
    """Refuse what makes no difference to what is sent; what asks for nothing is left out where that is easier."""
    for name in [name for name, value in options.items() if (name, value) in _NOTHING]:
        if not _changes(name, mapped):
            del options[name], arguments[name]
    try:
        mapped(None)
    except Exception as error:  # noqa: BLE001, what the library raises is told by its class
        return _fault_of_value(options, provider, mapped) or _fault_of_refused(raised(error).to_dict())
    for name, value in options.items():
        is_lost = provider in _LEFT_OUT_LATER.get(name, ()) or not _changes(name, mapped)
        if is_lost and (name, value) not in _NOTHING:
            return _without(name, provider)
    return None


def _changes(name: str, mapped: Callable[[str | None], Any]) -> bool:
    """Tell whether *name* makes a difference to what is sent; one that alone cannot be sent makes none."""
    try:
        without = mapped(name)
    except Exception:  # noqa: BLE001, whatever the library raises, it is not for this one alone
        return True
    try:
        return bool(_without_null(mapped(None)) != _without_null(without))
    except Exception as error:  # noqa: BLE001, as above
        return kind_of_classes(raised(error).classes) == "unsupported_option"


def _fault_of_value(options: Arguments, provider: str, mapped: Callable[[str | None], Any]) -> Fault | None:
    """Refuse the option over whose value the library stumbles, if there is one: without it, the rest can be sent."""
    for name, value in options.items():
        try:
            mapped(name)
        except Exception:  # noqa: BLE001, this is not the one
            continue
        option = f"option {_OPTIONS[name]!r}" if name in _OPTIONS else f"field {name!r}"
        shown = f" the value {value!r}" if isinstance(value, (str, int, float)) else " this value"
        return Fault("unsupported_option", say(f"{option} cannot have{shown} at litellm's provider {provider!r}"))
    return None


def _without_null(sent: Any) -> Any:
    return {name: value for name, value in sent.items() if value is not None} if isinstance(sent, dict) else sent


def _fault_of_refused(error: Mapping[str, Any]) -> Fault | None:
    """Return the fault of options that the library refuses; what else it stumbles over, the call itself tells."""
    if kind_of_classes(error["classes"]) != "unsupported_option":
        return None
    return Fault("unsupported_option", say(sentence_of_error(error) or "litellm refuses an option"))


def _without(name: str, provider: str) -> Fault:
    if name in _CAPABILITIES:
        what = f"litellm has no place for {_CAPABILITIES[name]} (`{name}`) at its provider {provider!r}"
        return Fault("unsupported_capability", what)
    option = _OPTIONS.get(name)
    what = f"option {option!r}" if option else f"`extra_body` field {name!r}"
    return Fault("unsupported_option", f"{what} has no place at litellm's provider {provider!r}")
