from __future__ import annotations

import pytest

from routebook.providers.http.exchange import ExchangeFault
from routebook.providers.http.headers import read_headers, sent_headers


def test_the_host_comes_first_and_what_is_the_transports_last():
    sent = sent_headers({"a": "1", "accept-encoding": "br", "content-length": "9"}, "llm.test")
    assert sent == [("host", "llm.test"), ("a", "1"), ("accept-encoding", "gzip, deflate")]


def test_a_host_that_is_given_is_the_one_that_is_sent():
    assert sent_headers({"host": "other.test"}, "llm.test")[0] == ("host", "other.test")


@pytest.mark.parametrize(
    ("name", "value"), [("a b", "1"), ("", "1"), ("a", "é"), ("a", "1\n"), ("a", " 1"), ("a", "1\t"), ("a", "\x7f")]
)
def test_what_http_cannot_carry_is_refused(name, value):
    with pytest.raises(ExchangeFault) as caught:
        sent_headers({name: value}, "llm.test")
    assert (caught.value.kind, repr(name) in caught.value.message) == ("bad_request", True)


def test_a_tab_and_nothing_at_all_are_values():
    assert sent_headers({"a": "1\t2", "b": ""}, "x")[1:3] == [("a", "1\t2"), ("b", "")]


def test_values_of_one_header_are_joined_and_names_are_in_lower_case():
    assert read_headers([(b"X-A", b"1"), (b"x-a", b"2"), (b"B", b"\xe9")]) == {"x-a": "1, 2", "b": "é"}
