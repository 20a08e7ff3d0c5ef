"""Processes that hash differently: a book is said to be the same, and decides the same, in each of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from random_books import ENVIRONMENT, random_book, random_requests
from random_invariants import random_invariants
from routebook import RequestError, ResolveError, RouteFileError, RoutingTable, compile_mapping
from small_books import SmallBook
from stress import rounds

BOOKS = 12
TESTS = Path(__file__).parent


def books(first: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """A few random books of each sort, half of them with promises."""
    for seed in range(first, first + BOOKS):
        small, large = SmallBook(seed), random_book(seed)
        made = (large, small.of_rules(), small.of_fallbacks(), small.of_definitions(), small.of_decisions())
        book = made[seed % len(made)]
        yield seed, {**book, "invariants": random_invariants(seed, book)} if seed % 2 else book


def told(first: int) -> Iterator[str]:
    """What is said of the books, line by line, and how they decide."""
    for seed, book in books(first):
        try:
            table = compile_mapping(book, ENVIRONMENT)
        except RouteFileError as error:
            yield from (json.dumps([seed, each.to_dict()]) for each in error.diagnostics)
            continue
        yield from (json.dumps([seed, each.to_dict()]) for each in table.diagnostics)
        yield f"{seed} {table.digest} {table.coverage}"
        yield from (f"{seed} {decision.to_dict()} {decision.witness}" for decision in table.decisions())
        yield from (f"{seed} {decided(table, request)}" for request in random_requests(seed, book, 5))


def decided(table: RoutingTable, request: Any) -> str:
    try:
        return str(table.resolve(request.feature, request.context, request.facts, request.run_id).to_dict())
    except (RequestError, ResolveError) as error:
        return str(error)


def told_elsewhere(first: int, hash_seed: str) -> list[str]:
    """What a process of its own tells, in which texts have other hashes."""
    code = f"import test_hash_seeds as it; print(*it.told({first}), sep='\\n')"
    path = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1", "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=120,
    )
    return run.stdout.splitlines()


def test_processes_that_hash_differently_say_and_decide_the_same():
    for number in rounds(1):
        first = number * BOOKS
        one, other = (told_elsewhere(first, hash_seed) for hash_seed in ("1", "4321"))

        assert len(one) > 3 * BOOKS
        assert one == other, next(pair for pair in zip(one, other, strict=False) if pair[0] != pair[1])
