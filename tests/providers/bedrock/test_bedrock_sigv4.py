from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from aws_server import read_authorization, signature_of
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st
from loopback_server import Received

from routebook.providers.bedrock.model_ids import path_to
from routebook.providers.bedrock.sigv4 import SigningKey
from routebook.providers.http.exchange import HttpRequest

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ARN = "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-x-v1:0"


def received_of(request: HttpRequest) -> Received:
    """What a server has of *request*."""
    address = urlsplit(request.url)
    host = address.netloc.lower().removesuffix(":443")
    target = (address.path or "/") + (f"?{address.query}" if address.query else "")
    return Received(f"{request.method} {target} HTTP/1.1", [*request.headers.items(), ("host", host)], request.body)


@pytest.mark.parametrize("token", [None, "IQoJb3JpZ2luX2VjE//w=="])
@pytest.mark.parametrize("body", [b"", b'{"messages": []}', "{\u00fc}".encode()])
@pytest.mark.parametrize(
    "url",
    [
        "https://bedrock-runtime.eu-central-1.amazonaws.com/model/anthropic.claude-x-v1%3A0/converse",
        "https://BEDROCK.example.com:443/model/m/converse-stream",
        "https://vpce-1.example.com:8443/prefix/model/m/converse",
        f"http://127.0.0.1:8080{path_to(ARN, 'converse')}",
        "http://[::1]:8080/model/m/converse?b=2&a=%20x&a=1&c=",
        "http://host",
    ],
)
def test_a_request_is_signed_by_the_rules(url: str, body: bytes, token: str | None):
    headers = {
        "content-type": "application/json",
        "accept": "application/json",
        "user-agent": "x",
        "x-amzn-bedrock-trace": " ENABLED   FULL ",
        "x-amz-own": "1",
        "x-amzn-trace-id": "set by those on the way",
        "x-title": "Demo",
    }
    request = HttpRequest("POST", url, headers, body)
    signed = SigningKey("AKIDEXAMPLE", SECRET, token, "eu-central-1").sign(request)
    said = read_authorization(received_of(signed))
    assert said["Signature"] == signature_of(received_of(signed), SECRET)
    assert said["Credential"].startswith("AKIDEXAMPLE/")
    assert "/eu-central-1/bedrock/" in said["Credential"]
    of_session = ["x-amz-security-token"] if token else []
    assert said["SignedHeaders"].split(";") == [
        *("content-type", "host", "x-amz-date", "x-amz-own"), *of_session, "x-amzn-bedrock-trace"
    ]  # fmt: skip
    assert signed.headers.get("x-amz-security-token") == token
    assert (signed.url, signed.body, signed.method) == (url, body, "POST")
    assert headers.items() <= signed.headers.items()


@given(st.text(st.characters(codec="ascii", exclude_characters="\r\n"), max_size=30), st.binary(max_size=40))
def test_any_header_and_body_is_signed(value: str, body: bytes):
    request = HttpRequest("POST", "https://h/model/m/converse", {"x-amz-own": value}, body)
    received = received_of(SigningKey("AKID", SECRET, None, "r").sign(request))
    assert read_authorization(received)["Signature"] == signature_of(received, SECRET)


def test_a_signature_is_made_anew_with_its_time():
    request = HttpRequest("POST", "https://h/", {"authorization": "old", "x-amz-date": "20200101T000000Z"}, b"")
    signed = SigningKey("AKID", SECRET, None, "r").sign(request)
    moment = datetime.strptime(signed.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert abs(moment.timestamp() - time.time()) < 10
    assert signed.headers["authorization"].startswith("AWS4-HMAC-SHA256 ")


def test_a_secret_does_not_show():
    key = SigningKey("AKID", SECRET, "token-1", "r")
    assert key.secrets == (SECRET, "token-1")
    assert SECRET not in repr(key)


def test_what_is_signed_is_not_logged_and_what_the_application_signs_is(caplog):
    """The package logs all that it signs at level DEBUG, and a session's token is part of it."""
    caplog.set_level(logging.DEBUG)
    request = HttpRequest("POST", "https://h/model/m/converse", {"content-type": "x"}, b"{}")
    SigningKey("AKID", SECRET, "token-1", "r").sign(request)
    assert "token-1" not in caplog.text
    SigV4Auth(ReadOnlyCredentials("AKID", SECRET, "token-2"), "s", "r").add_auth(AWSRequest("POST", request.url))
    assert "token-2" in caplog.text


def test_a_signature_costs_little():
    """About 60 microseconds on one machine; the bound leaves room for slower ones."""
    key = SigningKey("AKID", SECRET, "token" * 100, "eu-central-1")
    url = f"https://bedrock-runtime.eu-central-1.amazonaws.com{path_to(ARN, 'converse')}"
    request = HttpRequest("POST", url, {"content-type": "application/json"}, b"x" * 200)
    key.sign(request)
    began = time.process_time()
    for _ in range(1000):
        key.sign(request)
    assert time.process_time() - began < 0.4
