from __future__ import annotations

import pytest
from pyreqwest import exceptions

from routebook.providers.http.rust_causes import FOREIGN, fault_of
from routebook.routing.provider_spec import Timeouts

AT = "https://llm.test"
CONNECTING = ("error sending request for url (https://llm.test/)", "client error (Connect)")
SENDING = ("error sending request for url (https://llm.test/)", "client error (SendRequest)")
READING = ("request or response body error", "error reading a body from connection")


@pytest.mark.parametrize(
    ("kind", "causes", "told"),
    [
        (
            exceptions.ConnectError,
            (*CONNECTING, "tcp connect error", "Connection refused (os error 111)"),
            ("connection", f"could not connect to {AT} (connection refused)"),
        ),
        (
            exceptions.ConnectError,
            (*CONNECTING, "dns error", "failed to lookup address information: Name or service not known"),
            ("connection", f"could not connect to {AT} (name or service not known)"),
        ),
        (
            exceptions.ConnectError,
            (*CONNECTING, "invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))"),
            ("connection", f"could not connect to {AT} (its certificate is not trusted: ca used as end entity)"),
        ),
        (
            exceptions.ConnectError,
            (*CONNECTING, "tunnel error: proxy authorization required"),
            ("connection", f"the proxy refused to connect to {AT} (proxy authorization required)"),
        ),
        (
            exceptions.ConnectTimeoutError,
            (*CONNECTING, "operation timed out"),
            ("timeout", f"no connection to {AT} within 3 s"),
        ),
        (
            exceptions.ConnectTimeoutError,
            (SENDING[0], "operation timed out"),
            ("timeout", "no complete answer within 9 s"),
        ),
        (
            exceptions.ReadTimeoutError,
            ("request or response body error", "operation timed out"),
            ("timeout", "no complete answer within 9 s"),
        ),
        (
            exceptions.ConnectError,
            (*SENDING, "connection error", "Connection reset by peer (os error 104)"),
            ("connection", f"the connection to {AT} broke (connection reset by peer)"),
        ),
        (
            exceptions.ConnectError,
            (*SENDING, "connection closed before message completed"),
            ("connection", f"the connection to {AT} broke (server disconnected without sending a response)"),
        ),
        (
            exceptions.RequestError,
            (*READING, "end of file before message length reached"),
            (
                "connection",
                f"the connection to {AT} broke (peer closed connection without sending complete message body)",
            ),
        ),
        (
            exceptions.RequestError,
            (*READING, "Invalid chunk size line: missing size digit"),
            (
                "malformed_response",
                f"{AT} does not speak HTTP as it should (invalid chunk size line: missing size digit)",
            ),
        ),
        (
            exceptions.DecodeError,
            (*SENDING, "message head is too large"),
            ("malformed_response", f"{AT} does not speak HTTP as it should (message head is too large)"),
        ),
        (
            exceptions.RequestPanicError,
            (),
            ("connection", f"the connection to {AT} broke (what the library says)"),
        ),
    ],
)
def test_what_the_library_says_is_told_as_the_same_thing_always_is(kind, causes, told):
    error = kind("what the library says", {"causes": [{"message": cause} for cause in causes]})
    fault = fault_of(error, AT, Timeouts(connect=3, total=9))
    assert isinstance(error, FOREIGN)
    assert (fault.kind, fault.message) == told
