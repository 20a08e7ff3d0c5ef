"""Embeddings and images: one request along the attempts, resolved, paid for and recorded like a run."""

from __future__ import annotations

import asyncio
import base64
import struct
import sys

import pytest

from routebook import (
    BudgetError,
    Context,
    DeadlineError,
    Engine,
    EngineClosed,
    ImageResponse,
    ProviderError,
    RequestError,
    Usage,
)
from routebook.engine.clients import Clients
from routebook.providers import registry

PIXEL = "iVBORw0KGgo="


def vectors(wire, *rows, tokens=7):
    data = [
        {"index": index, "embedding": base64.b64encode(struct.pack(f"<{len(row)}f", *row)).decode()}
        for index, row in enumerate(rows)
    ]
    return wire.http(200, {"data": data, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}})


def images(wire, *data):
    return wire.http(200, {"created": 1, "data": [{"b64_json": item} for item in data]})


def embedding_book(books, *urls, capabilities=("embeddings",), **feature):
    book = books.over(*urls, needs=["embeddings"], **feature)
    for model in book["models"].values():
        model["capabilities"] = list(capabilities)
    return book


def image_book(books, *urls, capabilities=("image_output",), **feature):
    book = books.over(*urls, needs=["image_output"], **feature)
    for model in book["models"].values():
        model["capabilities"] = list(capabilities)
    return book


async def test_texts_become_vectors_in_their_order_with_how_they_came_about(fake, wire, books, keys):
    provider = await fake(vectors(wire, [0.5, 1.0], [2.0, 0.25]))
    book = embedding_book(books, provider.url)
    book["models"]["m0"]["price"] = {"input": 2.0, "output": 0}

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.embed("chat", ["one", "two"])

    assert result.vectors == ((0.5, 1.0), (2.0, 0.25))
    assert provider.requests[0].json["input"] == ["one", "two"]
    assert provider.requests[0].json["model"] == "vendor/m0"
    assert (result.usage.input, result.cost_usd) == (7, 14 / 1e6)
    [attempt] = result.attempts
    assert (attempt.provider, attempt.payer, attempt.kind, attempt.usage) == ("p0", "platform", None, result.usage)
    assert result.decision.feature == "chat"
    assert result.to_dict()["vectors"] == [[0.5, 1.0], [2.0, 0.25]]


async def test_a_string_is_a_list_of_one_text(fake, wire, books, keys):
    provider = await fake(vectors(wire, [0.5]))

    async with Engine(books.table(embedding_book(books, provider.url)), environment=keys) as engine:
        result = await engine.embed("chat", "one")

    assert provider.requests[0].json["input"] == ["one"]
    assert len(result.vectors) == 1


async def test_embeddings_fall_back_and_every_attempt_is_recorded(fake, wire, books, keys):
    bad, good = await fake(wire.error(429)), await fake(vectors(wire, [1.0]))

    async with Engine(books.table(embedding_book(books, bad.url, good.url)), environment=keys) as engine:
        result = await engine.embed("chat", ["one"])

    assert [(attempt.model, attempt.kind) for attempt in result.attempts] == [("m0", "rate_limit"), ("m1", None)]


async def test_when_all_attempts_fail_the_last_error_has_them_and_what_there_was(fake, wire, books, keys):
    bad = await fake(wire.error(503, "closed"))

    async with Engine(books.table(embedding_book(books, bad.url, bad.url)), environment=keys) as engine:
        with pytest.raises(ProviderError, match="closed") as caught:
            await engine.embed("chat", ["one"])

    assert [attempt.kind for attempt in caught.value.attempts] == ["server_error", "server_error"]
    assert caught.value.result.attempts == caught.value.attempts


async def test_too_few_vectors_are_a_failed_attempt(fake, wire, books, keys):
    provider = await fake(vectors(wire, [1.0]))
    table = books.table(embedding_book(books, provider.url))

    async with Engine(table, environment=keys) as engine:
        with pytest.raises(ProviderError) as caught:
            await engine.embed("chat", ["one", "two"])

    assert caught.value.kind == "malformed_response"
    assert [attempt.kind for attempt in caught.value.attempts] == ["malformed_response"]


