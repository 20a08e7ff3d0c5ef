from __future__ import annotations

import pytest

from routebook.providers.http.idle_room import IDLE_S
from routebook.providers.http.keep_alive import idle_s


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("timeout=5", 4.0),
        ("timeout=5, max=100", 4.0),
        ("max=100,Timeout = 5", 4.0),
        ('timeout="5"', 4.0),
        ("timeout=2", 1.0),
        ("timeout=1", 0.5),
        ("timeout=0", 0.0),
        ("timeout=600", IDLE_S),
        ("timeout=" + "9" * 50, IDLE_S),
        ("timeout=soon", IDLE_S),
        ("x-timeout=5", IDLE_S),
        ("max=100", IDLE_S),
        ("", IDLE_S),
    ],
)
def test_a_connection_is_kept_for_a_little_less_than_its_server_says(said: str, seconds: float):
    assert idle_s({"keep-alive": said}) == seconds


def test_a_connection_whose_server_says_nothing_is_kept_for_as_long_as_we_keep_any():
    assert idle_s({"content-length": "2"}) == IDLE_S
