"""What gives AWS credentials in tests, and what is signed by them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from routebook.providers.bedrock.signing import AwsSigner
from routebook.providers.http.exchange import HttpRequest
from routebook.providers.signer import Unsigned

REQUEST = HttpRequest("POST", "https://bedrock.example.com/model/m/converse", {"content-type": "x"}, b"{}")


KEY = {"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "secret-of-env"}


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
