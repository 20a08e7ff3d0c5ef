from __future__ import annotations

import re
import subprocess
import sys
from typing import get_args
from urllib.parse import urlsplit

import pytest

from routebook.book import compile_mapping
from routebook.canonical.embedding import EmbeddingRequest
from routebook.canonical.options import OPTION_PATHS
from routebook.document.models import Capability
from routebook.providers import registry
from routebook.providers.anthropic.client import AnthropicClient
from routebook.providers.bedrock.client import BedrockClient
from routebook.providers.gemini.client import GeminiClient
from routebook.providers.litellm.client import LiteLLMClient
from routebook.providers.openai_chat.client import OpenAIChatClient
from routebook.providers.openai_responses.client import OpenAIResponsesClient
from routebook.providers.protocol import ClientConfig
from routebook.providers.scripted import ScriptedClient

ADAPTERS = {
    "openai-chat": OpenAIChatClient,
    "openai-responses": OpenAIResponsesClient,
    "anthropic": AnthropicClient,
    "gemini": GeminiClient,
    "bedrock": BedrockClient,
    "litellm": LiteLLMClient,
    "scripted": ScriptedClient,
}


def test_every_api_has_traits_of_its_name():
    assert {api: traits.name for api, traits in registry.traits().items()} == {api: api for api in ADAPTERS}


@pytest.mark.parametrize("api", sorted(registry.traits()))
def test_an_api_carries_known_options_only_each_by_name_or_in_its_parts(api: str):
    traits = registry.traits()[api]
    assert traits.options | traits.embedding_options | traits.image_options <= set(OPTION_PATHS)
    assert {"extra_body", "extra_headers", "timeout"} <= traits.options
    assert set(traits.rules.values) <= traits.options
    assert traits.lacks <= set(get_args(Capability))
    assert traits.filled <= traits.body_fields
    assert all(dropped <= traits.options for dropped in traits.removed.values())


def test_the_scripted_api_carries_everything():
    traits = registry.traits()["scripted"]
    assert traits.options == traits.embedding_options == traits.image_options == set(OPTION_PATHS)


def test_the_newest_version_of_an_api_may_have_dropped_options():
    anthropic = registry.traits()["anthropic"]
    assert anthropic.options - anthropic.options_in(anthropic.api_version) == {"temperature", "top_p", "top_k"}
    assert anthropic.options_in("2023-06-01") == anthropic.options_in(None) == anthropic.options


def test_only_the_scripted_api_needs_a_script_and_takes_no_credential():
    scripted, chat = registry.traits()["scripted"], registry.traits()["openai-chat"]
    assert (scripted.needs_script, scripted.needs_base_url, scripted.takes_credential) == (True, False, False)
    assert (chat.needs_script, chat.needs_base_url, chat.takes_credential) == (False, True, True)


async def test_clients_are_made_by_the_name_of_their_api():
    config = ClientConfig("p", base_url="http://127.0.0.1:9/v1")
    assert {api: type(registry.make_client(api, config)) for api in ADAPTERS} == ADAPTERS
    with pytest.raises(KeyError):
        registry.make_client("nonsense", config)


def test_traits_and_presets_import_no_adapter():
    probe = (
        "import sys; from routebook.providers import registry; registry.traits(); registry.presets();"
        "print({'httpx2', 'msgspec', 'jinja2', 'asyncio'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "set()"


def test_the_presets_of_this_version_are_there():
    assert set(registry.presets()) == {
        *("openai", "anthropic", "gemini", "vertex", "bedrock", "azure", "openrouter", "perplexity", "mistral"),
        *("groq", "deepseek", "together", "fireworks", "xai", "cerebras", "nvidia", "ollama", "vllm", "lmstudio"),
        "litellm-proxy",
    }


@pytest.mark.parametrize("name", sorted(registry.presets()))
def test_a_preset_has_an_api_an_address_or_a_need_of_one_and_says_who_pays(name: str):
    preset = registry.presets()[name]
    url = urlsplit(preset.get("base_url", "https://own.example.com"))
    assert preset["api"] in registry.traits()
    assert ("base_url" in preset) != ("base_url" in preset.get("needs", ()))
    assert not url.path.endswith("/")
    if preset.get("auth") == "none":
        assert (url.scheme, url.hostname, "api_key" in preset) == ("http", "localhost", False)
    else:
        assert url.scheme == "https"
        chained = preset.get("auth") == "chain" or registry.traits()[preset["api"]].credential_chain
        assert chained or preset["api_key"]["env"].endswith("_API_KEY")


@pytest.mark.parametrize("name", sorted(registry.presets()))
def test_every_place_in_an_address_is_a_key_that_the_preset_or_its_api_needs(name: str):
    preset = registry.presets()[name]
    needed = {*preset.get("needs", ()), *registry.traits()[preset["api"]].needs}
    assert set(re.findall(r"{(\w+)}", preset.get("base_url", ""))) <= needed


def test_presets_are_read_only():
    with pytest.raises(TypeError):
        registry.presets()["openai"]["base_url"] = "http://elsewhere"


HOUSE_API = """
from routebook import Api, ApiTraits, EmbeddingResponse

class Client:
    def __init__(self, config):
        self.provider = config.provider

    async def embed(self, request):
        return EmbeddingResponse((), model=self.provider)

def api(name="house-api"):
    return Api(name, ApiTraits(name, options=frozenset({"temperature"})), Client)

good, taken, wrong = api(), api("anthropic"), "no api"
"""


@pytest.fixture
def added(tmp_path, monkeypatch):
    """Install a package that adds APIs under the entry points named."""

    def install(**points: str) -> None:
        (tmp_path / "house_api.py").write_text(HOUSE_API)
        info = tmp_path / "house_api-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: house-api\nVersion: 1.0\n")
        lines = [f"{name} = {target}" for name, target in points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[routebook.providers]", *lines]))
        monkeypatch.syspath_prepend(tmp_path)
        registry.traits.cache_clear()
        registry.added.cache_clear()

    yield install
    registry.traits.cache_clear()
    registry.added.cache_clear()
    sys.modules.pop("house_api", None)


async def test_another_package_adds_an_api(added):
    added(house="house_api:good")
    table = compile_mapping(
        {
            "providers": {"house": {"api": "house-api", "base_url": "https://llm.test", "auth": "none"}},
            "features": {"chat": {"use": {"model": "house/m", "options": {"temperature": 1}}}},
        },
        {},
    )
    assert table.resolve("chat").attempts[0].api == "house-api"
    client = registry.make_client("house-api", ClientConfig("house"))
    assert (await client.embed(EmbeddingRequest("m", ("x",)))).model == "house"


@pytest.mark.parametrize("target", ["house_api:taken", "house_api:wrong", "house_api:missing", "no_such_module:api"])
def test_what_is_no_api_of_its_own_is_logged_and_left_out(added, caplog, target):
    added(house=target)
    assert registry.traits().keys() == ADAPTERS.keys()
    assert registry.traits()["anthropic"].needs_base_url
    assert target in caplog.text
