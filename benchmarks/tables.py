"""What a table costs: compiling the example book, and resolving features with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import yaml

import routebook
from measure import Row, interleaved, ratio
from routebook import Context

_COMPILE_ROUNDS = 15
_RESOLVE_ROUNDS = 15
_CALLS = 2000
_LIMIT_US = 10.0
_KEYS = {"openai": "sk-benchmark", "gemini": "key-benchmark"}


def compile_rows(book: Path) -> list[Row]:
    """Measure compiling the book, files to table, against reading the same files with PyYAML's loader over libyaml."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    files = [path for path in sorted(book.rglob("*.yaml")) if not path.parent.name.startswith("_")]

    def read_only() -> None:
        for file in files:
            yaml.load(file.read_text(encoding="utf-8"), Loader=loader)

    cases = {"compile": _timed(lambda: routebook.compile(book), 1), "read": _timed(read_only, 1)}
    rounds = interleaved(cases, _COMPILE_ROUNDS)
    measured = f"{median(rounds['compile']) * 1e3:.1f} ms"
    against = f"PyYAML reading the files, {median(rounds['read']) * 1e3:.1f} ms"
    return [Row("compile the example book", measured, against, ratio(rounds, "compile", "read"))]


def resolve_rows(book: Path) -> list[Row]:
    """Measure one call of `resolve`, against a dictionary of (feature, profile) as written by hand."""
    table = routebook.compile(book)
    wanted: Mapping[str, tuple[str, Context | None]] = {
        "conv_folder, no context": ("conv_folder", None),
        "conv_folder, max": ("conv_folder", Context(profile="max")),
        "chat_agent, premium, a user": ("chat_agent", Context(profile="premium", user="u-17")),
        "fair_use, pinned": ("fair_use", Context(profile="max")),
        "conv_folder, the caller's keys": ("conv_folder", Context(credentials=_KEYS)),
    }
    by_hand = {(decision.feature, decision.profile): decision for decision in table.decisions()}
    cases = {name: _timed(_resolving(table, *asked), _CALLS) for name, asked in wanted.items()}
    cases["by hand"] = _timed(lambda: by_hand["conv_folder", "max"], _CALLS)
    rounds = interleaved(cases, _RESOLVE_ROUNDS)
    against = f"a dictionary lookup, {median(rounds['by hand']) * 1e9:.0f} ns"
    return [
        Row(
            f"resolve: {name}",
            f"{median(rounds[name]) * 1e9:.0f} ns",
            against,
            ratio(rounds, name, "by hand"),
            f"< {_LIMIT_US:g} µs",
            median(rounds[name]) * 1e6 < _LIMIT_US,
        )
        for name in wanted
    ]


def _resolving(table: routebook.RoutingTable, feature: str, context: Context | None) -> Callable[[], object]:
    return lambda: table.resolve(feature, context)


def _timed(work: Callable[[], object], calls: int) -> Callable[[], float]:
    """Return a case that gives the seconds of one call of *work*, of *calls* in a row."""

    def run() -> float:
        started = time.perf_counter()
        for _ in range(calls):
            work()
        return (time.perf_counter() - started) / calls

    return run
