from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routebook.providers.fault import kind_of_status, read_retry_after, say

NOW = 1_763_716_500.0  # Fri, 21 Nov 2025 09:15:00 GMT


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, "server_error"),
        (302, "malformed_response"),
        (400, "bad_request"),
        (401, "authentication"),
        (402, "quota_exceeded"),
        (403, "permission_denied"),
        (404, "not_found"),
        (408, "timeout"),
        (409, "bad_request"),
        (413, "context_window_exceeded"),
        (418, "bad_request"),
        (422, "bad_request"),
        (429, "rate_limit"),
        (451, "bad_request"),
        (500, "server_error"),
        (503, "server_error"),
        (504, "timeout"),
        (529, "overloaded"),
        (599, "server_error"),
    ],
)
def test_a_status_alone_has_a_kind(status: int, kind: str):
    assert kind_of_status(status) == kind


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": ".5"}, 0.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "rubbish", "retry-after": "9"}, 9.0),
        ({"retry-after": "Fri, 21 Nov 2025 09:15:30 GMT"}, 30.0),
        ({"retry-after": "Fri, 21 Nov 2025 10:15:30 +0100"}, 30.0),
        ({"retry-after": "Fri, 21 Nov 2025 09:15:30 -0000"}, 30.0),
        ({"retry-after": "Fri, 21 Nov 2025 09:14:00 GMT"}, 0.0),
        ({"retry-after": "2025-11-21T09:15:30Z"}, 30.0),
        ({"retry-after": "86400000"}, 86_400_000.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "1_0"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Fri, 99 Nov 9999999 09:15:30 GMT"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_how_long_to_wait_is_read_in_earnest_only(headers: dict, seconds: float | None):
    assert read_retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-remaining-requests": "0"}, 1.0),
        ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "0"}, 360.0),
        ({"x-ratelimit-reset-tokens": "20ms", "x-ratelimit-remaining-tokens": "0"}, 0.02),
        ({"x-ratelimit-reset-tokens": "1h2m3.5s", "x-ratelimit-remaining-tokens": "0"}, 3723.5),
        ({"x-ratelimit-reset-tokens": "7.66s"}, 7.66),
        ({"x-ratelimit-reset-tokens": "5"}, 5.0),
        ({"x-ratelimit-reset-tokens": "9s", "x-ratelimit-remaining-tokens": "4000"}, None),
        ({"x-ratelimit-reset": "1763716530"}, 30.0),
        ({"x-ratelimit-reset": "1763716530000"}, 30.0),
        ({"x-ratelimit-reset": "1763716400"}, 0.0),
        ({"ratelimit-reset": "12", "ratelimit-remaining": "0"}, 12.0),
        ({"ratelimit-reset": "12", "ratelimit-remaining": "0", "x-ratelimit-reset-tokens": "9m"}, 12.0),
        ({"ratelimit": '"default";r=0;t=30'}, 30.0),
        ({"ratelimit": '"day";r=9;t=900, "minute";r=0;t=7'}, 7.0),
        ({"ratelimit": "limit=10, remaining=0, reset=50"}, 50.0),
        ({"anthropic-ratelimit-tokens-reset": "2025-11-21T09:15:30Z"}, 30.0),
        ({"anthropic-ratelimit-tokens-reset": "2025-11-21T10:15:30+01:00"}, 30.0),
        (
            {
                "anthropic-ratelimit-requests-reset": "2025-11-21T09:16:00Z",
                "anthropic-ratelimit-requests-remaining": "49",
                "anthropic-ratelimit-input-tokens-reset": "2025-11-21T09:15:10Z",
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-output-tokens-reset": "2025-11-21T09:15:20Z",
                "anthropic-ratelimit-output-tokens-remaining": "0",
            },
            20.0,
        ),
        ({"x-ratelimit-reset-requests": "2s", "x-ratelimit-remaining-requests": "0", "retry-after": "9"}, 9.0),
        ({"x-ratelimit-reset": "-5"}, None),
        ({"x-ratelimit-reset": "nan"}, None),
        ({"x-ratelimit-reset": "1s later"}, None),
        ({"x-ratelimit-limit": "60"}, None),
    ],
)
def test_when_a_used_up_limit_begins_anew_is_read_where_too_much_was_asked(headers: dict, seconds: float | None):
    assert [read_retry_after(headers, NOW, status) for status in (429, 503, 529)] == [seconds] * 3


def test_when_a_limit_begins_anew_says_nothing_about_other_refusals():
    assert read_retry_after({"x-ratelimit-reset-requests": "1s"}, NOW, 400) is None


@given(st.text(max_size=40), st.sampled_from(["retry-after", "retry-after-ms", "x-ratelimit-reset", "ratelimit"]))
def test_whatever_a_header_holds_the_wait_is_a_number_from_zero_up_or_none(text: str, name: str):
    seconds = read_retry_after({name: text}, NOW, 429)
    assert seconds is None or 0 <= seconds < float("inf")


def test_a_message_is_one_line():
    assert say(" a\n\tb  c ") == "a b c"


def test_a_long_message_is_cut_to_five_hundred_characters():
    assert say("x" * 501) == "x" * 499 + "…"
    assert say("x" * 500) == "x" * 500


def test_a_secret_that_straddles_the_cut_does_not_show_in_part():
    assert "sk-" not in say("x" * 490 + "sk-very-secret-key", ["sk-very-secret-key"])
