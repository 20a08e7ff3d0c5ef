"""Every option that an API carries is found in the body on the wire, where the traits and `docs/options.md` say."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from wire_options import ELSEWHERE, MISSING, VALUES, at, options_of, request_with

from routebook.canonical.embedding import EmbeddingRequest
from routebook.canonical.image import ImageRequest
from routebook.errors import ProviderError
from routebook.providers import registry
from routebook.providers.http.exchange import HttpRequest, HttpResponse
from routebook.providers.http.over_httpx2 import HttpxTransport
from routebook.providers.protocol import ClientConfig
from routebook.routing.provider_spec import Timeouts

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))

from options_page import COLUMNS, WORDS, page_of_options  # noqa: E402

SPOKEN = {api: traits for api, traits in registry.traits().items() if api != "scripted"}
CHAT = [(api, option) for api, traits in SPOKEN.items() for option in sorted(traits.options - ELSEWHERE)]
OLDEST = {"anthropic": "2023-06-01"}
BECOMES: dict[tuple[str, str], Any] = {
    ("openai-chat", "prompt_cache.retention"): "30m",
    ("openai-responses", "prompt_cache.retention"): "30m",
    ("anthropic", "prompt_cache.retention"): "5m",
    ("anthropic", "tool_choice"): "any",
    ("anthropic", "parallel_tool_calls"): True,
    ("gemini", "reasoning.effort"): "HIGH",
    ("gemini", "tool_choice"): "ANY",
    ("gemini", "size"): "1:1",
    ("bedrock", "prompt_cache.retention"): {"type": "default"},
    ("bedrock", "reasoning.effort"): "low",
    ("bedrock", "tool_choice"): {"any": {}},
}
"""What values become that are not sent as they are."""
EMBEDDERS = {"bedrock": "amazon.titan-embed-text-v2:0"}
"""The models of APIs that make vectors by families of models."""


class Onward(HttpxTransport):
    """Sends every request to *url*: the calls of a library, which go nowhere."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpResponse:
        return await super().send(replace(request, url=self._url), timeouts)


def client_of(api: str, url: str):
    transport = Onward(url) if api == "litellm" else None
    config = ClientConfig("p", base_url=url, api_key="sk-1", api_version=OLDEST.get(api), transport=transport)
    return registry.make_client(api, config)


async def body_of(call: Any, server: Any) -> dict[str, Any]:
    """The body that *call* sends to *server*, which refuses it."""
    with pytest.raises(ProviderError) as error:
        await call
    assert error.value.sent, error.value
    return server.received[-1].json


def _prefixes(place: str) -> set[str]:
    """A place in a body, and the mappings around it."""
    names = place.split(".")
    return {".".join(names[:count]) for count in range(1, len(names) + 1)}


@pytest.mark.parametrize("api", SPOKEN)
def test_the_traits_say_of_each_option_where_it_stands(api: str):
    traits = SPOKEN[api]
    assert set(traits.wire) == traits.options - ELSEWHERE
    assert set(traits.notes) <= traits.options | traits.embedding_options | traits.image_options
    assert {place for place in traits.wire.values() if not _prefixes(place) & traits.body_fields} == set()


@pytest.mark.parametrize(("api", "option"), CHAT)
async def test_an_option_is_found_where_the_traits_say_and_only_if_it_is_set(loopback, api: str, option: str):
    traits = SPOKEN[api]
    server = await loopback.start(loopback.answer(500, {}))
    client = client_of(api, server.url)
    value = traits.rules.values[option][0] if option in traits.rules.values else VALUES[option]

    with_it = await body_of(
        client.complete(request_with(options_of(option, **{option.rpartition(".")[2]: value}))), server
    )
    without = await body_of(client.complete(request_with({})), server)
    await client.close()

    expected = BECOMES.get((api, option), list(value) if isinstance(value, tuple) else value)
    told_anyway = traits.default_max_output_tokens if option == "max_output_tokens" else None
    assert at(with_it, traits.wire[option]) == expected
    assert at(without, traits.wire[option]) == (MISSING if told_anyway is None else told_anyway)


@pytest.mark.parametrize(
    ("api", "option"), [(api, option) for api in SPOKEN for option in VALUES if option not in SPOKEN[api].options]
)
async def test_a_request_with_an_option_that_has_no_place_is_not_sent(loopback, api: str, option: str):
    server = await loopback.start(loopback.answer(500, {}))
    client = client_of(api, server.url)

    with pytest.raises(ProviderError) as error:
        await client.complete(request_with(options_of(option)))
    await client.close()

    assert (error.value.kind, error.value.sent, server.received) == ("unsupported_option", False, [])
    assert option in str(error.value)


@pytest.mark.parametrize("api", SPOKEN)
async def test_what_is_extra_is_merged_into_the_body_and_the_headers(loopback, api: str):
    server = await loopback.start(loopback.answer(500, {}))
    client = client_of(api, server.url)
    options = {"extra_body": {"house": {"rule": 1}}, "extra_headers": {"X-Title": "Demo"}, "timeout": 5.0}

    body = await body_of(client.complete(request_with(options)), server)
    await client.close()

    assert body["house"] == {"rule": 1}
    assert server.received[-1].header("x-title") == ["Demo"]
    assert "timeout" not in body


@pytest.mark.parametrize("api", [api for api, traits in SPOKEN.items() if traits.embedding_options])
async def test_each_option_of_embeddings_is_on_the_wire(loopback, api: str):
    server = await loopback.start(loopback.answer(500, {}))
    client = client_of(api, server.url)
    paths = sorted(SPOKEN[api].embedding_options - ELSEWHERE)
    model = EMBEDDERS.get(api, "vendor/model-1")

    body = await body_of(client.embed(EmbeddingRequest(model, ("a",), options_of(*paths))), server)
    await client.close()

    places = {path: SPOKEN[api].embedding_wire.get(path, path) for path in paths}
    assert {path: at(body, place) for path, place in places.items()} == options_of(*paths)


@pytest.mark.parametrize("api", [api for api, traits in SPOKEN.items() if traits.image_options])
async def test_each_option_of_images_is_on_the_wire(loopback, api: str):
    server = await loopback.start(loopback.answer(500, {}))
    client = client_of(api, server.url)
    paths = sorted(SPOKEN[api].image_options - ELSEWHERE)

    body = await body_of(client.generate_image(ImageRequest("vendor/model-1", "A cat", options_of(*paths))), server)
    await client.close()

    places = {path: SPOKEN[api].image_wire.get(path, path) for path in paths}
    sent = {path: BECOMES.get((api, path), value) for path, value in options_of(*paths).items()}
    assert {path: at(body, place) for path, place in places.items()} == sent


def test_the_page_of_options_is_up_to_date():
    assert (DOCS / "options.md").read_text(encoding="utf-8") == page_of_options(), "run `make docs`"


def test_the_page_tells_of_every_option_and_every_preset_with_a_departure():
    page = page_of_options()
    told = page.partition("## What presets change")[2]
    assert [option for option in VALUES if f"| `{option}` |" not in page] == []
    quirks = {quirk for preset in registry.presets().values() for quirk in preset.get("quirks", {})}
    assert quirks == COLUMNS | WORDS.keys()
    departing = [name for name, preset in registry.presets().items() if preset.get("quirks")]
    assert [name for name in registry.presets() if f"| `{name}` |" in told] == departing
