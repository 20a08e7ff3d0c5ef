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
from botocore.serialize import create_serializer
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st
from loopback_server import Received

from routebook.compiler.addresses import preset_address
from routebook.providers import registry
from routebook.providers.bedrock.addresses import address_of
from routebook.providers.bedrock.model_ids import is_of, path_to
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


@pytest.mark.parametrize("model", [ARN, "anthropic.claude-x-v1:0", "a b/ü~._-*'()", "eu.amazon.nova-pro-v1:0"])
def test_a_path_is_quoted_as_botocore_quotes_it(model: str):
    service = Session().get_service_model("bedrock-runtime")
    for operation, action in (("Converse", "converse"), ("ConverseStream", "converse-stream")):
        made = create_serializer("rest-json", False).serialize_to_request(
            {"modelId": model}, service.operation_model(operation)
        )
        assert path_to(model, action) == made["url_path"]


@pytest.mark.parametrize(
    ("model", "family", "found"),
    [
        ("amazon.nova-pro-v1:0", "amazon.nova-", True),
        ("us.amazon.nova-pro-v1:0", "amazon.nova-", True),
        ("us-gov.amazon.nova-pro-v1:0", "amazon.nova-", True),
        ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0", "amazon.nova-", True),
        ("arn:aws:bedrock:r:1:inference-profile/global.amazon.nova-pro-v1:0", "amazon.nova-", True),
        ("arn:aws:bedrock:r:1:application-inference-profile/abc123", "amazon.nova-", False),
        ("amazonXnova-pro", "amazon.nova-", False),
        ("notamazon.nova-pro", "amazon.nova-", False),
    ],
)
def test_the_family_of_a_model_is_read_from_its_id(model: str, family: str, found: bool):
    assert is_of(model, family) is found


@pytest.fixture(scope="module")
def session() -> Session:
    session = Session()
    session.set_credentials("AKID", SECRET)
    return session


def test_every_region_has_the_address_that_botocore_knows(session: Session):
    """With the preset, and with the API alone."""
    preset, known = registry.presets()["bedrock"], set[str]()
    for partition in session.get_available_partitions():
        known |= {*session.get_available_regions("sts", partition), "ap-southeast-5"}
    assert len(known) > 30
    for region in known:
        theirs = session.create_client("bedrock-runtime", region).meta.endpoint_url
        assert address_of(region) == theirs
        assert preset_address(preset, {"region": region}) == theirs
