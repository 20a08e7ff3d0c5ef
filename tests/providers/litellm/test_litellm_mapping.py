"""What the library would drop, change or pay with in silence is refused before anything is sent."""

from __future__ import annotations

import json

import litellm
import pytest
from library_answers import CHAT, CLAUDE, GEMINI, KEY, MESSAGE, ask

from routebook.canonical.chat import OutputFormat
from routebook.canonical.embedding import EmbeddingRequest
from routebook.canonical.image import ImageRequest
from routebook.canonical.tool import ToolDefinition
from routebook.errors import ProviderError
from routebook.providers.fault import Fault
from routebook.providers.litellm.arguments import ALWAYS, OWN
from routebook.providers.litellm.credentials import credential_fault
from routebook.providers.litellm.mapping import fitted
from routebook.providers.litellm.quiet import changing

CLOCK = ToolDefinition("clock__now", "clock.now", "The time.", {"type": "object", "properties": {}})
SEEN = {  # option: value, and what is looked for in the body; None stands for a refusal
    "temperature": 0.25,
    "top_p": 0.75,
    "top_k": 41,
    "n": 3,
    "max_output_tokens": 777,
    "stop": ("END",),
    "seed": 7654,
    "presence_penalty": 0.625,
    "frequency_penalty": -0.375,
    "reasoning": {"effort": "high"},
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "service_tier": "auto",
    "logprobs": 3,
}
MODELS = (
    "openai/m-1", "openai/o3-mini", "openai/gpt-5", "hosted_vllm/m-1", "mistral/mistral-large", "groq/llama-x",
    "deepseek/deepseek-chat", "xai/grok-3-mini", "cohere/command-r", "together_ai/m-1", "openrouter/vendor/m-1",
    "fireworks_ai/m-1", "perplexity/sonar", CLAUDE, GEMINI, "ollama_chat/m-1", "huggingface/together/m-1",
)  # fmt: skip
PLACES = {"n": ("n", "num_generations", "candidateCount", "candidate_count"), "parallel_tool_calls": ("parallel",)}


def words_of(option: str, value: object) -> list[str]:
    """What the body must hold if *option* reached it, in whatever field."""
    match option:
        case "n" | "parallel_tool_calls":
            return list(PLACES[option])
        case "reasoning":
            return ["reasoning", "thinking", "think"]
        case "tool_choice":
            return ['"required"', '"any"', '"ANY"', '"REQUIRED"']
        case "service_tier":
            return ["service_tier", "serviceTier"]
        case "logprobs":
            return ["logprobs"]
        case "stop":
            return ['"END"']
    return [str(value)]


@pytest.mark.parametrize("drops", [False, True])
@pytest.mark.parametrize("model", MODELS)
async def test_every_option_reaches_the_wire_or_is_refused_by_its_name(loopback, client_of, monkeypatch, model, drops):
    monkeypatch.setattr(litellm, "drop_params", drops)
    server = await loopback.start(loopback.answer(400, {"error": {"message": "no"}}))
    client = client_of(server.url)
    for option, value in SEEN.items():
        before = len(server.received)
        with pytest.raises(ProviderError) as caught:
            await client.complete(ask(model, tools=(CLOCK,) if "tool" in option else (), options={option: value}))
        if len(server.received) == before:
            assert caught.value.sent is False
            assert caught.value.kind in ("unsupported_option", "unsupported_capability"), (option, caught.value)
            said = (option, "does not support", "no place for tools")
            assert any(words in caught.value.message for words in said), caught.value
        else:
            body = server.received[-1].body.decode()
            assert any(word in body for word in words_of(option, value)), (option, body)


@pytest.mark.parametrize("drops", [False, True])
async def test_a_value_that_the_library_would_drop_for_a_model_is_refused(loopback, client_of, monkeypatch, drops):
    monkeypatch.setattr(litellm, "drop_params", drops)
    server = await loopback.start(loopback.answer(200, CHAT))
    for request in (
        ask("openai/o3-mini", options={"temperature": 0.2}),
        ask("openai/gpt-5", options={"temperature": 0.2}),
        ask("cohere/command-r", options={"reasoning": {"effort": "low"}}),
        ask(CLAUDE, options={"seed": 7}),
    ):
        with pytest.raises(ProviderError) as caught:
            await client_of(server.url).complete(request)
        assert (caught.value.kind, caught.value.sent, server.received) == ("unsupported_option", False, []), request


