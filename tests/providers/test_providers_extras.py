from __future__ import annotations

import subprocess
import sys

import pytest

from routebook.providers import extras
from routebook.providers.http.choice import chosen


@pytest.mark.parametrize("extra", sorted(extras.EXTRAS))
def test_a_package_that_is_not_there_is_a_missing_extra(extra: str, monkeypatch: pytest.MonkeyPatch):
    assert extras.is_installed(extra)
    monkeypatch.setitem(sys.modules, extras.EXTRAS[extra], None)
    assert not extras.is_installed(extra)
    assert extras.missing() == {extra}


def test_a_package_within_one_that_is_not_there_is_missing_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "google", None)
    monkeypatch.delitem(sys.modules, "google.auth", raising=False)
    assert "vertex" in extras.missing()


def test_auto_is_the_fast_transport_where_it_is_installed():
    assert chosen("auto", fast_is_installed=True) == "fast"
    assert chosen("auto", fast_is_installed=False) == "httpx2"
    assert chosen("httpx2", fast_is_installed=True) == "httpx2"


def test_a_transport_whose_library_is_missing_is_one_error_with_the_command():
    probe = (
        "import sys; sys.modules['httptools'] = None\n"
        "from routebook.providers.http.choice import make_transport\n"
        "from routebook.providers.http.exchange import DEFAULT_CONNECTIONS\n"
        "from routebook.errors import MissingExtra\n"
        "try: make_transport('fast', DEFAULT_CONNECTIONS)\n"
        "except MissingExtra as error: print(error.extra, error)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "fast transport 'fast' needs an optional dependency: pip install 'routebook[fast]'\n"
