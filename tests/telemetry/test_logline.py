"""The line of a record: readable, and never more than one, whatever its texts hold."""

from __future__ import annotations

import shlex

import pytest

from routebook.telemetry.logline import line_of, quoted


def test_a_runs_line_says_what_happened_and_every_field_that_is_set(make):
    assert line_of(make.run()) == (
        "run ended: run_id=run-1 feature=chat call=chat table=abc profile=default route=use started_at=1800000000 "
        "duration_s=0.5 turns=1 attempts=2 absorbed=1 tool_calls=0 usage.input=210 usage.output=18 "
        "usage.cached_input=0 usage.cache_write=0 usage.reasoning=0 finish_reason=stop"
    )


def test_an_attempts_line_holds_the_fields_of_the_attempt_beside_those_of_its_run(make):
    line = line_of(make.attempt(outcome="failed", kind="rate_limit", reason="slow down, please", shadow=True))

    assert line.startswith("attempt failed: run_id=run-1 feature=chat turn=1 provider=p0 model=m0 credential=platform ")
    assert ' kind=rate_limit sent=true reason="slow down, please" retry=false ' in line
    assert " cost_microusd=9007199254740993 " in line
    assert " rate_limits.requests_remaining=3 " in line
    assert line.endswith(" shadow=true")


@pytest.mark.parametrize(
    ("record", "begins"),
    [
        (lambda make: make.run(error="ProviderError", kind="timeout"), "run failed: "),
        (lambda make: make.run(error="CancelledError"), "run cancelled: "),
        (lambda make: make.turn(), "turn ended: "),
        (lambda make: make.tool_call(), "tool call answered: "),
        (lambda make: make.tool_call(is_error=True), "tool call failed: "),
        (lambda make: make.attempt(), "attempt answered: "),
        (lambda make: make.attempt(outcome="unusable"), "attempt unusable: "),
        (lambda make: make.attempt(outcome="cancelled"), "attempt cancelled: "),
        (lambda make: make.attempt(outcome="passed_over"), "attempt passed over: "),
    ],
)
def test_a_line_begins_with_what_happened(make, record, begins):
    assert line_of(record(make)).startswith(f"{begins}run_id=run-1 ")


def pairs_of(line: str) -> dict[str, str]:
    """What a program that knows of quotes reads in a line."""
    return dict(word.split("=", 1) for word in shlex.split(line) if "=" in word)


FORGERIES = [
    "fine\nrun ended: run_id=run-2 error=none",
    "fine\r\nrun ended:",
    "a\x85b\u2028c\u2029d\x0be\x0cf\x1cg",
    "turns red: \x1b[31m",
    "backwards: \u202e",
    "half a character: \ud83d",
    'fine" kind=none reason="',
    "fine\\",
    'fine\\" kind=none',
]


@pytest.mark.parametrize("text", FORGERIES)
def test_no_text_begins_a_line_of_its_own_nor_passes_for_another_field(make, text):
    line = line_of(make.attempt(reason=text, outcome="failed", kind="timeout"))

    assert line.isprintable()
    assert line.splitlines() == [line]
    assert line.encode("utf-8")
    pairs, plain = pairs_of(line), pairs_of(line_of(make.attempt(reason="x", outcome="failed", kind="timeout")))
    assert pairs.keys() == plain.keys()
    assert {name for name in pairs if pairs[name] != plain[name]} == {"reason"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("clock.now", "clock.now"),
        ("Zürich", "Zürich"),
        ("", '""'),
        ("a b", '"a b"'),
        ("a=b", '"a=b"'),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        ("a\tb", '"a\\tb"'),
        ("x" * 500, "x" * 500),
        ("x" * 501, "x" * 499 + "…"),
    ],
)
def test_a_value_is_quoted_where_it_is_not_one_plain_word_and_cut_where_it_is_long(text, shown):
    assert quoted(text) == shown
