"""Near names: the nearest is meant, also among ten thousand, and soon enough for a book full of misspelt ones."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from difflib import get_close_matches

import pytest

from routebook.diagnostics.suggest import did_you_mean, near_names

WORDS = ("summary", "folder", "chat", "title", "agent", "memory", "draft", "mail", "search", "rank", "image", "plan")


def many_names(seed: int = 1, count: int = 10_000) -> list[str]:
    rng = random.Random(seed)
    names: set[str] = set()
    while len(names) < count:
        name = "_".join(rng.choice(WORDS) for _ in range(rng.randint(2, 4)))
        names.add(name + rng.choice(["", "-v2", "_eu", f"-{rng.randint(0, 99)}"]))
    return sorted(names)


def misspelt(names: list[str], count: int) -> Iterator[tuple[str, str]]:
    rng = random.Random(2)
    for _ in range(count):
        name = rng.choice(names)
        at = rng.randrange(1, len(name) - 1)
        wrong = {
            "left out": name[:at] + name[at + 1 :],
            "doubled": name[:at] + name[at] + name[at:],
            "swapped": name[:at] + name[at + 1] + name[at] + name[at + 2 :],
            "another": name[:at] + "q" + name[at + 1 :],
        }
        yield name, wrong[rng.choice(sorted(wrong))]


@pytest.mark.parametrize("seed", [1, 2])
def test_among_ten_thousand_names_the_same_one_is_meant_as_if_all_had_been_compared(seed: int):
    names = many_names(seed)

    for _, wrong in misspelt(names, 12):
        assert near_names(wrong, names, limit=1) == tuple(get_close_matches(wrong, names, n=1, cutoff=0.6))


def test_a_name_with_one_mistake_in_it_is_found_among_ten_thousand():
    names = many_names()
    known = set(names)
    cases = [(name, wrong) for name, wrong in misspelt(names, 150) if wrong not in known]

    found = sum(name in near_names(wrong, known) for name, wrong in cases)

    assert found >= len(cases) * 0.97  # with 99 numbers after a name, three others may be as near


def test_two_hundred_misspelt_names_take_a_small_part_of_what_comparing_all_takes():
    names = many_names()
    near_names("warm", names)
    wrong = [written for _, written in misspelt(names, 200)]

    started = time.perf_counter()
    for written in wrong[:2]:
        get_close_matches(written, names, n=1, cutoff=0.6)
    comparing_all = (time.perf_counter() - started) / 2
    started = time.perf_counter()
    for written in wrong:
        near_names(written, names, limit=1)
    each = (time.perf_counter() - started) / len(wrong)

    assert each < comparing_all / 4


@pytest.mark.parametrize("name", ["", "x", "q" * 5000, "größe", "\ud800"])
def test_a_name_like_none_of_ten_thousand_is_none_of_them(name: str):
    assert did_you_mean(name, many_names()) is None


def test_a_short_name_is_found_among_many():
    assert near_names("luna", [*many_names(), "luma"], limit=1) == ("luma",)


def test_the_answer_does_not_depend_on_the_order_of_the_names():
    names = many_names()

    assert near_names("sumary_foldr", names) == near_names("sumary_foldr", list(reversed(names)))
