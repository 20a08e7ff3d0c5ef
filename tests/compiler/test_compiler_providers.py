"""Providers and tool servers as they run: addresses, credentials, bounds, defaults filled in."""

from __future__ import annotations

from typing import Any

import pytest

import routebook
from routebook.routing.provider_spec import Breaker, Limits, ProviderSpec, Retry, Timeouts
from routebook.routing.secret import SecretRef
from routebook.routing.tool_spec import OAuthSpec, ServerSpec


def compiled(provider: str = "house", **keys: Any) -> ProviderSpec:
    book = {"providers": {provider: keys}, "features": {"f": {"use": {"model": f"{provider}/m"}}}}
    return routebook.compile_mapping(book, {}).providers[provider]


def house(**keys: Any) -> ProviderSpec:
    return compiled(api="openai-chat", base_url="https://llm.example.com/v1", auth="none", **keys)


def server(**keys: Any) -> ServerSpec:
    book = {
        "providers": {"ollama": {}},
        "mcp_servers": {"s": keys},
        "features": {"f": {"use": {"model": "ollama/m"}, "tools": {"servers": ["s"]}}},
    }
    return routebook.compile_mapping(book, {}).servers["s"]


@pytest.mark.parametrize(
    ("name", "keys", "address"),
    [
        ("vertex", {"project": "p", "location": "europe-west4"}, "https://europe-west4-aiplatform.googleapis.com"),
        ("vertex", {"project": "p", "location": "global"}, "https://aiplatform.googleapis.com"),
        ("bedrock", {"region": "eu-central-1"}, "https://bedrock-runtime.eu-central-1.amazonaws.com"),
        ("azure", {"base_url": "https://a.example.com"}, "https://a.example.com/openai/v1"),
        ("azure", {"base_url": "https://a.example.com/openai/v1/"}, "https://a.example.com/openai/v1"),
        (
            "azure",
            {"base_url": "https://a.example.com", "deployment": "d", "api_version": "2026-10-01"},
            "https://a.example.com/openai/deployments/d",
        ),
        ("openai", {}, "https://api.openai.com/v1"),
    ],
)
def test_a_presets_address_is_filled_with_where_the_provider_is(name: str, keys: dict[str, str], address: str):
    assert compiled(name, **keys).base_url == address


def test_a_version_of_the_api_travels_with_each_request_where_the_preset_says_so():
    spec = compiled("azure", base_url="https://a.example.com", deployment="d", api_version="2026-10-01")
    assert spec.quirks["query"] == {"api-version": "2026-10-01"}
    assert "query" not in compiled("azure", base_url="https://a.example.com").quirks


def test_the_newest_version_of_an_api_is_part_of_a_provider_that_names_none():
    assert compiled("anthropic").api_version == "2026-10-21"
    assert compiled("anthropic", api_version="2023-06-01").api_version == "2023-06-01"


@pytest.mark.parametrize(
    ("name", "keys", "credential", "chain"),
    [
        ("bedrock", {"region": "r"}, None, True),
        ("bedrock", {"region": "r", "api_key": {"env": "KEY"}}, SecretRef("env", "KEY"), False),
        ("bedrock", {"region": "r", "auth": "none"}, None, False),
        ("vertex", {"project": "p", "location": "l"}, None, True),
        ("openai", {}, SecretRef("env", "OPENAI_API_KEY"), False),
        ("ollama", {}, None, False),
    ],
)
def test_the_platform_pays_by_key_or_by_the_vendors_chain(name, keys, credential, chain):
    spec = compiled(name, **keys)
    assert (spec.credential, spec.credential_chain) == (credential, chain)
    assert spec.has_platform_credential == (credential is not None or chain)


def test_a_secret_header_is_a_credential_of_the_platform():
    assert house(headers={"X-Key": {"env": "KEY"}}).has_platform_credential
    assert not house(headers={"X-Title": "demo"}).has_platform_credential


def test_bounds_that_nobody_wrote_have_their_defaults():
    spec = house()
    assert (spec.timeout, spec.limits, spec.retry, spec.breaker) == (Timeouts(), Limits(), Retry(), Breaker())
    assert (Retry(), Breaker()) == (Retry(3, 0.5, 20.0), Breaker(5, 30.0))


def test_bounds_are_read_as_they_are_written():
    spec = house(
        limits={"concurrency": 64, "requests_per_minute": 6000, "tokens_per_minute": 2000000, "queue_timeout": "5s"},
        retry={"attempts": 1, "backoff": "1s", "max_backoff": "1m"},
        breaker={"failures": 2, "open": "5s"},
    )
    assert spec.limits == Limits(64, 6000, 2000000, adaptive=True, queue_timeout_s=5.0)
    assert (spec.retry, spec.breaker) == (Retry(1, 1.0, 60.0), Breaker(2, 5.0))


def test_limits_adapt_where_concurrency_is_bounded_unless_the_book_says_no():
    assert house(limits={"concurrency": 4}).limits.adaptive
    assert not house(limits={"concurrency": 4, "adaptive": False}).limits.adaptive
    assert not house(limits={"requests_per_minute": 4}).limits.adaptive


def test_a_changed_bound_is_another_table():
    digests = {
        routebook.compile_mapping(
            {"providers": {"ollama": keys}, "features": {"f": {"use": {"model": "ollama/m"}}}}
        ).digest
        for keys in ({}, {"retry": {"attempts": 2}}, {"breaker": {"failures": 2}}, {"limits": {"concurrency": 2}})
    }
    assert len(digests) == 4


def test_a_server_elsewhere_keeps_its_secrets_as_references():
    spec = server(
        url="https://tools.example.com/mcp",
        headers={"X-Team": "search", "X-Key": {"file": "/run/secrets/key"}},
        token={"env": "TOKEN"},
    )
    assert (spec.command, spec.url, spec.transport) == (None, "https://tools.example.com/mcp", "streamable-http")
    assert dict(spec.headers) == {"X-Team": "search", "X-Key": SecretRef("file", "/run/secrets/key")}
    assert spec.token == SecretRef("env", "TOKEN")


def test_a_server_may_get_its_token_by_oauth():
    oauth = {"client_id": "demo", "client_secret": {"env": "SECRET"}, "scopes": ["files"]}
    spec = server(url="https://tools.example.com/sse", transport="sse", oauth=oauth)
    assert (spec.transport, spec.oauth) == ("sse", OAuthSpec("demo", SecretRef("env", "SECRET"), None, ("files",)))


@pytest.mark.parametrize(
    ("written", "globs"),
    [(True, ("*",)), (False, ()), (["get_*"], ("get_*",)), ({"env": "SAFE", "default": True}, ("*",))],
)
def test_idempotent_is_all_none_or_globs(written: Any, globs: tuple[str, ...]):
    assert server(command="python", idempotent=written).idempotent == globs


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9", "https://localhost:9", "https://eu-aiplatform-psc.p.googleapis.com"]
)
def test_credentials_that_are_found_go_to_the_vendors_own_hosts_and_this_machine(address: str):
    assert compiled("vertex", project="p", location="eu", base_url=address).credential_chain


@pytest.mark.parametrize(
    "address", ["https://llm.example.com", "https://googleapis.com.evil.example", "https://127.evil.example"]
)
def test_credentials_that_are_found_go_nowhere_else(address: str):
    with pytest.raises(routebook.RouteFileError, match="would send its preset's key to another host"):
        compiled("vertex", project="p", location="eu", base_url=address)