async def test_a_value_that_the_library_stumbles_over_is_refused_by_its_option(loopback, client_of):
    server = await loopback.start(loopback.answer(200, MESSAGE))
    with pytest.raises(ProviderError) as caught:
        await client_of(server.url).complete(ask(CLAUDE, options={"reasoning": {"effort": "nonsense"}}))
    assert (caught.value.kind, caught.value.sent, server.received) == ("unsupported_option", False, [])
    assert "option 'reasoning.effort'" in caught.value.message


async def test_what_asks_for_nothing_is_no_reason_to_refuse(loopback, client_of):
    server = await loopback.start(loopback.answer(200, MESSAGE))
    options = {"n": 1, "tool_choice": "auto", "parallel_tool_calls": True, "reasoning": {"effort": "none"}}
    response = await client_of(server.url).complete(ask(CLAUDE, tools=(CLOCK,), options=options))
    assert response.message.text == "Noon."


async def test_a_capability_that_the_library_has_no_place_for_is_refused(loopback, client_of):
    server = await loopback.start(loopback.answer(200, CHAT))
    output = OutputFormat("a", {"type": "object", "properties": {}})
    for request, words in (
        (ask("ollama/m-1", tools=(CLOCK,)), "no place for tools"),
        (ask("cohere_chat/command-r", output=output), "no place for structured output"),
    ):
        with pytest.raises(ProviderError) as caught:
            await client_of(server.url).complete(request)
        assert (caught.value.kind, caught.value.sent) in (
            ("unsupported_capability", False),
            ("malformed_response", True),
        )
        if not caught.value.sent:
            assert words in caught.value.message
    assert litellm.add_function_to_prompt is False


@pytest.mark.parametrize(
    ("model", "field"),
    [("cohere/command-r", "max_tokens"), ("openai/m-1", "max_completion_tokens"), ("mistral/m-1", "max_tokens")],
)
async def test_the_limit_is_said_as_the_provider_knows_it(loopback, client_of, model, field):
    server = await loopback.start(loopback.answer(400, {"error": {"message": "no"}}))
    with pytest.raises(ProviderError):
        await client_of(server.url).complete(ask(model, options={"max_output_tokens": 77}))
    assert server.received[0].json[field] == 77


@pytest.mark.parametrize("model", ["openai/m-1", "mistral/m-1", CLAUDE, "cohere/command-r", "hosted_vllm/m-1"])
async def test_what_is_extra_reaches_the_body(loopback, client_of, model):
    server = await loopback.start(loopback.answer(400, {"error": {"message": "no"}}))
    with pytest.raises(ProviderError):
        await client_of(server.url).complete(ask(model, options={"extra_body": {"house": {"rule": 1}}}))
    assert '"house"' in server.received[0].body.decode()


@pytest.mark.parametrize("name", ["litellm_trusted_metadata", "max_fallbacks", "cooldown_time", "_anything", "no-log"])
async def test_what_the_library_would_keep_for_itself_is_refused(loopback, client_of, name):
    server = await loopback.start(loopback.answer(200, CHAT))
    if name in ALWAYS or name not in {*litellm.types.utils.all_litellm_params, "_anything"}:
        assert name in OWN or name == "litellm_trusted_metadata"
        return
    with pytest.raises(ProviderError) as caught:
        await client_of(server.url).complete(ask(options={"extra_body": {name: 1}}))
    assert (caught.value.kind, caught.value.sent, name in caught.value.message) == ("unsupported_option", False, True)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("modify_params", True),
        ("model_fallbacks", ["openai/other"]),
        ("model_alias_map", {"m-1": "openai/other"}),
        ("use_litellm_proxy", True),
        ("num_retries", 3),
        ("add_function_to_prompt", True),
        ("headers", {"x-other": "1"}),
        ("vertex_ai_safety_settings", [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]),
        ("custom_prompt_dict", {"m-1": {"roles": {}}}),
    ],
)
async def test_a_setting_of_the_application_that_changes_calls_is_not_overridden_but_refused(
    loopback, client_of, monkeypatch, setting, value
):
    monkeypatch.setattr(litellm, setting, value, raising=False)
    server = await loopback.start(loopback.answer(200, CHAT))
    with pytest.raises(ProviderError) as caught:
        await client_of(server.url).complete(ask())
    assert (caught.value.kind, caught.value.sent, server.received) == ("bad_request", False, [])
    assert f"`{setting}` of litellm is set in this process" in caught.value.message
    assert getattr(litellm, setting) == value


