"""Every preset, compiled from a book of a few lines and pointed at this machine, shows its quirks on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import pytest
from wire_options import ELSEWHERE, MISSING, VALUES, at, options_of, request_with

from routebook.book import compile_mapping
from routebook.canonical.embedding import EmbeddingRequest
from routebook.canonical.event import ResponseFinished
from routebook.canonical.image import ImageRequest
from routebook.canonical.message import Message
from routebook.canonical.options import OPTION_PATHS
from routebook.canonical.part import ReasoningPart, TextPart
from routebook.document.models import Capability
from routebook.errors import ProviderError
from routebook.providers import registry
from routebook.providers.protocol import ClientConfig
from routebook.routing.table import RoutingTable

KEY = "sk-of-the-test"
SPOKEN = dict(registry.presets())
CHAT = {name: preset for name, preset in SPOKEN.items() if preset["api"] == "openai-chat"}
QUIRKS: dict[str, type] = {
    "key_header": str,
    "fields": Mapping,
    "lacks": tuple,
    "lacks_capabilities": tuple,
    "choices": Mapping,
    "call_ids": str,
    "result_images": bool,
    "reasoning_field": str,
    "reasoning_details": bool,
    "stream_usage": bool,
    "stream_end": str,
    "embeddings": str,
    "image_format": str,
    "images": str,
}
PATHS = {
    "azure": "/openai/v1/chat/completions",
    "anthropic": "/v1/messages",
    "bedrock": "/model/vendor%2Fmodel-1/converse",
    "gemini": "/v1beta/models/vendor/model-1:generateContent",
    "vertex": ("/v1beta1/projects/somewhere/locations/somewhere/publishers/vendor/models/model-1:generateContent"),
}
HEADERS = {
    "azure": ("api-key", ""),
    "anthropic": ("x-api-key", ""),
    "gemini": ("x-goog-api-key", ""),
    "vertex": ("x-goog-api-key", ""),
}
OF_OTHERS = {"output_dimension"}
"""Fields of calls that are no chats."""
ANSWER = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}


def quirks_of(name: str) -> dict[str, Any]:
    return dict(SPOKEN[name].get("quirks", {}))


def places_of(name: str) -> dict[str, str]:
    """A value for each key that says where at the vendor a provider of the preset *name* is."""
    needs = (*SPOKEN[name].get("needs", ()), *registry.traits()[SPOKEN[name]["api"]].needs)
    return {key: "somewhere" for key in needs if key != "base_url"}


def table_of(name: str, url: str, **provider: Any) -> RoutingTable:
    """A book with one provider of the preset *name* at *url*, whose features have a tool where the preset knows any."""
    own = {"preset": name, "base_url": url, "api_key": {"env": "KEY"}, **places_of(name), **provider}
    written: dict[str, Any] = {
        "providers": {"p": own},
        "features": {"plain": {"use": {"model": "p/vendor/model-1"}}},
    }
    if "tools" not in quirks_of(name).get("lacks_capabilities", ()):
        written["mcp_servers"] = {"clock": {"command": "clock"}}
        written["features"]["agent"] = {"use": {"model": "p/vendor/model-1"}, "tools": {"servers": ["clock"]}}
    return compile_mapping(written, {"KEY": KEY})


def client_of(table: RoutingTable):
    provider = table.providers["p"]
    config = ClientConfig(
        "p",
        base_url=provider.base_url,
        api_key=KEY,
        api_version=provider.api_version,
        quirks=provider.quirks,
        project=provider.project,
        location=provider.location,
    )
    return registry.make_client(provider.api, config)


def carried(table: RoutingTable) -> set[str]:
    """The options that the provider of *table* takes in chats, with tools and without."""
    names = [feature.use.arms[0].attempts[0].carries for feature in table.features.values() if feature.use]
    return {path for carries in names for path in carries} - ELSEWHERE


@pytest.mark.parametrize("name", SPOKEN)
def test_quirks_are_of_the_vocabulary_and_name_options_that_there_are(name: str):
    quirks, traits = quirks_of(name), registry.traits()[SPOKEN[name]["api"]]
    fields, lacks = quirks.get("fields", {}).keys(), set(quirks.get("lacks", ()))
    known = traits.options | traits.embedding_options | traits.image_options

    assert [quirk for quirk, value in quirks.items() if not isinstance(value, QUIRKS[quirk])] == []
    assert fields <= set(OPTION_PATHS)
    assert lacks <= known
    assert not lacks & fields
    assert set(quirks.get("lacks_capabilities", ())) <= set(get_args(Capability))
    closed = traits.body_fields | {field.partition(".")[0] for field in traits.body_fields} | OF_OTHERS
    assert {place.partition(".")[0] for place in quirks.get("fields", {}).values()} <= closed


@pytest.mark.parametrize("name", SPOKEN)
async def test_a_call_goes_to_the_path_of_the_preset_with_the_key_in_its_header_alone(loopback, name: str):
    server = await loopback.start(loopback.answer(500, {}))
    client = client_of(table_of(name, server.url))

    with pytest.raises(ProviderError):
        await client.complete(request_with({}))
    await client.close()

    received = server.received[0]
    path = PATHS.get(name, "/chat/completions")
    header, prefix = HEADERS.get(name, ("authorization", "Bearer "))
    assert received.line == f"POST {path} HTTP/1.1"
    assert [pair for pair in received.headers if KEY in pair[1]] == [(header, prefix + KEY)]
    assert KEY.encode() not in received.body


async def test_a_deployment_is_called_by_its_dated_path(loopback):
    server = await loopback.start(loopback.answer(500, {}))
    client = client_of(table_of("azure", server.url, deployment="gpt-eu", api_version="2026-10-01"))

    with pytest.raises(ProviderError):
        await client.complete(request_with({}))
    await client.close()

    expected = "POST /openai/deployments/gpt-eu/chat/completions?api-version=2026-10-01 HTTP/1.1"
    assert server.received[0].line == expected


@pytest.mark.parametrize("name", SPOKEN)
async def test_each_option_that_a_book_may_set_there_is_in_its_field(loopback, name: str):
    server = await loopback.start(loopback.answer(500, {}))
    table = table_of(name, server.url)
    client, traits, quirks = client_of(table), registry.traits()[SPOKEN[name]["api"]], quirks_of(name)
    places = {**traits.wire, **quirks.get("fields", {})}
    bodies: dict[str, Any] = {}

    for option in carried(table):
        value = traits.rules.values[option][0] if option in traits.rules.values else VALUES[option]
        with pytest.raises(ProviderError) as error:
            await client.complete(request_with(options_of(option, **{option.rpartition(".")[2]: value})))
        assert error.value.sent, error.value
        bodies[option] = server.received[-1].json
    await client.close()

    for option, body in bodies.items():
        usual = traits.wire.get(option, places[option])
        assert at(body, places[option]) is not MISSING, option
        assert usual == places[option] or at(body, usual) is MISSING, option


@pytest.mark.parametrize("name", SPOKEN)
async def test_an_option_that_the_preset_lacks_is_not_sent(loopback, name: str):
    server = await loopback.start(loopback.answer(500, {}))
    table = table_of(name, server.url)
    client = client_of(table)
    chat = registry.traits()[SPOKEN[name]["api"]].options
    lacked = sorted(chat & set(quirks_of(name).get("lacks", ())))

    assert not carried(table) & set(lacked)
    for option in lacked:
        value = 86400.0 if option == "prompt_cache.retention" else VALUES[option]
        with pytest.raises(ProviderError) as error:
            await client.complete(request_with(options_of(option, **{option.rpartition(".")[2]: value})))
        assert (error.value.kind, error.value.sent) == ("unsupported_option", False)
    await client.close()

    assert server.received == []


@pytest.mark.parametrize("name", CHAT)
async def test_a_stream_asks_for_usage_where_the_preset_lets_it_and_ends_as_the_preset_says(loopback, name: str):
    text = b'data: {"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n'
    server = await loopback.start(loopback.answer(200, text, "content-type: text/event-stream"))
    client, quirks = client_of(table_of(name, server.url)), quirks_of(name)

    events, error = [], None
    try:
        async for event in client.stream(request_with({})):
            events.append(event)  # noqa: PERF401, those before the fault count
    except ProviderError as raised:
        error = raised
    await client.close()

    asked = server.received[0].json.get("stream_options")
    assert asked == (None if quirks.get("stream_usage") is False else {"include_usage": True})
    is_whole = quirks.get("stream_end") == "finish_reason"
    assert (error is None, isinstance(events[-1], ResponseFinished)) == (is_whole, is_whole)


@pytest.mark.parametrize("name", CHAT)
async def test_a_models_own_reasoning_goes_back_only_where_the_preset_wants_it(loopback, name: str):
    server = await loopback.start(loopback.answer(200, ANSWER))
    client, field = client_of(table_of(name, server.url)), quirks_of(name).get("reasoning_field")
    own = Message("assistant", (ReasoningPart("Hm.", api="openai-chat"), TextPart("Noon.")))

    await client.complete(request_with({}, Message("user", "What time?"), own, Message("user", "Sure?")))
    await client.close()

    echoed = {key: value for key, value in server.received[0].json["messages"][1].items() if value == "Hm."}
    assert echoed == ({} if field is None else {field: "Hm."})


async def test_a_word_is_spelt_as_the_preset_does(loopback):
    server = await loopback.start(loopback.answer(200, ANSWER))
    mistral, openai = client_of(table_of("mistral", server.url)), client_of(table_of("openai", server.url))

    for client in (mistral, openai):
        await client.complete(request_with({"tool_choice": "required"}))
        await client.complete(request_with({"tool_choice": "auto"}))
        await client.close()

    assert [received.json["tool_choice"] for received in server.received] == ["any", "auto", "required", "auto"]


async def test_pictures_come_from_a_chat_where_the_preset_says_so(loopback):
    server = await loopback.start(loopback.answer(500, {}))
    clients = [client_of(table_of(name, server.url)) for name in ("openrouter", "openai")]

    for client in clients:
        with pytest.raises(ProviderError):
            await client.generate_image(ImageRequest("vendor/model-1", "A cat"))
        await client.close()

    by_chat, by_itself = server.received
    assert by_chat.line.split()[1] == "/chat/completions"
    assert by_chat.json["modalities"] == ["image", "text"]
    assert by_itself.line.split()[1] == "/images/generations"


@pytest.mark.parametrize(
    ("name", "option"), [("mistral", "service_tier"), ("together", "size"), ("together", "quality")]
)
def test_what_is_no_field_of_a_providers_requests_is_lacked(name: str, option: str):
    assert option in quirks_of(name)["lacks"]


async def test_options_of_embeddings_and_images_are_moved_and_refused_too(loopback):
    server = await loopback.start(loopback.answer(500, {}))
    mistral, xai = client_of(table_of("mistral", server.url)), client_of(table_of("xai", server.url))

    with pytest.raises(ProviderError):
        await mistral.embed(EmbeddingRequest("vendor/model-1", ("a",), options_of("dimensions")))
    with pytest.raises(ProviderError) as error:
        await xai.generate_image(ImageRequest("vendor/model-1", "A cat", options_of("size")))
    await mistral.close()
    await xai.close()

    assert (error.value.kind, error.value.sent) == ("unsupported_option", False)
    body = server.received[0].json
    assert (body["output_dimension"], "dimensions" in body) == (256, False)
