from __future__ import annotations

import datetime
import time
from unittest.mock import patch

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.serialize import create_serializer
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st

from routebook.providers.bedrock.addresses import address_of
from routebook.providers.bedrock.model_ids import is_of, path_to
from routebook.providers.bedrock.sigv4 import Credentials, Signature
from routebook.providers.http.exchange import HttpRequest

NOW = 1_790_000_000.0
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ARN = "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-x-v1:0"


def botocores(request: HttpRequest, credentials: Credentials, region: str) -> dict[str, str]:
    """The headers that botocore signs *request* with."""
    known = ReadOnlyCredentials(credentials.access_key, credentials.secret_key, credentials.token)
    signed = {name: value for name, value in request.headers.items() if name.startswith(("content-type", "x-amz"))}
    made = AWSRequest(request.method, request.url, headers=signed, data=request.body)
    moment = datetime.datetime.fromtimestamp(NOW, datetime.UTC)
    with patch("botocore.auth.get_current_datetime", lambda: moment):
        SigV4Auth(known, "bedrock", region).add_auth(made)
    return {name.lower(): value for name, value in made.headers.items()}


@pytest.mark.parametrize("token", [None, "IQoJb3JpZ2luX2VjE//w=="])
@pytest.mark.parametrize("body", [b"", b'{"messages": []}', "{\u00fc}".encode()])
@pytest.mark.parametrize(
    "url",
    [
        "https://bedrock-runtime.eu-central-1.amazonaws.com/model/anthropic.claude-x-v1%3A0/converse",
        "https://BEDROCK.example.com:443/model/m/converse-stream",
        "https://vpce-1.example.com:8443/prefix/model/m/converse",
        f"http://127.0.0.1:8080{path_to(ARN, 'converse')}",
        "http://[::1]:8080/model/m/converse?b=2&a=%20x&a=1&c",
        "http://host",
    ],
)
def test_a_request_is_signed_as_botocore_signs_it(url: str, body: bytes, token: str | None):
    headers = {
        "content-type": "application/json",
        "accept": "application/json",
        "user-agent": "x",
        "x-amzn-bedrock-trace": " ENABLED   FULL ",
        "x-amz-own": "1",
        "x-title": "Demo",
    }
    request = HttpRequest("POST", url, headers, body)
    credentials = Credentials("AKIDEXAMPLE", SECRET, token)
    signed = Signature(credentials, "eu-central-1").sign(request, NOW)
    theirs = botocores(request, credentials, "eu-central-1")
    for name in ("authorization", "x-amz-date", "x-amz-security-token"):
        assert signed.headers.get(name) == theirs.get(name)
    assert (signed.url, signed.body, signed.method) == (url, body, "POST")
    assert headers.items() <= signed.headers.items()


@given(st.text(st.characters(codec="ascii", exclude_characters="\r\n"), max_size=30), st.binary(max_size=40))
def test_any_header_and_body_is_signed_as_botocore_signs_it(value: str, body: bytes):
    request = HttpRequest("POST", "https://h/model/m/converse", {"x-amz-own": value}, body)
    credentials = Credentials("AKID", SECRET)
    signed = Signature(credentials, "r").sign(request, NOW)
    assert signed.headers["authorization"] == botocores(request, credentials, "r")["authorization"]


def test_the_key_of_a_day_is_made_anew_on_the_next():
    signature = Signature(Credentials("AKID", SECRET), "r")
    request = HttpRequest("POST", "https://h/", {}, b"")
    moments = (NOW, NOW + 86_400, NOW)
    first, second, third = (signature.sign(request, now).headers["authorization"] for now in moments)
    assert first == third != second
    assert first == Signature(Credentials("AKID", SECRET), "r").sign(request, NOW).headers["authorization"]


def test_a_secret_does_not_show():
    assert SECRET not in repr(Credentials("AKID", SECRET, SECRET))


def test_a_signature_costs_little():
    """About 10 microseconds on one machine; the bound leaves room for slower ones."""
    signature = Signature(Credentials("AKID", SECRET, "token" * 100), "eu-central-1")
    url = f"https://bedrock-runtime.eu-central-1.amazonaws.com{path_to(ARN, 'converse')}"
    request = HttpRequest("POST", url, {"content-type": "application/json"}, b"x" * 200)
    signature.sign(request, NOW)
    began = time.process_time()
    for _ in range(1000):
        signature.sign(request, NOW)
    assert time.process_time() - began < 0.1


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


@pytest.mark.parametrize(
    "region", ["us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1", "cn-northwest-1", "us-iso-east-1",
               "us-isob-east-1", "us-isof-south-1", "eu-isoe-west-1", "eusc-de-east-1", "ap-southeast-5"]
)  # fmt: skip
def test_a_region_has_the_address_that_botocore_knows(region: str, monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    session = Session()
    session.set_credentials("AKID", SECRET)
    assert session.create_client("bedrock-runtime", region).meta.endpoint_url == address_of(region)