async def test_a_callers_key_pays_for_embeddings_and_the_platforms_is_not_used(fake, wire, books, keys):
    provider = await fake(vectors(wire, [1.0]))
    table = books.table(embedding_book(books, provider.url))

    async with Engine(table, environment=keys) as engine:
        result = await engine.embed("chat", ["one"], context=Context(credentials={"p0": "sk-callers-own"}))

    assert provider.requests[0].headers["authorization"] == "Bearer sk-callers-own"
    assert result.attempts[0].payer == "caller"


async def test_a_callers_options_and_model_hold_for_embeddings(fake, wire, books, keys):
    provider = await fake(vectors(wire, [1.0]))
    book = embedding_book(books, provider.url, provider.url, caller_options=["dimensions"], allow_override=["m1"])
    book["providers"]["p0"] = book["providers"]["p1"] = {**book["providers"]["p0"], "api_key": {"env": "P0_KEY"}}

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.embed("chat", ["one"], options={"dimensions": 1}, model="m1")

    assert (provider.requests[0].json["dimensions"], result.decision.route) == (1, "override")


async def test_an_image_is_data_with_its_type(fake, wire, books, keys):
    provider = await fake(images(wire, PIXEL))

    async with Engine(books.table(image_book(books, provider.url)), environment=keys) as engine:
        result = await engine.generate_image("chat", "a signal box at dusk")

    assert provider.requests[0].json["prompt"] == "a signal box at dusk"
    assert [(image.data, image.media_type) for image in result.images] == [(PIXEL, "image/png")]
    assert result.to_dict()["images"] == [{"data": PIXEL, "media_type": "image/png"}]
    assert result.attempts[0].kind is None


async def test_a_model_that_also_chats_is_asked_for_images_in_a_chat(fake, wire, books, keys):
    drawn = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}]
    provider = await fake(wire.text("Here.", images=drawn))
    book = image_book(books, provider.url, capabilities=("image_output", "streaming"))

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.generate_image("chat", "a signal box")

    assert provider.requests[0].json["messages"][-1]["content"] == "a signal box"
    assert (result.images[0].data, result.text) == (PIXEL, "Here.")


async def test_a_model_that_only_draws_is_asked_in_a_chat_where_its_preset_says_so(fake, wire, books, keys):
    drawn = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}]
    provider = await fake(wire.text("Here.", images=drawn))
    book = image_book(books, provider.url)
    book["providers"]["p0"]["preset"] = "openrouter"
    del book["providers"]["p0"]["api"]

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.generate_image("chat", "a signal box")

    assert provider.requests[0].json["modalities"] == ["image", "text"]
    assert result.images[0].data == PIXEL


async def test_an_image_call_that_returns_none_is_a_failed_attempt_and_may_fall_back(fake, wire, books, keys):
    empty, good = await fake(images(wire)), await fake(images(wire, PIXEL))

    async with Engine(books.table(image_book(books, empty.url, good.url)), environment=keys) as engine:
        result = await engine.generate_image("chat", "a signal box")

    assert [attempt.kind for attempt in result.attempts] == ["malformed_response", None]


async def test_an_image_call_that_returns_none_at_last_is_an_error(fake, wire, books, keys):
    empty = await fake(images(wire))

    async with Engine(books.table(image_book(books, empty.url)), environment=keys) as engine:
        with pytest.raises(ProviderError) as caught:
            await engine.generate_image("chat", "a signal box")

    assert [attempt.kind for attempt in caught.value.attempts] == ["malformed_response"]


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ([], "at least one"),
        (None, "at least one"),
        ([""], "inputs[0]"),
        (["a", 7], "inputs[1]"),
        ("", "inputs[0]"),
        (b"ab", "inputs[0]"),
    ],
)
async def test_inputs_that_are_no_texts_are_refused_before_any_call(fake, wire, books, keys, inputs, says):
    provider = await fake(vectors(wire, [1.0]))

    async with Engine(books.table(embedding_book(books, provider.url)), environment=keys) as engine:
        with pytest.raises(RequestError) as caught:
            await engine.embed("chat", inputs)

    assert (caught.value.field, says in str(caught.value)) == ("inputs", True)
    assert provider.requests == []


