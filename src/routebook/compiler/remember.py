"""Remember: what linking a feature gave, for as long as it and all that it leads to are the same.

A book of thousands of features is edited one file at a time. A feature whose definition did not change, and which
names only definitions whose digests did not change, is linked to the same, whatever else was edited.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..document.entry import Definition
from ..document.features import Feature
from ..document.scalars import ContentFile, content_file
from ..routing.spec import FeatureSpec
from .build import ALL_MODELS, Build, Findings
from .invariants.prove import Proofs

World = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remembered:
    """A feature linked without an error: its digest, what was found, and the definitions that it leads to."""

    definition: Definition[Feature]
    leads: frozenset[tuple[str, str]]
    contents: tuple[tuple[str, Any], ...]
    spec: FeatureSpec
    digest: str
    found: Findings


@dataclass(slots=True)
class Memory:
    """What the last compilation of a book linked, by the name of the feature.

    `digests` and `world` are those of that compilation, `changed` what is different in the one under way; `proofs` is
    what was proved of its features.
    """

    features: dict[str, Remembered] = field(default_factory=dict)
    digests: dict[tuple[str, str], str] = field(default_factory=dict)
    world: World = ()
    changed: frozenset[tuple[str, str]] = frozenset()
    proofs: Proofs = field(default_factory=Proofs)

    def begin(self, build: Build) -> None:
        """Look at what changed since the last compilation, before any feature is linked."""
        world = world_of(build)
        if world != self.world:
            self.features.clear()
        keys = self.digests.keys() | build.digests.keys()
        changed = {key for key in keys if self.digests.get(key) != build.digests.get(key)}
        if any(section in {"models", "providers"} for section, _ in changed):
            changed.add(ALL_MODELS)
        self.changed = frozenset(changed)
        self.world, self.digests = world, dict(build.digests)

    def recall(self, build: Build, definition: Definition[Feature]) -> Remembered | None:
        """Return what linking *definition* gave before, if it would give the same now."""
        known = self.features.get(definition.name)
        if known is None or known.definition is not definition or not self.changed.isdisjoint(known.leads):
            return None
        return known if not known.contents or known.contents == _contents(build, definition) else None

    def keep(self, build: Build, definition: Definition[Feature], spec: FeatureSpec, found: Findings) -> str:
        """Remember what linking *definition* gave, if it is good; return its digest, empty where there is no table."""
        if not found.is_good or build.document.unread or any(build.document.broken.values()):
            # Where something could not be read, less is said of what is good than would be otherwise.
            self.features.pop(definition.name, None)
            return ""
        digest = build.digester.digest(spec)
        leads = frozenset(found.used | _behind(build, found.used))
        contents = _contents(build, definition)
        self.features[definition.name] = Remembered(definition, leads, contents, spec, digest, found)
        return digest

    def forget_all_but(self, names: Iterable[str]) -> None:
        """Forget the features that the book does not have any more."""
        for name in self.features.keys() - set(names):
            del self.features[name]


def world_of(build: Build) -> World:
    """Return what every feature depends on: the profiles and the default one, and what a `provider/model-id` means."""
    profiles = (build.digests["profiles", name] for name in build.profiles)
    ids = (
        f"{provider}/{wire}={model.name}" for (provider, wire), models in build.models_by_id.items() for model in models
    )
    return (build.default_profile, *profiles, *ids)


def _behind(build: Build, used: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the providers of the models that are *used*, and other names of these models, whose limits they share."""
    models = [build.models[name] for section, name in used if section == "models" and name in build.models]
    twins = {("models", twin.name) for model in models for twin in build.models_by_id[model.provider, model.id]}
    return twins | {("providers", model.provider) for model in models}


def _contents(build: Build, definition: Definition[Feature]) -> tuple[tuple[str, Any], ...]:
    value, materials = definition.value, build.materials
    paths = [content_file(value.input), value.prompt and value.prompt.system, value.prompt and value.prompt.user]
    return tuple(
        (file.path, materials.prompts.get(file.path) or materials.contents.get(file.path))
        for file in paths
        if isinstance(file, ContentFile)
    )
