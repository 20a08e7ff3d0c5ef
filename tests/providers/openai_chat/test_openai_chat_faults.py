from __future__ import annotations

import json
import time

import pytest

from routebook.providers.answer import Answer
from routebook.providers.openai_chat.faults import fault_of_error, read_fault


def read(status: int, body: object, **headers: str):
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_fault(Answer(status, headers, payload, 0.0, ("sk-secret-key",)))


def error(message: str, **fields: object) -> dict:
    return {"error": {"message": message, **fields}}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        # the provider's own code and type
        (401, error("Incorrect API key provided: sk-abc.", code="invalid_api_key"), "authentication"),
        (429, error("You exceeded your current quota", code="insufficient_quota"), "quota_exceeded"),
        (429, error("You exceeded your current quota", type="insufficient_quota"), "quota_exceeded"),
        (429, error("Rate limit reached for gpt-x", code="rate_limit_exceeded", type="requests"), "rate_limit"),
        (413, error("Request too large, tokens per minute", code="rate_limit_exceeded"), "rate_limit"),
        (400, error("This model's maximum is 8192", code="context_length_exceeded"), "context_window_exceeded"),
        (404, error("The model `x` does not exist", code="model_not_found"), "not_found"),
        (400, error("Rejected", code="content_filter"), "content_filter"),
        (400, error("Use 'max_completion_tokens' instead.", code="unsupported_parameter"), "unsupported_option"),
        (400, error("'temperature' does not support 0.2", code="unsupported_value"), "unsupported_option"),
        (403, error("Country not supported", code="unsupported_country_region_territory"), "permission_denied"),
        (500, error("The server had an error", type="server_error"), "server_error"),
        # the status
        (401, b"", "authentication"),
        (402, error("Insufficient credits"), "quota_exceeded"),
        (404, b"", "not_found"),
        (429, error("Quota exceeded: requests per minute"), "rate_limit"),
        (429, error("Slow down", code="429"), "rate_limit"),
        (504, b"<html>", "timeout"),
        (529, error("Overloaded"), "overloaded"),
        (503, error("Service unavailable"), "server_error"),
        (500, error("context length", code=500), "server_error"),
        # words, where the status says little
        (400, [error("API key not valid. Please pass a valid API key.", code=400)], "authentication"),
        (400, error("Your credit balance is too low"), "quota_exceeded"),
        (400, error("prompt is too long: 210000 tokens > 200000 maximum"), "context_window_exceeded"),
        (400, error("This model's maximum context length is 8192 tokens."), "context_window_exceeded"),
        (403, error("Insufficient account balance"), "quota_exceeded"),
        (400, error("Your account balance is insufficient, please recharge"), "quota_exceeded"),
        (400, error("max tokens must be at least 1"), "bad_request"),
        (400, error("max_tokens is too large: 300000"), "bad_request"),
        (400, error("Model X is not supported"), "not_found"),
        (400, error("foo/bar is not a valid model ID"), "not_found"),
        (400, error("Unsupported parameter: 'top_k' is not supported with this model."), "unsupported_option"),
        (400, error("Unknown parameter: 'top_k'."), "unsupported_option"),
        (
            422,
            {"detail": [{"type": "extra_forbidden", "loc": ["body", "n"], "msg": "Extra inputs are not permitted"}]},
            "unsupported_option",
        ),
        (404, error("No endpoints found that support image input"), "unsupported_capability"),
        (400, error("This model does not support tools"), "unsupported_capability"),
        (400, error("The response was filtered due to our content management policy"), "content_filter"),
        (503, error("The model is overloaded. Please try again later."), "overloaded"),
        (400, error("messages: at least one message is required"), "bad_request"),
        (503, error("The server is currently overloaded with other requests.", type="server_error"), "overloaded"),
        (400, error("Invalid prompt: access is limited for safety reasons.", code="invalid_prompt"), "content_filter"),
        (400, error("Invalid 'messages[0].content': string too long."), "context_window_exceeded"),
        (400, error("Invalid 'user': string too long."), "bad_request"),
        (400, error("image_url is only supported by certain models."), "unsupported_capability"),
        (400, error("max_tokens: 100000 > 8192, the maximum allowed number of output tokens for x"), "bad_request"),
        (400, {"detail": {"message": "Too much", "code": "context_length_exceeded"}}, "context_window_exceeded"),
        (422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "n2"], "msg": "No"}]}, "unsupported_option"),
        # Azure
        (404, error("The API deployment for this resource does not exist.", code="DeploymentNotFound"), "not_found"),
        (429, error("Requests to the ChatCompletions operation have exceeded the limit", code="429"), "rate_limit"),
        (
            400,
            error(
                "The response was filtered",
                code="invalid_request",
                innererror={"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}},
            ),
            "content_filter",
        ),
        (400, error("Filtered", code="server_error", innererror={"code": "content_filter"}), "content_filter"),
        (400, error("The prompt was filtered", code="content_filter", param="prompt"), "content_filter"),
        (400, error("The provider refused", code=503), "bad_request"),
        (
            400,
            error("The chatCompletion operation does not work with x", code="OperationNotSupported"),
            "unsupported_capability",
        ),
        # OpenRouter
        (403, error("Key limit exceeded (total limit). Manage it using ...", code=403), "quota_exceeded"),
        (404, error("No endpoints found that can handle the requested parameters."), "unsupported_option"),
        (402, error("Insufficient credits. Add more at ...", code=402), "quota_exceeded"),
        (403, error("Your input was flagged", code=403, metadata={"reasons": ["violence"]}), "content_filter"),
        (404, error("No allowed providers are available for the selected model", code=404), "not_found"),
        (
            400,
            error(
                "Provider returned error",
                code=400,
                metadata={"raw": json.dumps(error("Too much", code="context_length_exceeded")), "provider_name": "P"},
            ),
            "context_window_exceeded",
        ),
        # Groq
        (400, error("property 'foo' is unsupported"), "unsupported_option"),
        (400, error("'messages.1': the following must be satisfied[property 'x' is unsupported]"), "bad_request"),
        (400, error("`logprobs` is not supported with this model", param="logprobs"), "unsupported_option"),
        (400, error("`tool calling` is not supported with this model"), "unsupported_capability"),
        (400, error("This model does not support response format `json_schema`."), "unsupported_capability"),
        (498, error("Flex tier capacity exceeded", code="capacity_exceeded"), "overloaded"),
        (503, error("x is currently over capacity. Please try again", type="internal_error"), "overloaded"),
        (400, error("The model `x` has been decommissioned", code="model_decommissioned"), "not_found"),
        (
            400,
            error("Failed to call a function.", code="tool_use_failed", failed_generation="<x>"),
            "malformed_response",
        ),
        # Mistral
        (400, {"object": "error", "message": "Image input is not enabled for this model"}, "unsupported_capability"),
        (401, {"message": "Unauthorized", "request_id": "r"}, "authentication"),
        (429, {"object": "error", "message": "Service tier capacity exceeded", "code": "3505"}, "rate_limit"),
        (
            422,
            {"detail": [{"type": "extra_forbidden", "loc": ["body", "n2"], "msg": "Extra inputs are not permitted"}]},
            "unsupported_option",
        ),
        # DeepSeek, Moonshot, xAI
        (400, error("Content Exists Risk", type="invalid_request_error"), "content_filter"),
        (400, error("deepseek-x does not support this tool_choice"), "unsupported_option"),
        (400, error("This response_format type is unavailable now"), "unsupported_capability"),
        (503, error("Service is too busy.", type="service_unavailable_error"), "overloaded"),
        (403, {"code": "no permission", "error": "Your team doesn't have any credits or licenses"}, "quota_exceeded"),
        (400, {"code": "x", "error": "This model's maximum prompt length is 131072"}, "context_window_exceeded"),
        (402, error("Insufficient Balance", type="unknown_error", code="invalid_request_error"), "quota_exceeded"),
        (429, error("The engine is currently overloaded", type="engine_overloaded_error"), "overloaded"),
        (429, error("Your account is suspended", type="exceeded_current_quota_error"), "quota_exceeded"),
        (
            400,
            {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: xa"},
            "authentication",
        ),
        (403, {"code": "no permission", "error": "Content violates usage guidelines."}, "content_filter"),
        (429, {"code": "x", "error": "Your team has used all available credits"}, "quota_exceeded"),
        # Ollama, vLLM, LM Studio, llama.cpp
        (400, error('"x" does not support thinking', type="api_error"), "unsupported_capability"),
        (503, error("server busy, please try again. maximum pending requests exceeded"), "overloaded"),
        (
            400,
            error("The decoder prompt (length 9) is longer than the maximum model length of 8.", code=400),
            "context_window_exceeded",
        ),
        (400, error('"auto" tool choice requires --enable-auto-tool-choice to be set'), "unsupported_capability"),
        (400, error("x is not a multimodal model"), "unsupported_capability"),
        (400, error("At most 0 image(s) may be provided in one prompt."), "unsupported_capability"),
        (400, error("The model does not support Embeddings API"), "unsupported_capability"),
        (400, {"error": "'response_format.type' must be 'json_schema' or 'text'"}, "unsupported_capability"),
        (400, {"error": "No models loaded. Please load a model in the developer page."}, "not_found"),
        (404, error('model "x" not found, try pulling it first', type="api_error"), "not_found"),
        (404, {"object": "error", "message": "The model `x` does not exist.", "code": 404}, "not_found"),
        (
            400,
            {"object": "error", "message": "This model's maximum context length is 4096 tokens.", "code": 400},
            "context_window_exceeded",
        ),
        (400, {"error": "The model is loaded with context length of only 4096 tokens"}, "context_window_exceeded"),
        (
            500,
            error("the request exceeds the available context", type="exceed_context_size_error"),
            "context_window_exceeded",
        ),
        # a LiteLLM proxy
        (503, error("litellm.ServiceUnavailableError: X - Overloaded", code="503"), "overloaded"),
        (
            400,
            error("litellm.ContextWindowExceededError: litellm.BadRequestError: X - too much", code="400"),
            "context_window_exceeded",
        ),
        (400, error("litellm.ContentPolicyViolationError: X - no", code="400"), "content_filter"),
        (400, error("litellm.UnsupportedParamsError: x does not support parameters: ['n']"), "unsupported_option"),
        (400, error("Invalid model name passed in model=x"), "not_found"),
        (400, error("Budget has been exceeded! Current cost: 2", type="budget_exceeded"), "quota_exceeded"),
        (401, error("key not allowed to access model", type="key_model_access_denied"), "permission_denied"),
        # Together, Fireworks, NVIDIA, Gemini, text-generation-inference
        (422, error("`inputs` tokens + `max_new_tokens` must be <= 4097."), "context_window_exceeded"),
        (400, error("x is not supported for JSON mode/function calling"), "unsupported_capability"),
        (412, error("Account x is suspended, possibly due to reaching the monthly spending limit"), "quota_exceeded"),
        (410, {"title": "Gone", "detail": "The model 'x' is no longer available."}, "not_found"),
        (
            400,
            [error("The input token count (9) exceeds the maximum number of tokens allowed (8).", code=400)],
            "context_window_exceeded",
        ),
        (429, {"error": "Model is overloaded", "error_type": "overloaded"}, "overloaded"),
    ],
)
def test_a_recorded_refusal_has_its_kind(status: int, body: object, kind: str):
    assert read(status, body).kind == kind


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"message": "Bad messages", "type": "invalid_request_error", "code": None}, "bad_request"),
        ({"message": "Bad messages", "type": "BadRequestError", "code": 400}, "bad_request"),
        ({"message": "No answer to call", "type": "invalid_request_error", "status_code": 429}, "rate_limit"),
        ({"message": "The prompt exceeds the model's context length", "code": None}, "context_window_exceeded"),
        ("The model is overloaded", "overloaded"),
        ({"message": "The server had an error", "type": "server_error"}, "server_error"),
        ("Something happened", "server_error"),
    ],
)
def test_an_error_in_a_success_is_known_by_its_names_and_words(said: object, kind: str):
    assert fault_of_error(said, Answer(200, {}, b"")).kind == kind


