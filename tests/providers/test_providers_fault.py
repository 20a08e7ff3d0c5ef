from __future__ import annotations

import pytest

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


def test_a_message_is_one_line():
    assert say(" a\n\tb  c ") == "a b c"


def test_a_long_message_is_cut_to_five_hundred_characters():
    assert say("x" * 501) == "x" * 499 + "…"
    assert say("x" * 500) == "x" * 500


def test_a_secret_that_straddles_the_cut_does_not_show_in_part():
    assert "sk-" not in say("x" * 490 + "sk-very-secret-key", ["sk-very-secret-key"])