@pytest.mark.parametrize("prompt", ["", " ", None, ["a"]])
async def test_a_prompt_that_says_nothing_is_refused(books, keys, prompt):
    table = books.table(image_book(books, "http://127.0.0.1:1/v1"))

    async with Engine(table, environment=keys) as engine:
        with pytest.raises(RequestError) as caught:
            await engine.generate_image("chat", prompt)

    assert caught.value.field == "prompt"


async def test_a_call_of_another_kind_is_refused_and_names_the_right_one(books, keys):
    url = "http://127.0.0.1:1/v1"
    book = embedding_book(books, url)
    book["models"] |= {"talks": {"provider": "p0"}, "draws": {"provider": "p0", "capabilities": ["image_output"]}}
    book["features"] |= {
        "talk": {"use": {"model": "talks"}},
        "draw": {"needs": ["image_output"], "use": {"model": "draws"}},
    }

    async with Engine(books.table(book), environment=keys) as engine:
        calls = {
            "call embed": (
                engine.run("chat", "x"),
                anext(engine.stream("chat", "x")),
                engine.generate_image("chat", "x"),
            ),
            "call run or stream": (engine.embed("talk", ["x"]), engine.generate_image("talk", "x")),
            "call generate_image": (engine.run("draw", "x"), engine.embed("draw", ["x"])),
        }
        for says, wrong in calls.items():
            for call in wrong:
                with pytest.raises(RequestError, match=says) as caught:
                    await call
                assert caught.value.field == "feature"


async def test_a_script_has_no_vectors_and_says_so(books):
    book = books.scripted({"reply": {"text": "x"}}, needs=["embeddings"])
    book["models"]["actor"]["capabilities"] = ["embeddings"]

    async with Engine(books.table(book), environment={}) as engine:
        with pytest.raises(ProviderError, match="a script plays no embeddings") as caught:
            await engine.embed("chat", ["x"])

    assert caught.value.kind == "unsupported_capability"


async def test_a_deadline_bounds_embeddings(fake, books, keys):
    async def never(_):
        await asyncio.sleep(60)

    provider = await fake(never)

    async with Engine(books.table(embedding_book(books, provider.url, deadline="100ms")), environment=keys) as engine:
        with pytest.raises(DeadlineError) as caught:
            await engine.embed("chat", ["one"])

    assert [attempt.kind for attempt in caught.value.attempts] == ["timeout"]


async def test_a_days_budget_counts_embeddings_and_holds_them(fake, wire, books, keys):
    provider = await fake(vectors(wire, [1.0], tokens=1000))
    book = embedding_book(books, provider.url, budget={"usd_per_day": 0.001})
    book["models"]["m0"]["price"] = {"input": 1.0, "output": 0}

    async with Engine(books.table(book), environment=keys) as engine:
        await engine.embed("chat", ["one"])
        with pytest.raises(BudgetError):
            await engine.embed("chat", ["one"])

    assert len(provider.requests) == 1


async def test_a_budget_in_dollars_warns_of_a_model_without_a_price(fake, wire, books, keys):
    provider = await fake(vectors(wire, [1.0]))
    book = embedding_book(books, provider.url, budget={"usd_per_day": 1.0})

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.embed("chat", ["one"])

    assert [warning.code for warning in result.warnings] == ["budget_unpriced"]


