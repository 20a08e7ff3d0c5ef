"""RoutingTable: a compiled book. Immutable all the way down, safe to share, equal when its digest is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..canonical.frozen import EMPTY
from ..diagnostics.diagnostic import Diagnostic
from .context import Context, Facts
from .decision import Decision
from .digest import definition_digests, table_digest
from .reachable import reachable_decisions
from .resolve import resolve
from .spec import FeatureSpec, ModelSpec, OutputSpec, ProfileSpec, ProviderSpec, ServerSpec


@dataclass(frozen=True, slots=True, eq=False)
class RoutingTable:
    """Every decision a book can make.

    The mappings are read-only views from a name to what it defines. `digest` is SHA-256 over each linked
    definition, `digests` has them one by one under (section, name); `diagnostics` holds the warnings and notes of a
    good book.
    """

    providers: Mapping[str, ProviderSpec]
    models: Mapping[str, ModelSpec]
    servers: Mapping[str, ServerSpec]
    outputs: Mapping[str, OutputSpec]
    profiles: Mapping[str, ProfileSpec]
    features: Mapping[str, FeatureSpec]
    default_profile: str
    byok_profile: str | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    digests: Mapping[tuple[str, str], str] = field(init=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        digests = definition_digests(
            {
                "providers": self.providers,
                "models": self.models,
                "mcp_servers": self.servers,
                "outputs": self.outputs,
                "profiles": self.profiles,
                "features": self.features,
                "settings": {"default_profile": self.default_profile, "byok_profile": self.byok_profile},
            }
        )
        object.__setattr__(self, "digests", digests)
        object.__setattr__(self, "digest", table_digest(digests))

    def resolve(self, feature: str, context: Context | None = None, facts: Facts | None = None) -> Decision:
        """Decide what serves *feature* for *context*, without calling anything.

        Returns:
            Attempts in the order they will be tried, at least one. Timeouts are in seconds, prices in US dollars
            per million tokens. Credentials are references, never values.

        Raises:
            ResolveError: No such feature or profile (`near` has the closest names), or no usable target.
            RequestError: The caller's options or model are not ones that the feature takes.
        """
        return resolve(self, feature, context or _NOBODY, facts or _NOTHING)

    def decisions(self) -> Iterator[Decision]:
        """Yield, lazily and in a stable order, every decision the table can make, each with its witness."""
        return reachable_decisions(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RoutingTable) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"RoutingTable({len(self.features)} features, digest {self.digest[:12]})"


_NOBODY = Context(metadata=EMPTY)
_NOTHING = Facts()
