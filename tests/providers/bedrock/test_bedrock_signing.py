"""Credentials are found as AWS's own tools find them, from the environment handed in, and stay fresh."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aws_server import read_authorization

from routebook.errors import MissingExtra
from routebook.providers import extras
from routebook.providers.bedrock.credentials import BearerKey, Found
from routebook.providers.bedrock.signing import AwsSigner, signer_of
from routebook.providers.bedrock.sigv4 import SigningKey
from routebook.providers.bedrock.traits import TRAITS
from routebook.providers.http.exchange import HttpRequest
from routebook.providers.protocol import ClientConfig
from routebook.providers.signer import Unsigned
from routebook.routing.provider_spec import Timeouts

REQUEST = HttpRequest("POST", "https://bedrock.example.com/model/m/converse", {"content-type": "x"}, b"{}")
KEY = {"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "secret-of-env"}


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment in which there is nothing to be found, apart from the process's, which has traps."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIDCANARY",
        "AWS_SECRET_ACCESS_KEY": "canary",
        "AWS_PROFILE": "canary",
        "AWS_BEARER_TOKEN_BEDROCK": "canary",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/canary",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/canary",
    }.items():
        monkeypatch.setenv(name, value)
    return {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
    }


async def signed(signer: AwsSigner) -> dict[str, str]:
    return dict((await signer.sign(REQUEST)).headers)


def who(headers: dict[str, str]) -> str:
    return headers["authorization"].partition("Credential=")[2].partition("/")[0]


async def fault_of(signer: AwsSigner) -> Any:
    with pytest.raises(Unsigned) as caught:
        await signer.sign(REQUEST)
    return caught.value.fault


def program(tmp_path: Path, lasts_s: float | None, body: str = "") -> str:
    """Write a program that gives credentials, numbered by how often it ran, which hold so many seconds."""
    counter = tmp_path / "runs"
    counter.write_text("0")
    script = tmp_path / "give.py"
    script.write_text(
        f"""
import json, os, pathlib, sys
from datetime import datetime, timedelta, UTC
counter = pathlib.Path({str(counter)!r})
number = int(counter.read_text()) + 1
counter.write_text(str(number))
{body}
given = {{"Version": 1, "AccessKeyId": f"AKID{{number}}", "SecretAccessKey": f"secret-{{number}}",
         "SessionToken": f"token-{{number}}"}}
lasts = {lasts_s!r}
if lasts is not None:
    given["Expiration"] = (datetime.now(UTC) + timedelta(seconds=lasts)).isoformat()
