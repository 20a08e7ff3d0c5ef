from __future__ import annotations

import pytest

from routebook.canonical.rate_limits import RateLimits
from routebook.providers.rate_limit_headers import HeaderNames, read_rate_limits

NAMES = HeaderNames("req-limit", "req-left", "req-reset", "tok-limit", "tok-left", "tok-reset")
NOW = 2_000_000_000.0


def read(**headers: str) -> RateLimits | None:
    return read_rate_limits({name.replace("_", "-"): text for name, text in headers.items()}, NAMES, NOW)


def test_all_that_is_said_is_read():
    headers = {
        "req_limit": "60",
        "req_left": "0",
        "req_reset": "1s",
        "tok_limit": "9",
        "tok_left": "8",
        "tok_reset": "2",
    }
    assert read(**headers) == RateLimits(60, 0, 1.0, 9, 8, 2.0)


def test_what_is_not_said_is_none():
    assert read() is None
    assert read(other="1") is None
    assert read(tok_left="8") == RateLimits(tokens_remaining=8)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360.0),
        ("20ms", 0.02),
        ("7.66s", 7.66),
        ("1h2m3s", 3723.0),
        ("1d", 86400.0),
        ("12.5", 12.5),
        ("0", 0.0),
        ("2000000007", 7.0),
        ("2000000007000", 7.0),
        ("1999999990", 0.0),
        ("2033-05-18T03:33:27Z", 7.0),
        ("soon", None),
        ("-1", None),
        ("nan", None),
        ("", None),
    ],
)
def test_a_moment_is_read_however_it_is_written(text: str, seconds: float | None):
    limits = read(req_limit="1", req_reset=text)
    assert limits is not None
    assert limits.requests_reset_s == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize("text", ["", "-1", "1.5", "many", "9" * 5000, "\u0661"])
def test_a_count_that_is_none_is_not_said(text: str):
    assert read(req_limit=text) is None