def test_a_proxy_of_the_environment_is_refused(monkeypatch):
    assert changing(litellm) is None
    monkeypatch.setenv("USE_LITELLM_PROXY", "True")
    assert changing(litellm) == "USE_LITELLM_PROXY"


async def test_a_setting_that_prints_keys_is_refused_before_it_prints(loopback, client_of, monkeypatch, capsys):
    monkeypatch.setattr(litellm, "set_verbose", True)
    server = await loopback.start(loopback.answer(200, CHAT))
    with pytest.raises(ProviderError, match="`set_verbose` of litellm is set in this process"):
        await client_of(server.url).complete(ask("openai/m-1"))
    assert server.received == []
    assert KEY not in "".join(capsys.readouterr())


async def test_a_provider_without_images_is_said_to_have_perhaps_no_such_call(loopback, client_of):
    server = await loopback.start(loopback.answer(200, CHAT))
    with pytest.raises(ProviderError, match="litellm answers so, too, for a provider without such a call"):
        await client_of(server.url).generate_image(ImageRequest("mistral/m-1", "a box"))
    assert server.received == []


@pytest.mark.parametrize("model", ["openai/e-1", "hosted_vllm/e-1", "together_ai/e-1", "mistral/mistral-embed"])
async def test_vectors_are_asked_for_as_numbers_and_never_as_null(loopback, client_of, model):
    server = await loopback.start(loopback.answer(200, {"data": [{"index": 0, "embedding": [0.5]}], "model": "e-1"}))
    response = await client_of(server.url).embed(EmbeddingRequest(model, ("a",)))
    assert [list(vector) for vector in response.vectors] == [[0.5]]
    assert server.received[0].json.get("encoding_format", "float") == "float"


async def test_a_call_that_the_library_lacks_for_a_provider_is_an_unsupported_capability(loopback, client_of):
    server = await loopback.start(loopback.answer(200, CHAT))
    with pytest.raises(ProviderError) as caught:
        await client_of(server.url).embed(EmbeddingRequest("groq/e-1", ("a",)))
    assert (caught.value.kind, server.received) == ("unsupported_capability", [])


async def test_the_applications_cache_and_callbacks_have_no_part_in_calls(loopback, client_of, monkeypatch):
    told = []
    monkeypatch.setattr(litellm, "cache", litellm.Cache(type="local"))
    monkeypatch.setattr(litellm, "success_callback", [lambda *args: told.append(args)])
    answers = iter("ABC")

    async def reply(writer):
        choice = {**CHAT["choices"][0], "message": {"role": "assistant", "content": next(answers)}}
        writer.write(loopback.answer(200, {**CHAT, "choices": [choice]}, "connection: close"))
        await writer.drain()

    server = await loopback.start(reply)
    client = client_of(server.url)
    assert [(await client.complete(ask())).message.text for _ in range(3)] == ["A", "B", "C"]
    assert told == []


@pytest.mark.parametrize("model", ["nonsense/m-1", "nobody-knows-it", "vendor/model-1"])
async def test_a_model_whose_provider_the_library_does_not_know_is_not_found(client_of, model):
    with pytest.raises(ProviderError) as caught:
        await client_of(None).complete(ask(model))
    assert (caught.value.kind, caught.value.sent) == ("not_found", False)
    assert f"no provider of model '{model}'" in caught.value.message


async def test_a_model_without_a_provider_never_takes_the_key_of_the_address(loopback, client_of, monkeypatch):
    """The library would tell the provider by its address, and take that provider's key from the environment."""
    monkeypatch.setenv("GROQ_API_KEY", "sk-of-the-platform")
    for model, said in (
        ("gpt-4o", "openai/gpt-4o"),
        ("ft:gpt-4o:house/own", "openai/ft:gpt-4o:house/own"),
        ("openai/gpt-4o", "openai/gpt-4o"),
        ("azure/command-r-plus", "azure/command-r-plus"),
    ):
        found = fitted(litellm, "acompletion", _call(model, api_base="https://api.groq.com/openai/v1"), has_key=True)
        assert isinstance(found, bytes), (model, found)
        assert json.loads(found)["model"] == said


