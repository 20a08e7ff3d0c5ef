"""Proxies of the environment, over each library."""

from __future__ import annotations

import asyncio
import traceback

import pytest
from http_calls import FAST, fault_of, post, unused_port, writes

from routebook.routing.provider_spec import Timeouts


async def test_loopback_is_reached_past_the_environments_proxy(loopback, transport, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
    server = await loopback.start(loopback.answer(200, b"direct"))
    assert (await transport.send(post(server.url), FAST)).body == b"direct"


async def test_the_environments_proxy_is_used_for_other_hosts(loopback, transport, monkeypatch):
    proxy = await loopback.start(loopback.answer(200, b"by proxy"))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert (await transport.send(post("http://llm.invalid/v1"), FAST)).body == b"by proxy"
    assert proxy.received[0].line == "POST http://llm.invalid/v1 HTTP/1.1"


async def test_a_proxy_that_cannot_be_used_is_a_fault(transport, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "gopher://proxy.invalid")
    fault = await fault_of(transport, "http://llm.invalid/v1")
    assert (fault.kind, "proxy" in fault.message, fault.sent) == ("connection", True, False)


async def test_a_tunnel_that_the_proxy_refuses_is_told_so(loopback, transport, monkeypatch):
    proxy = await loopback.start(loopback.answer(407, b"no"))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http://", "http://user:very-secret@"))
    fault = await fault_of(transport, "https://llm.invalid/v1")
    assert (fault.kind, fault.sent) == ("connection", False)
    assert fault.message.startswith("the proxy refused to connect to https://llm.invalid (")
    assert "very-secret" not in "".join(traceback.format_exception(fault))
    assert proxy.received[0].line == "CONNECT llm.invalid:443 HTTP/1.1"
    assert proxy.received[0].header("proxy-authorization") == ["Basic dXNlcjp2ZXJ5LXNlY3JldA=="]


@pytest.mark.parametrize("ends", ["hangs up", "stalls"])
async def test_a_proxy_that_makes_no_tunnel_passed_nothing_on(loopback, transport, monkeypatch, ends):
    async def reply(_writer):
        if ends == "stalls":
            await asyncio.sleep(30)

    proxy = await loopback.start(reply)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    fault = await fault_of(transport, "https://llm.invalid/v1", Timeouts(first_token=0.2))
    assert (fault.kind, fault.sent) == ("connection" if ends == "hangs up" else "timeout", False)
    assert [received.line for received in proxy.received] == ["CONNECT llm.invalid:443 HTTP/1.1"]


async def test_a_proxy_that_passes_requests_on_may_have_done_so(loopback, transport, monkeypatch):
    proxy = await loopback.start(writes(b""))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    fault = await fault_of(transport, "http://llm.invalid/v1")
    assert (fault.kind, fault.sent, len(proxy.received)) == ("connection", True, 1)
