"""The life of AWS credentials: looked for once for all who wait, renewed in time, replaced once refused."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from credential_sources import KEY, fault_of, program, runs, signed, who

from routebook.providers.bedrock.credentials import BearerKey, Found
from routebook.providers.bedrock.signing import AwsSigner, signer_of
from routebook.providers.bedrock.sigv4 import SigningKey
from routebook.providers.protocol import ClientConfig
from routebook.routing.provider_spec import Timeouts


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