print(json.dumps(given))
"""
    )
    return f"{sys.executable} {script}"


def runs(tmp_path: Path) -> int:
    return int((tmp_path / "runs").read_text())


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


async def test_a_look_that_takes_too_long_is_not_waited_for(environment, tmp_path):
    body = "import time; time.sleep(2)"
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {program(tmp_path, None, body)}\n")
    signer = AwsSigner(environment, "r", wait_s=0.3)
    fault = await fault_of(signer)
    assert (fault.kind, "not found within 0.3 s" in fault.message) == ("timeout", True)
    await asyncio.sleep(2.2)
    assert who(await signed(signer)) == "AKID1"
    assert runs(tmp_path) == 1


async def test_while_a_look_takes_too_long_what_there_is_holds_to_its_end(environment, tmp_path):
    body = "import time; time.sleep(0 if number == 1 else 2)"
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {program(tmp_path, 100.0, body)}\n")
    ahead = 0.0
    signer = AwsSigner(environment, "r", lambda: time.time() + ahead, wait_s=0.2)
    assert who(await signed(signer)) == "AKID1"
    ahead = 95.0  # what is left is less than a tenth: a call waits for others
    assert who(await signed(signer)) == "AKID1"
    ahead = 101.0
    assert (await fault_of(signer)).kind == "timeout"


async def test_a_client_waits_for_credentials_no_longer_than_for_an_answer(environment, tmp_path):
    body = "import time; time.sleep(2)"
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {program(tmp_path, None, body)}\n")
    config = ClientConfig("aws", region="r", finds_credentials=True, environment=environment, timeout=Timeouts(total=1))
    assert "not found within 1 s" in (await fault_of(signer_of(config))).message


async def test_credentials_are_looked_for_once_for_all_calls_and_the_loop_goes_on_meanwhile(environment, tmp_path):
    body = "import time; time.sleep(0.3)"
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {program(tmp_path, None, body)}\n")
    signer = AwsSigner(environment, "r")
    slowest, last = 0.0, time.monotonic()
    calls = asyncio.gather(*(signed(signer) for _ in range(64)))
    while not calls.done():
        await asyncio.sleep(0.005)
        now = time.monotonic()
        slowest, last = max(slowest, now - last), now
    assert {who(headers) for headers in await calls} == {"AKID1"}
    assert runs(tmp_path) == 1
    assert slowest < 0.25


async def test_a_call_that_is_cancelled_leaves_the_look_to_the_others(environment, tmp_path):
    body = "import time; time.sleep(0.3)"
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {program(tmp_path, None, body)}\n")
    signer = AwsSigner(environment, "r")
    first, second = asyncio.create_task(signed(signer)), asyncio.create_task(signed(signer))
    await asyncio.sleep(0.05)
    first.cancel()
    assert who(await second) == "AKID1"
    assert first.cancelled()
    assert runs(tmp_path) == 1


async def test_credentials_that_hold_for_seconds_are_renewed_before_they_expire(environment, tmp_path):
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {program(tmp_path, 2.0)}\n")
    signer = AwsSigner(environment, "r")
    used = set()
    began = time.monotonic()
    while time.monotonic() - began < 4:
        used.add(who(await signed(signer)))
        await asyncio.sleep(0.02)
    assert len(used) >= 2
    assert runs(tmp_path) <= 5


async def test_a_renewal_that_fails_leaves_what_holds_and_is_tried_again(environment, tmp_path):
    body = "if number == 2: sys.exit(1)"
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {program(tmp_path, 4.0, body)}\n")
    signer = AwsSigner(environment, "r")
    used = []
    began = time.monotonic()
    while time.monotonic() - began < 5:
        used.append(who(await signed(signer)))
        await asyncio.sleep(0.05)
    assert used[0] == "AKID1"
    assert used[-1] in ("AKID3", "AKID4")


async def test_what_expires_in_the_environment_is_read_anew(environment):
    soon = (datetime.now(UTC) + timedelta(seconds=1.5)).isoformat()
    changing = {**environment, **KEY, "AWS_SESSION_TOKEN": "t-1", "AWS_CREDENTIAL_EXPIRATION": soon}
    signer = AwsSigner(changing, "r")
    assert (await signed(signer))["x-amz-security-token"] == "t-1"
    changing["AWS_SESSION_TOKEN"] = "t-2"
    changing["AWS_CREDENTIAL_EXPIRATION"] = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    await asyncio.sleep(1.6)
    assert (await signed(signer))["x-amz-security-token"] == "t-2"


async def test_after_a_refusal_the_next_call_has_fresh_credentials(environment):
    changing, ahead = {**environment, **KEY}, 0.0
    signer = AwsSigner(changing, "r", lambda: time.time() + ahead)
    assert who(await signed(signer)) == "AKIDENV"
    changing["AWS_ACCESS_KEY_ID"] = "AKIDNEW"
    ahead = 10
    assert who(await signed(signer)) == "AKIDENV"
    signer.refused()
    assert who(await signed(signer)) == "AKIDNEW"
    changing["AWS_BEARER_TOKEN_BEDROCK"] = "brk-1"
    ahead = 20
    signer.refused()
    assert (await signed(signer))["authorization"] == "Bearer brk-1"
    del changing["AWS_BEARER_TOKEN_BEDROCK"]
    ahead = 30
    signer.refused()
    assert who(await signed(signer)) == "AKIDNEW"


async def test_many_refusals_at_once_are_one_look(environment, tmp_path):
    """Calls that had the old credentials are refused one by one, and some of them when there are fresh ones already."""
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {program(tmp_path, None)}\n")
    ahead = 0.0
    signer = AwsSigner(environment, "r", lambda: time.time() + ahead)
    await signed(signer)
    ahead = 10
    for _ in range(5):
        signer.refused()
        assert who(await signed(signer)) == "AKID2"
    assert runs(tmp_path) == 2


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


def test_credentials_for_minutes_are_renewed_in_their_last_quarter_and_waited_for_at_their_end():
    credentials = SigningKey("AKID", "secret", "token", "r")
    assert Found.until(credentials, None, 0.0) == Found(credentials)
    hours = Found.until(credentials, 7200.0, 0.0)
    assert (hours.due, hours.late, hours.expires) == (6900.0, 7140.0, 7200.0)
    seconds = Found.until(credentials, 20.0, 0.0)
    assert (seconds.due, seconds.late, seconds.expires) == (15.0, 18.0, 20.0)
    assert hours.after_failure(7200.0) is None
    later = hours.after_failure(6900.0)
    assert (later.due, later.late) == (7050.0, 7140.0)
    bearer = Found(BearerKey("brk-1"))
    assert bearer.after_failure(0.0) == bearer
    assert (bearer.credentials.secrets, hours.credentials.secrets) == (("brk-1",), ("secret", "token"))
    assert "secret" not in repr(hours)
    assert "brk" not in repr(bearer)


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
