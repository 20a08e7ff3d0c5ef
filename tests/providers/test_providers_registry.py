from __future__ import annotations

import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from routebook.canonical.options import OPTION_NAMES
from routebook.providers import registry
from routebook.providers.openai_chat.client import OpenAIChatClient
from routebook.providers.openai_chat.encode import encode_body
from routebook.providers.protocol import ClientConfig
from routebook.providers.scripted import ScriptedClient

QUIRKS = {"max_tokens_field": {"max_tokens"}, "seed_field": {"random_seed"}, "reasoning_field": {"reasoning_content"}}


def test_every_api_has_traits_of_its_name():
    assert {api: traits.name for api, traits in registry.traits().items()} == {
        "openai-chat": "openai-chat",
        "scripted": "scripted",
    }


def test_an_option_is_carried_by_name_or_in_its_parts():
    names = {*OPTION_NAMES, "reasoning.effort", "reasoning.budget_tokens"} - {"reasoning"}
    assert registry.traits()["scripted"].options == names
    assert registry.traits()["openai-chat"].options == names - {"reasoning.budget_tokens"}


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


def test_traits_and_presets_import_no_adapter():
    probe = (
        "import sys; from routebook.providers import registry; registry.traits(); registry.presets();"
        "print({'httpx2', 'msgspec', 'jinja2', 'asyncio'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "set()"


def test_the_presets_of_this_version_are_there():
    assert set(registry.presets()) == {
        *("openai", "openrouter", "perplexity", "mistral", "groq", "deepseek", "together", "fireworks", "xai"),
        *("cerebras", "nvidia", "ollama", "vllm", "lmstudio", "litellm-proxy"),
    }


@pytest.mark.parametrize("name", sorted(registry.presets()))
def test_a_preset_has_an_api_an_address_and_says_who_pays(name: str):
    preset = registry.presets()[name]
    url = urlsplit(preset["base_url"])
    assert preset["api"] in registry.traits()
    assert not preset["base_url"].endswith("/")
    if preset.get("auth") == "none":
        assert (url.scheme, url.hostname, "api_key" in preset) == ("http", "localhost", False)
    else:
        assert url.scheme == "https"
        assert preset["api_key"]["env"].endswith("_API_KEY")


@pytest.mark.parametrize("name", sorted(registry.presets()))
def test_a_preset_has_known_quirks_only_and_what_they_name_is_closed_to_extra_body(name: str):
    quirks = registry.presets()[name].get("quirks", {})
    for quirk, field in quirks.items():
        assert field in QUIRKS[quirk]
        if quirk != "reasoning_field":
            assert field in registry.traits()["openai-chat"].body_fields


def test_presets_are_read_only():
    with pytest.raises(TypeError):
        registry.presets()["openai"]["base_url"] = "http://elsewhere"  # type: ignore[index]


def test_every_field_that_the_adapter_sets_is_closed_to_extra_body(full_request):
    for preset in registry.presets().values():
        body = encode_body(full_request, preset.get("quirks", {}))
        assert set(body) <= registry.traits()["openai-chat"].body_fields
