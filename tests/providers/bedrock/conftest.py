"""An environment without AWS credentials, for tests that look for some."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


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