def test_a_recorded_refusal_has_the_providers_sentence_and_how_long_to_wait():
    fault = read(429, error("Rate limit reached.", code="rate_limit_exceeded"), **{"retry-after": "2"})
    assert (fault.message, fault.retry_after) == ("Rate limit reached.", 2.0)


def test_how_long_to_wait_is_read_whatever_the_status():
    assert read(500, b"", **{"retry-after-ms": "1500"}).retry_after == 1.5


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"retry-after": "20", "x-ratelimit-reset-requests": "6m0s"}, 20.0),
        (429, {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360.0),
        (429, {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20ms"}, 0.02),
        (400, {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, None),
    ],
)
def test_a_used_up_limit_says_how_long_to_wait(status: int, headers: dict, seconds: float | None):
    assert read(status, error("Quota exceeded: requests per minute"), **headers).retry_after == seconds


def test_a_router_passes_on_when_its_limit_begins_anew():
    metadata = {
        "headers": {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2000000007000"}
    }
    body = error("Rate limit exceeded: free-models-per-min", code=429, metadata=metadata)
    fault = read_fault(Answer(429, {}, json.dumps(body).encode(), 2_000_000_000.0))
    assert (fault.kind, fault.retry_after) == ("rate_limit", 7.0)


def test_the_items_of_a_list_of_details_are_joined():
    detail = [
        {"type": "missing", "loc": ["body", "messages"], "msg": "Field required"},
        {"type": "int_parsing", "loc": ["body", "n"], "msg": "Input should be a valid integer"},
    ]
    fault = read(422, {"detail": detail})
    assert fault.message == "body.messages: Field required; body.n: Input should be a valid integer"
    assert fault.kind == "bad_request"


def test_a_router_passes_on_what_the_provider_behind_it_said():
    metadata = {"raw": json.dumps(error("Input is too long", type="x")), "provider_name": "P"}
    fault = read(400, error("Provider returned error", code=400, metadata=metadata))
    assert fault.message == "Provider returned error: Input is too long"
    assert fault.kind == "context_window_exceeded"


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (503, b"", "the provider gave no reason (Service Unavailable)"),
        (529, b"{}", "the provider gave no reason (HTTP 529)"),
        (500, b'{"half', "the provider gave no reason (Internal Server Error)"),
        (502, b"<html><title>502 Bad Gateway</title>", "502 Bad Gateway"),
    ],
)
def test_a_refusal_without_words_is_told_by_its_status(status: int, body: bytes, message: str):
    assert read(status, body).message == message


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        ({"code": 429}, "rate_limit", "the provider gave no reason (Too Many Requests)"),
        ({"code": "odd"}, "server_error", "the provider gave no reason"),
        (True, "server_error", "the provider gave no reason"),
    ],
)
def test_an_error_without_words_in_a_success_is_not_told_as_one(error: object, kind: str, message: str):
    fault = fault_of_error(error, Answer(200, {}, b""))
    assert (fault.kind, fault.message) == (kind, message)


def test_a_message_is_bounded_and_never_shows_the_key():
    fault = read(401, error("x" * 480 + " bad key: sk-secret-key " + "y" * 480))
    assert len(fault.message) <= 500
    assert "sk-" not in fault.message


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://login.example.com/x?key=1", "redirects to host 'login.example.com'"),
        ("/elsewhere", "redirects to another path"),
        ("http://[", "redirects to another path"),
    ],
)
def test_a_redirect_is_a_malformed_answer_that_names_the_host(location: str, words: str):
    fault = read(302, b"", location=location)
    assert fault.kind == "malformed_response"
    assert words in fault.message
    assert "key=1" not in fault.message


def test_a_sentence_without_end_takes_no_time():
    began = time.process_time()
    for words in ("model ", "content ", "option ", "prompt is not "):
        assert read(400, error(words * 50_000)).kind == "bad_request"
    assert time.process_time() - began < 10
