"""Transports of each library, closed at the end, and a certificate for this machine."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from http_calls import TRANSPORTS

from routebook.providers.http import dialing
from routebook.providers.http.exchange import DEFAULT_CONNECTIONS, ConnectionLimits, Transport


@pytest.fixture(params=list(TRANSPORTS))
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Callable[..., Transport]]:
    """Makes transports of one library, which are closed after the test."""
    made: list[Transport] = []

    def make(limits: ConnectionLimits = DEFAULT_CONNECTIONS) -> Transport:
        made.append(TRANSPORTS[request.param](limits))
        return made[-1]

    yield make
    for transport in made:
        await transport.close()


@pytest.fixture
def transport(make: Callable[..., Transport]) -> Transport:
    return make()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key, and a certificate for 127.0.0.1 that vouches for itself, in one file."""
    made = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=loopback"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    try:
        subprocess.run(command, cwd=made, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    both = made / "both.pem"
    both.write_bytes((made / "key.pem").read_bytes() + (made / "cert.pem").read_bytes())
    return both


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """What a server on this machine shows, which is trusted during the test."""
    shown = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    shown.load_cert_chain(certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    dialing._trusting_context.cache_clear()
    yield shown
    dialing._trusting_context.cache_clear()
