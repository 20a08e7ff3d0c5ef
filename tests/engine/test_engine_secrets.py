"""Secrets: canaries planted everywhere show nowhere, on the good paths and on the bad."""

from __future__ import annotations

import json
import logging
import traceback

import pytest

from routebook import Context, Engine, RoutebookError

CANARY = "canary-7f3a"
ENVIRONMENT = {
    "P0_KEY": f"sk-{CANARY}-platform",
    "P1_KEY": f"sk-{CANARY}-second",
    "GATE": f"{CANARY}-header",
    "LEDGER": f"{CANARY}-ledger",
}
CALLER = {"p0": f"sk-{CANARY}-caller", "p1": f"sk-{CANARY}-caller-2"}


def shown(thing) -> str:
    """All that a person can get to see of a result or an error, by way of its attributes too."""
    if isinstance(thing, BaseException):
        parts = [repr(thing), *traceback.format_exception(thing), repr(vars(thing))]
        return "\n".join([*parts, shown(thing.result)] if thing.result else parts)
    return f"{thing!r}{thing}{json.dumps(thing.to_dict())}"


def echoes_headers(wire, status):
    """A provider that puts every header it got into its answer, as some do."""

    async def answer(received):
        text = f"you sent {dict(received.headers)}"
        return wire.text("ok") if status == 200 else wire.error(status, text, f"x-request-id: {text}")

    return answer


def logged(caplog) -> str:
    """All that was logged, save what the HTTP library's own trace shows of the headers that it receives."""
    lines = [record.getMessage() for record in caplog.records]
    return "\n".join(line for line in lines if not line.startswith("receive_response_headers.complete"))


@pytest.mark.parametrize("status", [200, 400, 401, 403, 429, 500, "broken", "refused", "unset", "no server"])
@pytest.mark.parametrize("paid_by", ["platform", "caller"])
async def test_no_secret_shows_in_a_result_an_error_or_a_log(
    fake, wire, books, caplog, status, paid_by, unused_tcp_port
):
    caplog.set_level(logging.DEBUG)
    provider = await fake(None if status == "broken" else echoes_headers(wire, status if status in range(999) else 200))
    url = f"http://127.0.0.1:{unused_tcp_port}/v1" if status == "refused" else provider.url
    book = books.over(url, url, provider={"headers": {"X-Gate-Key": {"env": "GATE"}}}, tools={"servers": ["ledger"]})
    ledger = books.tools(*(["fail"] if status == "no server" else []), env={"LEDGER_TOKEN": {"env": "LEDGER"}})
    book["mcp_servers"] = {"ledger": ledger}
    environment = {"LEDGER": ENVIRONMENT["LEDGER"]} if status == "unset" else ENVIRONMENT
    context = Context(credentials=CALLER) if paid_by == "caller" else Context()
    table = books.table(book)

    async with Engine(table, environment=environment) as engine:
        try:
            outcome = await engine.run("chat", "hello", context=context)
        except RoutebookError as error:
            outcome = error
        seen = [shown(outcome), repr(engine), repr(engine.status), repr(table), repr(context), logged(caplog)]

    succeeded = status == 200 or (status == "unset" and paid_by == "caller")
    assert isinstance(outcome, RoutebookError) != succeeded
    assert [text for text in seen if CANARY in text] == []
    assert ("[redacted]" in seen[0]) == (status in {400, 401, 403, 429, 500, "no server"})
    assert caplog.records or status in {"unset", "no server"}


async def test_a_broken_edit_with_a_literal_secret_shows_it_neither_in_the_log_nor_in_the_status(
    books, tmp_path, caplog
):
    caplog.set_level(logging.DEBUG)
    root = books.write(tmp_path / "routes", books.scripted({"reply": {"text": "ok"}}))

    async with Engine(root) as engine:
        (root / "more.yaml").write_text(
            f"providers:\n  house: {{api: openai-chat, base_url: https://house.example.com, api_key: sk-{CANARY}}}\n"
        )
        diagnostics = await engine.reload()
        assert any(d.severity == "error" for d in diagnostics)
        assert CANARY not in repr(engine.status) + repr(diagnostics) + caplog.text

    assert "more.yaml:2" in caplog.text
