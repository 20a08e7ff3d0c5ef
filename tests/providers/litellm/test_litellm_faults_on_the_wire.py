"""Servers that fail, met through the library: each ends in time, and is taken for no answer that it did not give.

The transport is the library's own. It does not say as much as ours: of an answer that was cut off, older releases see
only that it is no JSON; and some nonsense it understands. Each list says what may come of it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable

import pytest
from fault_server import HANGS_UP, TAKES_TOO_LONG, TALKS_NONSENSE
from library_answers import CHAT, CHUNKS, CLAUDE, KEY, MESSAGE, ask, chunk, events_of, last_of, message_events

from routebook.errors import ProviderError
from routebook.providers.litellm.client import LiteLLMClient
from routebook.routing.provider_spec import Timeouts

BRIEF = Timeouts(connect=2, first_token=0.1, idle=0.1, total=0.3)
LONG = Timeouts(connect=2, first_token=10, idle=10, total=10)
BODIES = {
    "openai/m-1": (CHAT, events_of([CHUNKS[0], chunk(content="Noon."), *CHUNKS[3:]])),
    "hosted_vllm/m-1": (CHAT, events_of([CHUNKS[0], chunk(content="Noon."), *CHUNKS[3:]])),
    CLAUDE: (MESSAGE, message_events(MESSAGE)),
}
# The library reads them all the same, whole or in a stream.
UNDERSTOOD = {
    "compresses twice",
    "compresses as nobody asked",
    "cuts its compression off",
    "says a thing twice",
    "sends bytes that are no UTF-8",
}
# It reads without bound, and as fast as it can; there is no way to tell it otherwise.
UNBOUNDED = {"sends a compression bomb", "sends a body without end", "sends a line without end"}


def body_of(model: str, how: str) -> bytes:
    whole, stream = BODIES[model]
    return json.dumps(whole).encode() if how == "complete" else stream


async def text_of(client: LiteLLMClient, model: str, how: str) -> str:
    if how == "complete":
        return (await client.complete(ask(model))).message.text
    return (await last_of(client.stream(ask(model)))).response.message.text


async def met(loopback, client_of: Callable[..., LiteLLMClient], fault, model: str, how: str, bounds: Timeouts):
    """What came of a call that met *fault*: the kind of its error, or its text. Its connection is closed then."""
    server = await loopback.start(fault(body_of(model, how)))
    client = client_of(server.url, timeout=bounds)
    began = time.monotonic()
    (outcome,) = await asyncio.gather(text_of(client, model, how), return_exceptions=True)
    assert time.monotonic() - began < bounds.total + 1
    if isinstance(outcome, str):
        return outcome
    assert isinstance(outcome, ProviderError), outcome
    assert KEY not in str(outcome)
    assert (outcome.provider, outcome.model) == ("house", "luna")
    assert outcome.sent
    if outcome.kind in ("timeout", "connection"):
        await server.wait_until_open(0)
    return outcome.kind


@pytest.fixture(params=list(BODIES))
def model(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=["complete", "stream"])
def how(request: pytest.FixtureRequest) -> str:
    return request.param


async def test_a_good_server_is_understood(loopback, client_of, model, how):
    server = await loopback.start(loopback.answer(200, body_of(model, how)))
    assert await text_of(client_of(server.url), model, how) == "Noon."


@pytest.mark.parametrize("fault", list(HANGS_UP))
async def test_a_server_that_hangs_up_gave_no_answer(loopback, client_of, model, how, fault):
    kind = await met(loopback, client_of, HANGS_UP[fault], model, how, LONG)
    assert kind in ({"connection"} if how == "stream" or "before" in fault else {"connection", "malformed_response"})


@pytest.mark.parametrize("fault", [fault for fault in TAKES_TOO_LONG if fault != "floods with events"])
async def test_a_server_that_takes_too_long_is_a_timeout(loopback, client_of, model, how, fault):
    assert await met(loopback, client_of, TAKES_TOO_LONG[fault], model, how, BRIEF) == "timeout"


async def test_a_model_that_repeats_itself_is_broken_off_by_the_library(loopback, client_of, model):
    kind = await met(loopback, client_of, TAKES_TOO_LONG["floods with events"], model, "stream", BRIEF)
    assert kind in ("server_error", "timeout")


@pytest.mark.parametrize("fault", [fault for fault in TALKS_NONSENSE if fault not in UNBOUNDED])
async def test_a_server_that_talks_nonsense_gave_no_answer(loopback, client_of, model, how, fault):
    outcome = await met(loopback, client_of, TALKS_NONSENSE[fault], model, how, LONG)
    known = {"malformed_response", "connection"} if how == "stream" or "length" in fault else {"malformed_response"}
    assert outcome in known or (fault in UNDERSTOOD and ("oon" in outcome or "ight" in outcome or "N" in outcome))


@pytest.mark.parametrize("fault", sorted(UNBOUNDED - {"sends a compression bomb"}))
async def test_what_never_ends_ends_in_time(loopback, client_of, model, how, fault):
    bounds = Timeouts(connect=2, first_token=0.3, idle=0.3, total=0.3)
    assert await met(loopback, client_of, TALKS_NONSENSE[fault], model, how, bounds) in (
        "timeout",
        "malformed_response",
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_takes_the_key_to_no_other_host(loopback, client_of, model, status):
    other = await loopback.start(loopback.answer(200, b"{}"))
    elsewhere = other.url.replace("127.0.0.1", "localhost")
    server = await loopback.start(loopback.answer(status, b"", f"location: {elsewhere}/v1/stolen"))
    with pytest.raises(ProviderError) as caught:
        await client_of(server.url).complete(ask(model))
    assert caught.value.kind in ("malformed_response", "connection", "bad_request", "server_error", "timeout")
    assert KEY not in repr([received.header("authorization") for received in other.received])


async def test_a_call_that_is_cancelled_as_its_time_runs_out_is_still_cancelled(loopback, client_of, model, how):
    server = await loopback.start(TAKES_TOO_LONG["stalls before its answer"](body_of(model, how)))
    bounds = Timeouts(connect=2, first_token=0.1, idle=0.1, total=0.1)
    await asyncio.gather(text_of(client_of(server.url, timeout=bounds), model, how), return_exceptions=True)
    loop = asyncio.get_running_loop()
    for early_s in (0.001, 0.0005, 0.0002, 0.0):
        call = asyncio.create_task(text_of(client_of(server.url, timeout=bounds), model, how))
        was_cancelled = loop.create_future()
        loop.call_later(0.1 - early_s, lambda call=call, told=was_cancelled: told.set_result(call.cancel()))
        (outcome,) = await asyncio.gather(call, return_exceptions=True)
        assert isinstance(outcome, asyncio.CancelledError if await was_cancelled else ProviderError)
