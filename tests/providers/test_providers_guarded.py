"""Guarded: whatever another package's client does, the engine gets an answer or a ProviderError."""

from __future__ import annotations

import asyncio
import traceback
from contextlib import aclosing

import pytest

from routebook import ChatRequest, ChatResponse, Message, MissingExtra, ProviderError, TextDelta, Usage
from routebook.canonical.event import ResponseFinished
from routebook.providers.guarded import GuardedClient
from routebook.providers.protocol import ClientConfig

KEY = "sk-very-secret"
REQUEST = ChatRequest("vendor/m", (Message("user", "x"),), target="m")
GOOD = ChatResponse(Message("assistant", "hello"), "stop")


class Odd:
    """A client that raises, yields and returns what it is told to."""

    def __init__(self, *does):
        self.does = does

    async def complete(self, request):
        for one in self.does:
            if isinstance(one, BaseException):
                raise one
        return self.does[-1]

    async def stream(self, request):
        for one in self.does:
            if isinstance(one, BaseException):
                raise one
            yield one

    embed = generate_image = complete


def guarded(*does) -> GuardedClient:
    return GuardedClient(lambda _: Odd(*does), ClientConfig("house", api_key=KEY))


async def all_of(client, request=REQUEST):
    async with aclosing(client.stream(request)) as events:
        return [event async for event in events]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("x"), "malformed_response"),
        (RecursionError(), "malformed_response"),
        (StopIteration(), "malformed_response"),
        (asyncio.CancelledError(), "malformed_response"),
        (MissingExtra("x", "y"), "malformed_response"),
        (TimeoutError(), "timeout"),
        (ConnectionResetError(), "connection"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_a_client_raises_is_an_error_of_its_provider(error, kind):
    for calling in (guarded(error).complete(REQUEST), all_of(guarded(error)), guarded(error).embed(REQUEST)):
        with pytest.raises(ProviderError, match="its adapter raised") as caught:
            await calling
        told = caught.value
        assert (told.kind, told.provider, told.model, told.sent) == (kind, "house", "m", True)


async def test_a_client_that_breaks_off_after_words_has_them_passed_on():
    async with aclosing(guarded(TextDelta("he"), KeyError("x")).stream(REQUEST)) as events:
        assert await anext(events) == TextDelta("he")
        with pytest.raises(ProviderError, match="its adapter raised KeyError"):
            await anext(events)


@pytest.mark.parametrize("wrong", [None, "text", {"a": 1}, ChatResponse("text", "stop")], ids=repr)
async def test_an_answer_of_another_kind_is_malformed(wrong):
    for calling in (guarded(wrong).complete(REQUEST), all_of(guarded(ResponseFinished(wrong)))):
        with pytest.raises(ProviderError, match="its adapter broke its promise") as caught:
            await calling
        assert caught.value.kind == "malformed_response"


@pytest.mark.parametrize("usage", [{"input": 1}, Usage("5", 1), Usage(1.5, 1)], ids=repr)
async def test_an_answer_whose_usage_is_none_is_malformed(usage):
    with pytest.raises(ProviderError, match="the usage that it returned is none"):
        await guarded(ChatResponse(Message("assistant", "x"), "stop", usage=usage)).complete(REQUEST)


async def test_what_is_no_event_is_malformed():
    with pytest.raises(ProviderError, match="it yielded a value of type str, which is no event"):
        await all_of(guarded("hello"))


async def test_a_client_whose_stream_is_none_is_malformed():
    class Wrong(Odd):
        def stream(self, request):
            return GOOD

    with pytest.raises(ProviderError, match="its adapter raised TypeError"):
        await all_of(GuardedClient(lambda _: Wrong(), ClientConfig("house")))


async def test_what_a_good_client_does_stays_as_it_is():
    answered, finished = ChatResponse(Message("assistant", "x"), "stop", usage=Usage(1, 2)), ResponseFinished(GOOD)
    assert await guarded(answered).complete(REQUEST) is answered
    assert await all_of(guarded(TextDelta("hello"), finished)) == [TextDelta("hello"), finished]


@pytest.mark.parametrize("asked", [float("nan"), float("inf"), -5, "3"])
async def test_an_error_of_a_clients_own_holds_only_what_can_be_reckoned_with(asked):
    error = ProviderError("x", "weird", retry_after=asked, status="500", usage={"input": 1})
    with pytest.raises(ProviderError) as caught:
        await guarded(error).complete(REQUEST)
    told = caught.value
    assert (told.kind, told.retry_after, told.status, told.usage) == ("malformed_response", None, None, None)
    assert "provider 'house', model 'm'" in str(told)


async def test_a_key_in_a_foreign_exception_is_not_shown_and_its_traceback_is_otherwise():
    for error, is_shown in ((ValueError(f"bad header {KEY}"), False), (ValueError("bad header"), True)):
        with pytest.raises(ProviderError) as caught:
            await guarded(error).complete(REQUEST)
        shown = "".join(traceback.format_exception(caught.value))
        assert KEY not in shown
        assert ("ValueError: bad header" in shown) is is_shown


async def test_a_client_that_is_cancelled_is_cancelled():
    class Slow(Odd):
        async def complete(self, request):
            await asyncio.sleep(30)

    calling = asyncio.create_task(GuardedClient(lambda _: Slow(), ClientConfig("house")).complete(REQUEST))
    await asyncio.sleep(0)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling


async def test_a_client_that_cannot_be_made_fails_each_call_unsent():
    def make(config):
        raise KeyError("region")

    client = GuardedClient(make, ClientConfig("house"))
    with pytest.raises(ProviderError, match="its adapter raised KeyError") as caught:
        await client.complete(REQUEST)
    assert not caught.value.sent
    await client.close()


def test_a_client_that_needs_another_package_says_so():
    def make(config):
        raise MissingExtra("install it", "house")

    with pytest.raises(MissingExtra):
        GuardedClient(make, ClientConfig("house"))


async def test_a_stream_that_does_not_close_well_is_logged_and_changes_nothing(caplog):
    class Careless(Odd):
        async def stream(self, request):
            try:
                yield TextDelta("he")
                yield ResponseFinished(GOOD)
            finally:
                raise ValueError(KEY)

    async with aclosing(GuardedClient(lambda _: Careless(), ClientConfig("house")).stream(REQUEST)) as events:
        assert await anext(events) == TextDelta("he")
    assert "a stream of provider 'house' did not close well: ValueError" in caplog.text
    assert KEY not in caplog.text