@pytest.mark.parametrize(
    "provider",
    ["vertex_ai", "vertex_ai_beta", "sagemaker", "sagemaker_chat", "github_copilot", "chatgpt", "oci", "sap"],
)
async def test_a_key_is_refused_where_the_library_would_not_use_it(client_of, provider):
    with pytest.raises(ProviderError) as caught:
        await client_of(None).complete(ask(f"{provider}/m-1"))
    assert (caught.value.kind, caught.value.sent) == ("authentication", False)
    assert "finds credentials of its own" in caught.value.message


@pytest.mark.parametrize(
    ("provider", "variable"),
    [
        ("azure", "AZURE_AD_TOKEN"),
        ("watsonx", "WATSONX_TOKEN"),
        ("databricks", "DATABRICKS_CLIENT_SECRET"),
        ("gigachat", "GIGACHAT_ACCESS_TOKEN"),
    ],
)
async def test_a_key_is_refused_where_the_library_would_prefer_the_environments(
    client_of, monkeypatch, provider, variable
):
    assert credential_fault(provider, {}) is None
    monkeypatch.setenv(variable, "of-the-platform")
    with pytest.raises(ProviderError) as caught:
        await client_of("http://127.0.0.1:9").complete(ask(f"{provider}/m-1"))
    assert (caught.value.kind, caught.value.sent) == ("authentication", False)
    assert f"{variable} of the environment in place of the key" in caught.value.message
    assert "of-the-platform" not in str(caught.value)


async def test_an_environment_that_changes_is_heard(loopback, client_of, monkeypatch):
    server = await loopback.start(loopback.answer(400, {"error": {"message": "no"}}))
    client = client_of(server.url)
    kinds = []
    for token in ("", "of-the-platform"):
        monkeypatch.setenv("DATABRICKS_CLIENT_SECRET", token)
        with pytest.raises(ProviderError) as caught:
            await client.complete(ask("databricks/m-1"))
        kinds.append(caught.value.kind)
    assert kinds == ["bad_request", "authentication"]


async def test_an_address_that_the_library_would_not_use_is_refused(client_of):
    with pytest.raises(ProviderError, match="not at `base_url`"):
        await client_of("http://127.0.0.1:9").complete(ask("replicate/m-1"))


@pytest.mark.parametrize("provider", ["gradient_ai", "oci"])
def test_a_provider_that_refuses_to_be_told_of_retries_is_not_told(provider):
    found = fitted(litellm, "acompletion", _call(f"{provider}/xai.grok-4"), has_key=False)
    assert isinstance(found, bytes), found
    assert not {"num_retries", "max_retries"} & json.loads(found).keys()


async def test_options_of_vectors_and_images_are_refused_where_they_have_no_place(client_of):
    client = client_of("http://127.0.0.1:9")
    for call in (
        client.embed(EmbeddingRequest("openai/text-embedding-ada-002", ("a",), {"dimensions": 8})),
        client.generate_image(ImageRequest("openai/dall-e-2", "a box", {"quality": "high", "size": "1:1", "n": 1})),
    ):
        with pytest.raises(ProviderError) as caught:
            await call
        assert caught.value.kind in ("unsupported_option", "connection")


def _call(model: str, **more: object) -> bytes:
    return json.dumps({"model": model, **more, **ALWAYS}).encode()


def test_an_option_that_makes_no_difference_is_a_fault_that_names_it(monkeypatch):
    """A part of the library that takes an option and forgets it."""
    monkeypatch.setattr(litellm.utils, "get_optional_params", lambda **given: {"kept": given.get("temperature")})
    body = json.dumps({"model": "openai/m-1", "temperature": 1, "seed": 7, **ALWAYS}).encode()
    fault = fitted(litellm, "acompletion", body, has_key=True)
    assert isinstance(fault, Fault)
    assert (fault.kind, fault.message) == (
        "unsupported_option",
        "option 'seed' has no place at litellm's provider 'openai'",
    )
