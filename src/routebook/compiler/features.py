"""Features: everything that one of them says, linked into what runs (RB401, RB412, RB413)."""

from __future__ import annotations

from ..canonical.frozen import freeze_mapping
from ..canonical.options import OPTION_NAMES
from ..diagnostics.suggest import did_you_mean
from ..document.entry import Definition
from ..document.features import Budget, Feature
from ..routing.spec import AttemptSpec, BudgetSpec, FeatureSpec, Kind, ShadowSpec
from .analysis import analyse_feature
from .build import Build
from .fitness.capabilities import kind_of, needs_of
from .fitness.check import Fitness
from .fitness.windows import sent_by_prompt
from .fitness.wire_names import note_tool_names
from .options import Call, layer_of
from .overrides import link_overrides
from .prompts import link_input, link_prompt
from .routes import FeatureRoutes
from .targets import FeatureCall
from .tools import link_tools

_ANY_OPTION = frozenset(OPTION_NAMES) - {"extra_body", "extra_headers"}  # those must be named


def link_feature(build: Build, definition: Definition[Feature]) -> FeatureSpec:
    """Link one feature: its routes with their attempts, and all that holds for each of them."""
    value = definition.value
    subject = f"feature {definition.name!r}"
    if value.output is not None:
        build.refer("outputs", value.output, definition.span("output"), subject)
    tools = link_tools(build, definition)
    kind = kind_of(build, definition)
    layer = layer_of(value.options, lambda *path: definition.key_span("options", *path))
    call = FeatureCall(subject, layer, Call(kind, tools is not None and tools.allow != ()))
    needs = needs_of(build, definition, tools)
    output = build.outputs.get(value.output or "")
    schema = link_input(build, definition)
    prompt = link_prompt(build, definition, schema)
    fitness = Fitness(build, call, needs, output, sent_by_prompt(definition, prompt))
    routes = FeatureRoutes(build, definition, call, (*needs, value.output or ""), fitness.check, fitness.serves)
    pin, rules, profiles, use, shadow = routes.pin(), routes.rules(), routes.profiles(), routes.use(), routes.shadow()
    routes.report_useless()
    _check_every_profile(build, definition)
    _check_kind(build, definition, kind)
    note_tool_names(build, definition)
    overrides, refused = link_overrides(build, definition, fitness)
    spec = FeatureSpec(
        name=definition.name,
        kind=kind,
        pin=pin,
        rules=rules,
        profiles=freeze_mapping(profiles),
        use=use,
        shadow=_shadow(definition, shadow),
        overrides=overrides,
        refused_overrides=refused,
        caller_options=_caller_options(build, definition),
        credentials=value.credentials,
        deadline_s=value.deadline,
        needs=frozenset(value.needs or ()),
        tags=tuple(value.tags or ()),
        tools=tools,
        output=value.output,
        prompt=prompt,
        input=schema,
        budget=_budget(value.budget),
        layer=layer,
        description=value.description,
        credentials_span=None if value.credentials is None else definition.key_span("credentials"),
        span=definition.key,
    )
    analyse_feature(build, definition, spec, routes, fitness)
    return spec


def _shadow(definition: Definition[Feature], attempt: AttemptSpec | None) -> ShadowSpec | None:
    written = definition.value.shadow
    if attempt is None or written is None:
        return None
    return ShadowSpec(attempt, written.percent, definition.key_span("shadow"))


def _budget(budget: Budget | None) -> BudgetSpec | None:
    return None if budget is None else BudgetSpec(**budget.model_dump())


def _caller_options(build: Build, definition: Definition[Feature]) -> frozenset[str]:
    allowed = definition.value.caller_options
    if not isinstance(allowed, list):
        return _ANY_OPTION if allowed == "any" else frozenset()
    for index, name in enumerate(allowed):
        if name not in OPTION_NAMES:
            message = f"feature {definition.name!r} names option {name!r}, which there is not"
            near = did_you_mean(name, OPTION_NAMES) or f"options: {', '.join(OPTION_NAMES)}"
            build.report("RB301", definition.span("caller_options", index), message, help=near)
    return frozenset(allowed)


def _check_every_profile(build: Build, definition: Definition[Feature]) -> None:
    value = definition.value
    if value.pin is not None or value.use is not None or build.document.unread or build.document.broken.get("profiles"):
        return
    entries = value.profiles or {}
    if any(name not in build.profiles for name in entries):
        return  # it may be the missing one, misspelt
    without = [
        name
        for name, spec in build.profiles.items()
        if not any(step in entries for step in spec.lineage) and not _is_cut_off(build, spec.lineage[-1])
    ]
    if not without:
        return
    names = ", ".join(map(repr, without[:5])) + (f" and {len(without) - 5} more" if len(without) > 5 else "")
    noun = "profile" if len(without) == 1 else "profiles"
    verb = "leaves" if len(without) == 1 else "leave"
    build.report(
        "RB401",
        definition.key,
        f"{noun} {names} {verb} feature {definition.name!r} without a route",
        notes=(f"the feature has entries for {', '.join(map(repr, entries)) or 'no profile'}, and no `use`",),
        help=f"add `use: {{model: ...}}` to the feature, or an entry for {names}",
    )


def _is_cut_off(build: Build, oldest: str) -> bool:
    """Tell whether the lineage that ends with the profile *oldest* goes on to one that there is not."""
    definition = build.document.profiles.get(oldest)
    return definition is not None and definition.value.extends is not None


def _check_kind(build: Build, definition: Definition[Feature], kind: Kind) -> None:
    """A prompt, tools and an output belong to chat."""
    if kind == "chat":
        return
    need, noun = ("embeddings", "embeddings") if kind == "embeddings" else ("image_output", "images")
    for key in ("prompt", "tools", "output"):
        if getattr(definition.value, key) is not None:
            message = f"feature {definition.name!r} makes {noun}, so its `{key}` has no use"
            build.report("RB413", definition.key_span(key), message, help=f"remove it, or remove {need!r} from `needs`")
