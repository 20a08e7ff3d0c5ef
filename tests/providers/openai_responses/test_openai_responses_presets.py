"""Presets, which are made for chats, hold for this API, too, as far as they are about the provider."""

from __future__ import annotations

from typing import Any

import pytest
from wire_options import ELSEWHERE, open_fields, options_of, request_with

from routebook.book import compile_mapping
from routebook.canonical.event import ResponseFinished
from routebook.errors import RouteFileError
from routebook.providers import registry
from routebook.providers.openai_responses.traits import TRAITS
from routebook.providers.protocol import ClientConfig, ModelClient
from routebook.routing.table import RoutingTable

KEY = "sk-of-the-test"
CHAT = {name: preset for name, preset in registry.presets().items() if preset["api"] == "openai-chat"}
ANSWER = {
    "status": "completed",
    "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}],
}


def table_of(name: str, url: str, options: dict[str, Any] | None = None) -> RoutingTable:
    provider = {"preset": name, "api": "openai-responses", "base_url": url, "api_key": {"env": "KEY"}}
    use = {"model": "p/vendor/model-1", **({"options": options} if options else {})}
    return compile_mapping({"providers": {"p": provider}, "features": {"f": {"use": use}}}, {"KEY": KEY})


def client_of(table: RoutingTable) -> ModelClient:
    provider = table.providers["p"]
    config = ClientConfig("p", provider.base_url, KEY, api_version=provider.api_version, quirks=provider.quirks)
    return registry.make_client(provider.api, config)


@pytest.mark.parametrize("name", CHAT)
async def test_a_call_goes_to_the_path_of_the_preset_with_the_key_in_its_header_alone(loopback, name: str):
    server = await loopback.start(loopback.answer(200, ANSWER))
    client = client_of(table_of(name, server.url))

    response = await client.complete(request_with({}))
    seen = [event async for event in client.stream(request_with({}))]
    await client.close()

    assert seen[-1] == ResponseFinished(response)
    received = server.received[0]
    path = "/openai/v1/responses" if name == "azure" else "/responses"
    header, prefix = ("api-key", "") if name == "azure" else ("authorization", "Bearer ")
    assert received.line == f"POST {path} HTTP/1.1"
    assert [pair for pair in received.headers if KEY in pair[1]] == [(header, prefix + KEY)]


@pytest.mark.parametrize("name", CHAT)
async def test_each_option_that_a_book_may_set_there_is_in_this_apis_field(loopback, name: str):
    server = await loopback.start(loopback.answer(200, ANSWER))
    table = table_of(name, server.url)
    (attempt,) = table.resolve("f").attempts
    carried = table.features["f"].use.arms[0].attempts[0].carries
    lacks = set(CHAT[name].get("quirks", {}).get("lacks", ()))
    client = client_of(table)

    assert attempt.api == "openai-responses"
    assert carried - ELSEWHERE <= TRAITS.options
    assert not carried & lacks
    paths = sorted(carried - ELSEWHERE - {"prompt_cache.retention"})
    await client.complete(request_with(options_of(*paths)))
    await client.close()

    assert open_fields(server.received[0].json, TRAITS.body_fields) == {"store"}
    assert "max_tokens" not in server.received[0].json


@pytest.mark.parametrize("option", ["top_k", "reasoning"])
def test_an_option_that_only_the_presets_chats_have_is_refused_when_the_book_is_compiled(option: str):
    value = {"budget_tokens": 2000} if option == "reasoning" else 4
    with pytest.raises(RouteFileError) as error:
        table_of("openrouter", "https://openrouter.ai/api/v1", {option: value})
    (refused,) = (found for found in error.value.diagnostics if found.severity == "error")
    assert refused.code == "RB402"


def test_an_answer_too_short_for_the_api_is_refused_when_the_book_is_compiled():
    with pytest.raises(RouteFileError, match="takes 16 at the least"):
        table_of("openai", "https://api.openai.com/v1", {"max_output_tokens": 15})


@pytest.mark.parametrize("field", ["instructions", "previous_response_id", "include", "background", "reasoning"])
def test_a_field_that_the_adapter_fills_is_none_for_extra_body(field: str):
    with pytest.raises(RouteFileError) as error:
        table_of("openai", "https://api.openai.com/v1", {"extra_body": {field: "x"}})
    (refused,) = (found for found in error.value.diagnostics if found.severity == "error")
    assert refused.code == "RB402"


def test_whether_the_api_keeps_answers_is_for_extra_body_to_say():
    table = table_of("openai", "https://api.openai.com/v1", {"extra_body": {"store": True}})
    assert table.resolve("f").attempts[0].options["extra_body"] == {"store": True}
