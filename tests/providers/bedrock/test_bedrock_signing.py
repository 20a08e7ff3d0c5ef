"""Credentials are found as AWS's own tools find them, from the environment handed in, and stay fresh."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from aws_server import read_authorization
from credential_sources import KEY, fault_of, program, signed, who

from routebook.errors import MissingExtra
from routebook.providers import extras
from routebook.providers.bedrock.signing import AwsSigner, signer_of
from routebook.providers.bedrock.traits import TRAITS
from routebook.providers.protocol import ClientConfig


def test_what_leads_to_credentials_is_known_by_name(environment):
    given = {name for name in {**environment, **KEY, **os.environ} if name.startswith("AWS_")}
    assert given <= set(TRAITS.chain_variables)


async def test_a_key_in_the_environment_handed_in_is_found_and_not_the_processs(environment):
    headers = await signed(AwsSigner({**environment, **KEY}, "eu-central-1"))
    assert who(headers) == "AKIDENV"
    assert "/eu-central-1/bedrock/aws4_request" in headers["authorization"]
    assert "x-amz-security-token" not in headers


async def test_a_sessions_token_goes_with_its_key(environment):
    headers = await signed(AwsSigner({**environment, **KEY, "AWS_SESSION_TOKEN": "token-1"}, "r"))
    assert headers["x-amz-security-token"] == "token-1"
    assert "x-amz-security-token" in headers["authorization"]


async def test_a_bearers_key_of_the_environment_is_found_without_the_package(environment, monkeypatch):
    monkeypatch.setattr(extras, "EXTRAS", {"bedrock": "no_such_package"})
    config = ClientConfig(
        "aws", region="r", finds_credentials=True, environment={**environment, "AWS_BEARER_TOKEN_BEDROCK": " brk-1\n"}
    )
    headers = await signed(signer_of(config))
    assert headers["authorization"] == "Bearer brk-1"


async def test_a_profile_of_the_shared_files_is_found_by_its_name(environment, tmp_path):
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id=AKIDDEFAULT\naws_secret_access_key=s-1\n"
        "[house]\naws_access_key_id=AKIDHOUSE\naws_secret_access_key=s-2\naws_session_token=t-2\n"
    )
    assert who(await signed(AwsSigner(environment, "r"))) == "AKIDDEFAULT"
    headers = await signed(AwsSigner({**environment, "AWS_PROFILE": "house"}, "r"))
    assert (who(headers), headers["x-amz-security-token"]) == ("AKIDHOUSE", "t-2")


async def test_the_shared_files_are_looked_for_in_the_environments_home(environment, tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text("[default]\naws_access_key_id=AKIDHOME\naws_secret_access_key=s\n")
    at_home = {key: value for key, value in environment.items() if not key.endswith("_FILE")}
    assert who(await signed(AwsSigner(at_home, "r"))) == "AKIDHOME"


async def test_a_profile_that_is_not_there_is_told_by_its_name(environment):
    fault = await fault_of(AwsSigner({**environment, "AWS_PROFILE": "hause"}, "r"))
    assert (fault.kind, "hause" in fault.message) == ("authentication", True)


async def test_where_nothing_is_found_the_fault_says_how_to_mend_it(environment):
    began = time.monotonic()
    fault = await fault_of(AwsSigner(environment, "r"))
    assert (fault.kind, "AWS_PROFILE" in fault.message) == ("authentication", True)
    assert time.monotonic() - began < 5


async def test_half_a_key_is_told_and_not_shown(environment):
    fault = await fault_of(AwsSigner({**environment, "AWS_ACCESS_KEY_ID": "AKIDENV"}, "r"))
    assert (fault.kind, "AWS_SECRET_ACCESS_KEY" in fault.message) == ("authentication", True)


async def test_a_process_gives_credentials_in_the_environment_handed_in(environment, tmp_path):
    asks = 'assert os.environ["HOUSE"] == "yes" and "AWS_PROFILE" not in os.environ and not sys.stdin.read()'
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {program(tmp_path, None, asks)}\n")
    headers = await signed(AwsSigner({**environment, "HOUSE": "yes"}, "r"))
    assert (who(headers), headers["x-amz-security-token"]) == ("AKID1", "token-1")


@pytest.mark.parametrize("body", ["sys.exit('secret-in-stderr')", "print('secret-in-stdout'); sys.exit(0)"])
async def test_a_process_that_fails_is_told_without_what_it_said(environment, tmp_path, body):
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {program(tmp_path, None, body)}\n")
    fault = await fault_of(AwsSigner(environment, "r"))
    assert (fault.kind, "secret-in" in fault.message) == ("authentication", False)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("credential_process = /nowhere/give", "/nowhere/give cannot be read or run"),
        ("sso_session = house\nsso_account_id = 1\nsso_role_name = r", "sign in with `aws sso login`"),
        ("role_arn = arn:aws:iam::1:role/r\nsource_profile = default", "loop"),
    ],
)
async def test_a_profile_that_gives_nothing_is_told_with_what_mends_it(environment, tmp_path, line, words):
    session = "[sso-session house]\nsso_region = us-east-1\nsso_start_url = https://house.example.com/start\n"
    (tmp_path / "config").write_text(f"[default]\n{line}\n{session}")
    fault = await fault_of(AwsSigner(environment, "r"))
    assert (fault.kind, words in fault.message) == ("authentication", True), fault.message


async def test_a_process_that_never_ends_is_ended(environment, tmp_path, monkeypatch):
    body = "import time; time.sleep(60)"
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {program(tmp_path, None, body)}\n")
    monkeypatch.setattr("routebook.providers.bedrock.chain._PROCESS_S", 1.0)
    began = time.monotonic()
    fault = await fault_of(AwsSigner(environment, "r"))
    assert (fault.kind, "credential_process" in fault.message) == ("authentication", True)
    assert time.monotonic() - began < 10


async def test_a_container_gives_credentials(loopback, environment):
    given = {
        "AccessKeyId": "AKIDBOX",
        "SecretAccessKey": "secret-of-box",
        "Token": "token-of-box",
        "Expiration": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    }
    server = await loopback.start(loopback.answer(200, given))
    at = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{server.url}/role", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "let-me-in"}
    signer = AwsSigner({**environment, **at}, "r")
    headers = await signed(signer)
    assert (who(headers), headers["x-amz-security-token"]) == ("AKIDBOX", "token-of-box")
    assert server.received[0].header("authorization") == ["let-me-in"]
    assert {"secret-of-box", "token-of-box", "let-me-in"} <= set(signer.secrets)


async def test_a_container_that_refuses_is_told(loopback, environment):
    server = await loopback.start(loopback.answer(403, b"no"))
    at = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{server.url}/role", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "let-me-in"}
    fault = await fault_of(AwsSigner({**environment, **at}, "r"))
    assert (fault.kind, "let-me-in" in fault.message) == ("authentication", False)


STS = """<{0}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{0}Result>
<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/house/x</Arn><AssumedRoleId>A:x</AssumedRoleId>
</AssumedRoleUser><Credentials><AccessKeyId>AKIDROLE</AccessKeyId><SecretAccessKey>secret-of-role</SecretAccessKey>
<SessionToken>token-of-role</SessionToken><Expiration>{1}</Expiration></Credentials>
</{0}Result></{0}Response>"""


@pytest.mark.parametrize("action", ["AssumeRole", "AssumeRoleWithWebIdentity"])
async def test_a_role_is_assumed_by_a_profile_or_by_a_web_identity(loopback, environment, tmp_path, action, caplog):
    caplog.set_level(logging.DEBUG)
    later = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    server = await loopback.start(loopback.answer(200, STS.format(action, later).encode(), "content-type: text/xml"))
    role = "arn:aws:iam::123456789012:role/house"
    environment["AWS_ENDPOINT_URL_STS"] = server.url
    if action == "AssumeRole":
        (tmp_path / "config").write_text(
            f"[default]\nrole_arn = {role}\nsource_profile = source\nendpoint_url = {server.url}\n"
            "[profile source]\naws_access_key_id = AKIDSOURCE\naws_secret_access_key = s\n"
            "aws_session_token = token-of-source\n"
        )
    else:
        (tmp_path / "token").write_text("web-token")
        (tmp_path / "config").write_text(f"[default]\nendpoint_url = {server.url}\n")
        environment |= {"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"), "AWS_ROLE_ARN": role}
    headers = await signed(AwsSigner(environment, "eu-central-1"))
    assert (who(headers), headers["x-amz-security-token"]) == ("AKIDROLE", "token-of-role")
    assert f"Action={action}&".encode() in server.received[0].body
    if action == "AssumeRole":
        assert read_authorization(server.received[0])["Credential"].startswith("AKIDSOURCE/")
    else:
        assert b"WebIdentityToken=web-token" in server.received[0].body
    for secret in ("secret-of-role", "token-of-role", "token-of-source", "web-token"):
        assert secret not in caplog.text


async def test_a_role_that_asks_for_a_device_is_not_waited_for(environment, tmp_path):
    (tmp_path / "config").write_text(
        "[default]\nrole_arn = arn:aws:iam::1:role/house\nsource_profile = source\nmfa_serial = device\n"
        "[profile source]\naws_access_key_id = AKIDSOURCE\naws_secret_access_key = s\n"
    )
    fault = await fault_of(AwsSigner(environment, "r"))
    assert (fault.kind, "mfa_serial" in fault.message) == ("authentication", True)


async def test_a_server_of_credentials_that_is_not_there_is_a_failed_connection(loopback, environment, tmp_path):
    server = await loopback.start(b"")
    await loopback.stop()
    (tmp_path / "config").write_text(
        "[default]\nrole_arn = arn:aws:iam::1:role/house\nsource_profile = source\nmax_attempts = 1\n"
        f"endpoint_url = {server.url}\n[profile source]\naws_access_key_id = AKIDSOURCE\naws_secret_access_key = s\n"
    )
    assert (await fault_of(AwsSigner(environment, "r"))).kind == "connection"


async def test_an_instance_is_asked_where_it_is_not_forbidden(loopback, environment):
    later = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    given = {"AccessKeyId": "AKIDIMDS", "SecretAccessKey": "s", "Token": "t", "Expiration": later, "Code": "Success"}
    server = await loopback.start(loopback.answer(200, json.dumps(given).encode()))
    here = {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url}
    assert who(await signed(AwsSigner({**environment, **here}, "r"))) == "AKIDIMDS"
    await fault_of(AwsSigner({**environment, **here, "AWS_EC2_METADATA_DISABLED": "true"}, "r"))


def test_a_client_with_a_key_or_without_a_need_of_one_has_no_signer(environment):
    assert signer_of(ClientConfig("aws", region="r", api_key="k", finds_credentials=True)) is None
    assert signer_of(ClientConfig("aws", region="r")) is None
    with pytest.raises(ValueError, match="has no region"):
        signer_of(ClientConfig("aws", finds_credentials=True))


def test_without_the_package_the_error_says_what_to_install_unless_nothing_is_sent(environment, monkeypatch):
    monkeypatch.setattr(extras, "EXTRAS", {"bedrock": "no_such_package"})
    with pytest.raises(MissingExtra, match=r"pip install 'routebook\[bedrock\]'"):
        signer_of(ClientConfig("aws", region="r", finds_credentials=True, environment=environment))
    blank = {**environment, "AWS_BEARER_TOKEN_BEDROCK": " "}
    with pytest.raises(MissingExtra):
        signer_of(ClientConfig("aws", region="r", finds_credentials=True, environment=blank))
    shown = ClientConfig("aws", region="r", finds_credentials=True, environment=environment, is_shown=True)
    assert "AWS4" in signer_of(shown).shown


def test_the_package_is_imported_by_nobody_but_the_chain():
    probe = (
        "import sys; import routebook.providers.bedrock.client as c; from routebook.providers.protocol import *;"
        "c.BedrockClient(ClientConfig('aws', region='r', finds_credentials=True));"
        "print([name for name in sys.modules if name.startswith('botocore')])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "[]"
