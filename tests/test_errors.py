"""What an error advises fits what happened."""

from __future__ import annotations

import pytest

from routebook import ProviderError


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (ProviderError("no such field", "bad_request", status=400), "the provider refused the request"),
        (ProviderError("an image needs a url", "bad_request", sent=False), "nothing was sent: change the request"),
        (ProviderError("could not connect", "connection"), "check that base_url is right"),
        (ProviderError("the answer was cut off", "connection", status=200), "the connection broke while"),
    ],
)
def test_advice_tells_what_was_sent_from_what_was_not_and_what_broke_from_what_never_stood(error, advice):
    assert f"(help: {advice}" in str(error)
