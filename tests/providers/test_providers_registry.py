from __future__ import annotations

import re
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from routebook.canonical.options import OPTION_PATHS
from routebook.providers import registry
from routebook.providers.openai_chat.client import OpenAIChatClient
from routebook.providers.openai_chat.encode import encode_body
from routebook.providers.protocol import ClientConfig
from routebook.providers.scripted import ScriptedClient

QUIRKS = {
    "max_tokens_field": {"max_tokens"},
    "seed_field": {"random_seed"},
    "reasoning_field": {"reasoning_content"},
    "key_header": {"api-key"},
}
WITHOUT_ADAPTER = {"openai-responses", "anthropic", "gemini", "bedrock", "litellm"}
CHAT_PRESETS = {name: preset for name, preset in registry.presets().items() if preset["api"] == "openai-chat"}


def test_every_api_has_traits_of_its_name():
    apis = {"openai-chat", "scripted", *WITHOUT_ADAPTER}
    assert {api: traits.name for api, traits in registry.traits().items()} == {api: api for api in apis}


@pytest.mark.parametrize("api", sorted(registry.traits()))
def test_an_api_carries_known_options_only_each_by_name_or_in_its_parts(api: str):
    traits = registry.traits()[api]
    assert traits.options | traits.embedding_options | traits.image_options <= set(OPTION_PATHS)
    assert {"extra_body", "extra_headers", "timeout"} <= traits.options
    assert set(traits.values) <= traits.options
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
    assert isinstance(registry.make_client("openai-chat", config), OpenAIChatClient)
    assert isinstance(registry.make_client("scripted", config), ScriptedClient)
    with pytest.raises(KeyError):
        registry.make_client("nonsense", config)


@pytest.mark.parametrize("api", sorted(registry.traits()))
def test_an_api_without_an_adapter_says_so_in_its_traits_and_when_a_client_is_made(api: str):
    assert registry.traits()[api].has_client is (api not in WITHOUT_ADAPTER)
    if api in WITHOUT_ADAPTER:
        with pytest.raises(registry.NoAdapter, match=f"this version of Routebook has no adapter for api '{api}' yet"):
            registry.make_client(api, ClientConfig("p"))


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


@pytest.mark.parametrize("name", sorted(registry.presets()))
def test_a_preset_has_known_quirks_only_and_what_they_name_is_closed_to_extra_body(name: str):
    quirks = registry.presets()[name].get("quirks", {})
    for quirk, field in quirks.items():
        assert field in QUIRKS[quirk]
        if quirk not in {"reasoning_field", "key_header"}:
            assert field in registry.traits()["openai-chat"].body_fields


def test_presets_are_read_only():
    with pytest.raises(TypeError):
        registry.presets()["openai"]["base_url"] = "http://elsewhere"  # type: ignore[index]


def test_every_field_that_the_adapter_sets_is_closed_to_extra_body(full_request):
    for preset in CHAT_PRESETS.values():
        body = encode_body(full_request, preset.get("quirks", {}))
        assert set(body) <= registry.traits()["openai-chat"].body_fields
