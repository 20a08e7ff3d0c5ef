"""Judged: what compiling says of a book against what brute force says, and the smallest book where they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import yaml

from reference.findings import findings
from reference.shrink import shrink
from reference.verdict import Finding, verdict
from routebook import RouteFileError, RoutingTable, compile_mapping
from small_books import Plain
from stress import rounds


def compiled(book: Plain) -> RoutingTable | None:
    """Return the table of *book*, or None; anything but a RouteFileError is a failure of the test."""
    try:
        return compile_mapping(book)
    except RouteFileError:
        return None


def said(book: Plain) -> list[Finding]:
    """Return what compiling *book* says of what is never taken, touched or reached."""
    return findings(book, compile_mapping(book).diagnostics)


def differences(book: Plain) -> list[str]:
    """Return what is said and should not be, what should be said and is not, and what is said twice."""
    table = compiled(book)
    if table is None:
        return []
    judged, found = verdict(book), findings(book, table.diagnostics)
    false = [finding for finding in found if finding not in judged.must | judged.may]
    twice = [finding for finding, times in Counter(found).items() if times > 1]
    ways = {"false report": false, "missed": judged.must - {*found}, "said twice": twice}
    return sorted(f"{way}: {code} at {path}" for way, wrong in ways.items() for code, path in wrong)


def report(seed: int, book: Plain, differs: Callable[[Plain], list[str]] = differences) -> str:
    """Return the smallest book that shows a difference of the sort that *book* shows."""
    sorts = {_sort(difference) for difference in differs(book)}

    def shows(smaller: Plain) -> bool:
        try:
            return any(_sort(difference) in sorts for difference in differs(smaller))
        except (RouteFileError, KeyError, TypeError, ValueError, StopIteration):
            return False  # no book that the judge can read

    small = shrink(book, shows)
    return "\n".join((f"seed {seed}", yaml.safe_dump(small, sort_keys=False), *differs(small)))


def good_books(make: Callable[[int], Plain], count: int) -> Iterator[tuple[int, Plain, RoutingTable]]:
    """Yield the books that *make* makes of the first *count* seeds, those that compile, with their tables."""
    for seed in rounds(count):
        book = make(seed)
        table = compiled(book)
        if table is not None:
            yield seed, book, table


def agrees(make: Callable[[int], Plain], count: int) -> Counter[str]:
    """Assert that compiling and brute force agree; return how often each code was due."""
    due: Counter[str] = Counter()
    for seed, book, _ in good_books(make, count):
        due.update(code for code, _ in verdict(book).must)
        assert not differences(book), report(seed, book)
    return due


def _sort(difference: str) -> str:
    return difference.partition(" at ")[0]
