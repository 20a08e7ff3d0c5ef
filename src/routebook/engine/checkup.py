"""Checkup: what a book needs of this machine, and what of that is there.

Versions, optional dependencies, the transport, the book, and the environment variables and secrets that it reads: set
or not, never their values. Nothing is sent, and no credentials are looked for beyond that.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from ..book import OpenBook
from ..canonical.record import Record
from ..credentials import SecretUnavailable, read_secret, secrets_of
from ..diagnostics.diagnostic import Diagnostic
from ..providers import extras, registry
from ..providers.http.choice import TransportName, chosen
from ..routing.linked import TransportChoice
from ..routing.table import RoutingTable

_PACKAGES = ("routebook", "httpx2", "httpcore2", "mcp", "msgspec", "pydantic", "watchfiles")
_EVERYWHERE = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "ROUTEBOOK_ROUTES"),
)
_OF_CONNECTIONS = "connections"
_WHOLE_BOOK = "."  # the path of what is said about no file

State = Literal["set", "empty", "unset", "readable", "unreadable"]


@dataclass(frozen=True, slots=True)
class ExtraState(Record):
    """An optional dependency: the package that it brings, with its version (`unknown` where the package does not say),
    None where it is not installed.
    """

    name: str
    package: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class NeedState(Record):
    """Something of the environment that is read: a variable or a file, by name, and by whom. `problem` says why a
    secret cannot be used, if it cannot.
    """

    kind: Literal["variable", "file"]
    name: str
    state: State
    used_by: tuple[str, ...]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderState(Record):
    """A provider of the book: its API and address, and what it shows who pays: `env:NAME`, `file:PATH`, `chain` (found
    as the vendor's own tools do), `headers` or `none`.
    """

    name: str
    api: str
    address: str | None
    credential: str


@dataclass(frozen=True, slots=True)
class Checkup:
    """All that was found. `transport` is what carries requests, `choice` the setting that says so, None where the book
    could not be read so far; then it is what carries them without a setting. `table` is None where the book does not
    compile.
    """

    versions: Mapping[str, str]
    extras: tuple[ExtraState, ...]
    choice: TransportChoice | None
    transport: TransportName
    table: RoutingTable | None
    diagnostics: tuple[Diagnostic, ...]
    providers: tuple[ProviderState, ...]
    needs: tuple[NeedState, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """What will keep runs from being answered, in sentences."""
        secrets = [f"{', '.join(need.used_by)}: {need.problem}" for need in self.needs if need.problem]
        return (*_of_book(self.diagnostics), *secrets)


def check_up(routes: str | os.PathLike[str], environment: Mapping[str, str]) -> Checkup:
    """Look at this machine for the book at *routes*; a book that does not compile is a finding, no error."""
    book = OpenBook(routes, environment)
    report = book.read()
    table = report.linked
    choice = None if table is None else table.transport
    return Checkup(
        versions={"python": platform.python_version(), "system": platform.platform(), **_versions()},
        extras=tuple(ExtraState(name, extras.distribution(name), _version_of(name)) for name in extras.EXTRAS),
        choice=choice,
        transport=chosen(choice or "auto", fast_is_installed=extras.is_installed("fast")),
        table=report.table,
        diagnostics=report.diagnostics,
        providers=() if table is None else tuple(_providers(table)),
        needs=tuple(_needs(table, book.variables, environment)),
    )


def _of_book(diagnostics: Iterable[Diagnostic]) -> Iterator[str]:
    """Yield why a book does not compile: how many errors it has, and the first with what mends it."""
    errors = [diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"]
    if errors:
        first = errors[0]
        count = "1 error" if len(errors) == 1 else f"{len(errors)} errors, the first"
        where = "" if first.span.path == _WHOLE_BOOK else f"{first.span}: "
        mend = f"; {first.help}" if first.help else ""
        yield f"the book does not compile: {count}: {where}{first.code} {first.message}{mend}"


def _versions() -> dict[str, str]:
    return {name: _version(name) or "not installed" for name in _PACKAGES}


def _version_of(extra: str) -> str | None:
    """Return the version of what *extra* brings, None where that cannot be imported; then a book cannot use it."""
    if not extras.is_installed(extra):
        return None
    return _version(extras.distribution(extra)) or "unknown"


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _providers(table: RoutingTable) -> Iterator[ProviderState]:
    for name, provider in sorted(table.providers.items()):
        found = "chain" if provider.credential_chain else "headers" if provider.headers else "none"
        credential = found if provider.credential is None else str(provider.credential)
        yield ProviderState(name, provider.api, provider.base_url, credential)


def _needs(
    table: RoutingTable | None, variables: tuple[str, ...], environment: Mapping[str, str]
) -> Iterator[NeedState]:
    """Yield what the book reads when it compiles, its secrets, then what vendors' tools and connections look at."""
    for name in variables:
        yield NeedState("variable", name, _state(environment, name), ("the book",))
    if table is not None:
        yield from _secrets(table, environment)
        yield from _of_chains(table, environment)
    for name in _EVERYWHERE:
        if name in environment:
            yield NeedState("variable", name, _state(environment, name), (_OF_CONNECTIONS,))


def _secrets(table: RoutingTable, environment: Mapping[str, str]) -> Iterator[NeedState]:
    needed: dict[str, list[str]] = {}
    references = {}
    for subject, _, ref in secrets_of(table):
        references[str(ref)] = ref
        users = needed.setdefault(str(ref), [])
        if subject not in users:
            users.append(subject)
    for name, ref in sorted(references.items()):
        problem = None
        try:
            read_secret(ref, environment)
        except SecretUnavailable as error:
            problem = str(error)
        is_variable = ref.kind == "env"
        state: State = _state(environment, ref.name) if is_variable else "unreadable" if problem else "readable"
        yield NeedState("variable" if is_variable else "file", ref.name, state, tuple(needed[name]), problem)


def _of_chains(table: RoutingTable, environment: Mapping[str, str]) -> Iterator[NeedState]:
    """Yield the variables that may lead to credentials which the vendors' own tools find."""
    for name, provider in sorted(table.providers.items()):
        if provider.credential_chain:
            for variable in registry.traits()[provider.api].chain_variables:
                yield NeedState("variable", variable, _state(environment, variable), (f"provider {name!r}",))


def _state(environment: Mapping[str, str], name: str) -> State:
    if name not in environment:
        return "unset"
    return "set" if environment[name].strip() else "empty"