async def test_closing_the_engine_waits_for_embeddings_and_then_ends_them(fake, books, keys):
    async def never(_):
        await asyncio.sleep(60)

    provider = await fake(never)
    book = {**embedding_book(books, provider.url), "settings": {"drain": "50ms"}}

    async with Engine(books.table(book), environment=keys) as engine:
        call = asyncio.create_task(engine.embed("chat", ["one"]))
        await provider.wait_for(1)
        await engine.close()
        with pytest.raises(EngineClosed):
            await call


async def test_embeddings_are_mirrored_to_a_shadow(fake, wire, books, keys, eventually):
    provider, shadow = await fake(vectors(wire, [1.0])), await fake(vectors(wire, [9.0]))
    book = embedding_book(books, provider.url, shadow.url, shadow={"model": "m1", "percent": 100})
    book["features"]["chat"].pop("fallbacks")

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.embed("chat", ["one"])
        await eventually(lambda: len(shadow.requests) == 1)

    assert result.vectors == ((1.0,),)
    assert shadow.requests[0].json["input"] == ["one"]
    assert [attempt.model for attempt in result.attempts] == ["m0"]


async def test_a_client_that_breaks_its_promise_gives_no_empty_success(fake, wire, books, keys, monkeypatch):
    """A third party's client may hand over an answer without what was asked for."""
    provider = await fake(wire.text("x"))

    def lease(*_):
        return _Empty()

    monkeypatch.setattr(Clients, "lease", lease)
    async with Engine(books.table(image_book(books, provider.url)), environment=keys) as engine:
        with pytest.raises(ProviderError, match="the answer has no image"):
            await engine.generate_image("chat", "x")


class _Empty:
    async def generate_image(self, request):
        return ImageResponse(())


HOUSE_API = """
from routebook import Api, ApiTraits, EmbeddingResponse, Usage

class Client:
    def __init__(self, config):
        self.config = config

    async def embed(self, request):
        vectors = ((0.5,),) * (len(request.inputs) + request.options.get("dimensions", 0))
        return EmbeddingResponse(vectors, Usage(7, 0), "req-1")

    async def close(self):
        pass

traits = ApiTraits("house-api", frozenset(), embedding_options=frozenset({"dimensions"}))
api = Api(traits.name, traits, Client)
"""


@pytest.fixture
def house_api(tmp_path, monkeypatch):
    """Install a package that adds the API `house-api`: it makes as many vectors too many as it is asked for."""
    (tmp_path / "single_house_api.py").write_text(HOUSE_API)
    info = tmp_path / "single_house_api-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: single-house-api\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[routebook.providers]\nhouse = single_house_api:api")
    monkeypatch.syspath_prepend(tmp_path)
    registry.traits.cache_clear()
    registry.added.cache_clear()
    yield
    registry.traits.cache_clear()
    registry.added.cache_clear()
    sys.modules.pop("single_house_api", None)


@pytest.mark.usefixtures("house_api")
async def test_an_api_of_another_package_that_makes_more_vectors_than_texts_is_malformed(fake, wire, books, keys):
    provider = await fake(vectors(wire, [2.0], [3.0]))
    book = embedding_book(books, "http://127.0.0.1:1", provider.url)
    book["providers"]["p0"]["api"] = "house-api"

    async with Engine(books.table(book), environment=keys) as engine:
        good = await engine.embed("chat", ["one", "two"])
        fallen_back = await engine.embed("chat", ["one", "two"], options={"dimensions": 1})
        provider.reply = wire.error(500)
        with pytest.raises(ProviderError) as caught:
            await engine.embed("chat", ["one", "two"], options={"dimensions": 1})

    assert good.vectors == ((0.5,), (0.5,))
    assert fallen_back.vectors == ((2.0,), (3.0,))
    for attempt in (fallen_back.attempts[0], caught.value.attempts[0]):
        assert (attempt.kind, attempt.reason) == ("malformed_response", "3 vectors came for 2 texts")
        assert (attempt.usage, attempt.request_id) == (Usage(7, 0), "req-1")
