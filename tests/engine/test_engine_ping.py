"""A ping asks each provider once, at the same time, for something tiny, and says what came of it. On real sockets."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import routebook
from routebook.engine import ping as ping_module
from routebook.engine.ping import ping

CANARY = "sk-canary-77aa12"
KEYS = {"GOOD_KEY": CANARY, "BAD_KEY": CANARY}


def book(**providers: dict) -> dict:
    features = {
        name: {"use": {"model": f"{name}/m-1"}} for name, provider in providers.items() if "api_key" in provider
    }
    return {"providers": providers, "features": features}


def chat(url: str, key: str = "GOOD_KEY", **more) -> dict:
    return {"api": "openai-chat", "base_url": url, "api_key": {"env": key}, **more}


async def test_each_provider_is_asked_once_for_a_few_tokens(fake, wire):
    one, two = await fake(wire.text("pong")), await fake(wire.text("pong"))
    table = routebook.compile_mapping(book(one=chat(one.url), two=chat(two.url, headers={"X-Title": "Demo"})))

    answers = await ping(table, KEYS)

    assert [(a.provider, a.model, a.asked, a.kind) for a in answers] == [
        ("one", "one/m-1", True, None),
        ("two", "two/m-1", True, None),
    ]
    assert all(answer.duration_s > 0 for answer in answers)
    asked = [json.loads(provider.requests[0].body) for provider in (one, two)]
    assert [len(provider.requests) for provider in (one, two)] == [1, 1]
    assert asked[0] == {"model": "m-1", "messages": [{"role": "user", "content": "ping"}], "max_completion_tokens": 16}
    assert two.requests[0].headers["x-title"] == "Demo"


async def test_they_are_asked_at_the_same_time(fake, wire):
    async def slowly(_received) -> bytes:
        await asyncio.sleep(0.3)
        return wire.text("pong")

    houses = {f"house-{number}": chat((await fake(slowly)).url) for number in range(8)}
    began = time.monotonic()
    answers = await ping(routebook.compile_mapping(book(**houses)), KEYS)

    assert [answer.kind for answer in answers] == [None] * 8
    assert time.monotonic() - began < 1.5


async def test_what_goes_wrong_is_told_by_kind_and_without_the_key(fake, wire):
    refusing = await fake(wire.error(401, f"the key {CANARY} is wrong"))
    table = routebook.compile_mapping(
        book(refuses=chat(refusing.url), gone=chat("http://127.0.0.1:9/v1"), keyless=chat(refusing.url, "NO_KEY"))
    )

    answers = {answer.provider: answer for answer in await ping(table, KEYS)}

    assert (answers["refuses"].kind, answers["refuses"].status) == ("authentication", 401)
    assert (answers["gone"].kind, answers["gone"].asked) == ("connection", True)
    assert (answers["keyless"].kind, answers["keyless"].asked) == ("authentication", False)
    assert "NO_KEY is not set" in answers["keyless"].message
    assert len(refusing.requests) == 1
    assert CANARY not in repr(answers)


async def test_vectors_are_asked_for_where_there_is_nothing_else_and_pictures_never(fake, wire):
    provider = await fake(wire.http(200, {"data": [{"index": 0, "embedding": [0.5]}]}))
    models = {
        "vectors": {"provider": "index", "capabilities": ["embeddings"]},
        "draws": {"provider": "studio", "capabilities": ["image_output"]},
    }
    features = {
        "index": {"needs": ["embeddings"], "use": {"model": "vectors"}},
        "cover": {"needs": ["image_output"], "use": {"model": "draws"}},
    }
    providers = {
        **{name: chat(provider.url) for name in ("index", "studio", "unused")},
        "stage": {"api": "scripted", "script": [{"reply": {"text": "hello"}}]},
    }
    table = routebook.compile_mapping({"providers": providers, "models": models, "features": features})

    answers = {answer.provider: answer for answer in await ping(table, KEYS)}

    assert {name: (answer.asked, answer.message) for name, answer in answers.items()} == {
        "index": (True, None),
        "studio": (False, "no picture is tiny"),
        "unused": (False, "the book has no model there"),
        "stage": (False, "it plays a script"),
    }
    assert [json.loads(request.body)["input"] for request in provider.requests] == [["ping"]]


async def test_many_that_hang_are_given_up_at_the_same_time(fake, monkeypatch):
    async def never(_received) -> bytes:
        await asyncio.sleep(60)
        return b""

    monkeypatch.setattr(ping_module, "MOST_S", 0.5)
    url = (await fake(never)).url
    table = routebook.compile_mapping(book(**{f"house-{number}": chat(url) for number in range(80)}))
    began = time.monotonic()
    answers = await ping(table, KEYS)

    assert {answer.kind for answer in answers} == {"timeout"}
    assert time.monotonic() - began < 1.4


async def test_what_no_request_bounds_is_bounded_all_the_same(fake, wire, monkeypatch):
    async def for_ever(*_):
        await asyncio.sleep(60)

    monkeypatch.setattr(ping_module, "MOST_S", 0.1)
    monkeypatch.setattr(ping_module, "_GRACE_S", 0.1)
    monkeypatch.setattr(ping_module, "_ask", for_ever)
    table = routebook.compile_mapping(book(one=chat((await fake(wire.text("pong"))).url)))

    (answer,) = await ping(table, KEYS)
    assert (answer.asked, answer.kind, answer.message) == (True, "timeout", "no answer within 0.1 s")


async def test_a_package_that_cannot_be_imported_is_told_and_the_others_are_asked(fake, wire, monkeypatch):
    provider = await fake(wire.text("pong"))
    lite = {"api": "litellm", "base_url": provider.url, "api_key": {"env": "GOOD_KEY"}}
    table = routebook.compile_mapping(book(house=chat(provider.url), lite=lite))
    monkeypatch.setitem(sys.modules, "litellm", None)

    house, told = await ping(table, KEYS)

    assert (house.asked, house.kind) == (True, None)
    assert (told.asked, told.failed) == (False, True)
    assert "pip install 'routebook[litellm]'" in told.message


async def test_a_model_that_is_cut_off_while_it_thinks_has_answered(fake, wire):
    words = "Could not finish the message because max_tokens or model output limit was reached. Please try again."
    provider = await fake(wire.error(400, words))
    (answer,) = await ping(routebook.compile_mapping(book(one=chat(provider.url))), KEYS)
    assert (answer.asked, answer.kind, answer.failed) == (True, None, False)


async def test_a_model_that_no_feature_reaches_is_asked_as_it_says_itself(fake, wire):
    provider = await fake(wire.text("pong"))
    model = {"provider": "one", "id": "m-9", "options": {"temperature": 0.5, "extra_body": {"house": 1}}}
    table = routebook.compile_mapping({"providers": {"one": chat(provider.url)}, "models": {"spare": model}})
    (answer,) = await ping(table, KEYS)
    assert (answer.model, answer.kind) == ("spare", None)
    asked = json.loads(provider.requests[0].body)
    assert (asked["model"], asked["house"], "temperature" in asked) == ("m-9", 1, False)
