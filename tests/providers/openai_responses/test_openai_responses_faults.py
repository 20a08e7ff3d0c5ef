from __future__ import annotations

import json
import time
from typing import get_args

import pytest
from openai.types.responses import ResponseError

from routebook.providers.answer import Answer
from routebook.providers.openai_responses.faults import fault_of_error, read_fault


def read(status: int, body: object, **headers: str):
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_fault(Answer(status, headers, payload, 0.0, ("sk-secret-key",)))


def error(message: str, **fields: object) -> dict:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **fields}}


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        # OpenAI: the key, the account, the model
        ("authentication", 401, error("Incorrect API key provided: sk-abc.", code="invalid_api_key")),
        ("authentication", 401, error("Missing bearer or basic authentication in header")),
        ("permission_denied", 403, error("Country not supported", code="unsupported_country_region_territory")),
        ("permission_denied", 403, error("You have insufficient permissions for this operation.")),
        ("quota_exceeded", 429, error("You exceeded your current quota.", code="insufficient_quota")),
        ("quota_exceeded", 429, error("Billing hard limit has been reached", code="billing_hard_limit_reached")),
        ("rate_limit", 429, error("Rate limit reached for gpt-x on tokens per min", code="rate_limit_exceeded")),
        ("not_found", 404, error("The model `x` does not exist", code="model_not_found")),
        ("not_found", 400, error("The requested model 'x' does not exist.", code="model_not_found")),
        ("not_found", 400, error("The requested model 'gpt-x' is not supported with the Responses API.")),
        # OpenAI: options
        (
            "unsupported_option",
            400,
            error("Unsupported parameter: 'temperature' is not supported with this model.", param="temperature"),
        ),
        (
            "unsupported_option",
            400,
            error("Unsupported value: 'reasoning.effort' does not support 'max'.", code="unsupported_value"),
        ),
        (
            "unsupported_option",
            400,
            error(
                "Your organization must be verified to generate reasoning summaries.",
                param="reasoning.summary",
                code="unsupported_value",
            ),
        ),
        ("unsupported_option", 400, error("Unknown parameter: 'seed'.", code="unknown_parameter")),
        ("unsupported_option", 400, error("Unknown parameter: 'input[1].status'.", code="unknown_parameter")),
        ("unsupported_capability", 400, error("Encrypted content is not supported with this model.", param="include")),
        ("bad_request", 400, error("Invalid 'max_output_tokens': integer below minimum value.", code="x")),
        ("bad_request", 400, error("Invalid schema for response_format 'o'", code="invalid_json_schema")),
        ("bad_request", 400, error("Tool choice 'required' must be specified with 'tools' parameter.")),
        # OpenAI: items
        (
            "bad_request",
            404,
            error(
                "Item with id 'rs_1' not found. Items are not persisted when `store` is set to false.", param="input"
            ),
        ),
        (
            "bad_request",
            400,
            error("Item 'rs_1' of type 'reasoning' was provided without its required following item."),
        ),
        (
            "bad_request",
            400,
            error("Item 'fc_1' of type 'function_call' was provided without its required 'reasoning'"),
        ),
        (
            "bad_request",
            400,
            error("The encrypted content gA...= could not be verified.", code="invalid_encrypted_content"),
        ),
        ("bad_request", 400, error("No tool output found for function call call_1.", param="input")),
        ("bad_request", 400, error("Invalid 'input[2].call_id': string too long.", code="string_above_max_length")),
        (
            "bad_request",
            400,
            error("Previous response with id 'resp_1' not found.", code="previous_response_not_found"),
        ),
        ("bad_request", 400, error("Error while downloading https://a.test/a.png.", code="failed_to_download_image")),
        ("bad_request", 400, error("You uploaded an unsupported image.", code="unsupported_image_media_type")),
        ("context_window_exceeded", 400, error("Your input exceeds the limit.", code="context_length_exceeded")),
        ("context_window_exceeded", 400, error("Your input exceeds the context window of this model.")),
        # OpenAI: what must not be said
        ("content_filter", 400, error("Invalid prompt: your prompt was flagged.", code="invalid_prompt")),
        ("content_filter", 400, error("This content was flagged.", code="bio_policy")),
        ("content_filter", 400, error("Blocked.", code="misalignment_policy_violation")),
        ("content_filter", 400, error("Blocked.", code="image_content_policy_violation")),
        ("content_filter", 400, error("Blocked.", code="cyber_policy_violation")),
        # OpenAI: its own trouble
        ("server_error", 500, error("The server had an error", type="server_error")),
        ("overloaded", 503, error("The server is currently overloaded with other requests.", type="server_error")),
        ("overloaded", 503, error("Slow down", code="slow_down")),
        ("timeout", 504, b"<html><title>504 Gateway Time-out</title></html>"),
        # Azure
        ("not_found", 404, error("The API deployment for this resource does not exist.", code="DeploymentNotFound")),
        ("rate_limit", 429, error("Requests to the Responses operation have exceeded the limit", code="429")),
        (
            "content_filter",
            400,
            error(
                "The prompt was filtered", code="content_filter", innererror={"code": "ResponsibleAIPolicyViolation"}
            ),
        ),
        ("authentication", 401, error("Access denied due to invalid subscription key", code="401")),
        ("not_found", 404, error("Resource not found", code="404")),
        # OpenRouter
        ("quota_exceeded", 402, {"error": {"code": 402, "message": "Insufficient credits."}}),
        (
            "context_window_exceeded",
            400,
            {
                "error": {
                    "code": 400,
                    "message": "Provider returned error",
                    "metadata": {"raw": json.dumps(error("prompt is too long"))},
                }
            },
        ),
        # vLLM, Ollama, LM Studio, Groq
        (
            "not_found",
            404,
            {"error": {"message": "The model `x` does not exist.", "type": "NotFoundError", "code": 404}},
        ),
        (
            "context_window_exceeded",
            400,
            {"error": {"message": "This model's maximum context length is 4096 tokens.", "type": "BadRequestError"}},
        ),
        ("not_found", 404, {"error": {"message": 'model "x" not found, try pulling it first', "type": "api_error"}}),
        ("unsupported_capability", 400, {"error": {"message": "x does not support tools", "type": "api_error"}}),
        ("not_found", 400, {"error": "No models loaded. Please load a model in the developer page."}),
        ("malformed_response", 400, error("Failed to call a function.", code="tool_use_failed")),
        ("bad_request", 422, {"detail": [{"type": "missing", "loc": ["body", "input"], "msg": "Field required"}]}),
        # the status, where nothing better is known
        ("authentication", 401, b""),
        ("not_found", 404, b""),
        ("overloaded", 529, error("Overloaded")),
        ("server_error", 503, error("Service unavailable")),
    ],
)
def test_a_recorded_refusal_has_its_kind(kind: str, status: int, body: object):
    assert read(status, body).kind == kind


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("server_error", {"code": "server_error", "message": "An error occurred while processing your request."}),
        ("rate_limit", {"code": "rate_limit_exceeded", "message": "Requests have exceeded token rate limit."}),
        ("content_filter", {"code": "invalid_prompt", "message": "Invalid prompt."}),
        ("content_filter", {"code": "bio_policy", "message": "No."}),
        ("permission_denied", {"code": "data_residency_mismatch", "message": "No."}),
        ("timeout", {"code": "vector_store_timeout", "message": "The vector store took too long."}),
        ("bad_request", {"code": "invalid_image", "message": "No image."}),
        ("bad_request", {"code": "invalid_image_format", "message": "No image."}),
        ("bad_request", {"code": "invalid_base64_image", "message": "No image."}),
        ("bad_request", {"code": "invalid_image_url", "message": "No image."}),
        ("bad_request", {"code": "invalid_image_mode", "message": "No image."}),
        ("bad_request", {"code": "image_too_large", "message": "No image."}),
        ("bad_request", {"code": "image_too_small", "message": "No image."}),
        ("bad_request", {"code": "image_parse_error", "message": "No image."}),
        ("bad_request", {"code": "image_file_too_large", "message": "No image."}),
        ("bad_request", {"code": "image_file_not_found", "message": "No image."}),
        ("bad_request", {"code": "empty_image_file", "message": "No image."}),
        ("bad_request", {"code": "failed_to_download_image", "message": "No image."}),
        ("bad_request", {"code": "unsupported_image_media_type", "message": "No image."}),
        ("content_filter", {"code": "image_content_policy_violation", "message": "No image."}),
        ("content_filter", {"code": "misalignment_policy_violation", "message": "No."}),
        ("context_window_exceeded", {"code": "context_length_exceeded", "message": "Too long."}),
        ("quota_exceeded", {"code": "insufficient_quota", "message": "No money."}),
        ("overloaded", {"code": "server_is_overloaded", "message": "Our servers are currently overloaded."}),
        ("overloaded", "The model is overloaded"),
        ("rate_limit", {"message": "Slow down", "code": 429}),
        ("server_error", "Something happened"),
    ],
)
def test_an_answer_that_failed_on_the_way_is_known_by_its_code_and_words(kind: str, said: object):
    assert fault_of_error(said, Answer(200, {}, b"")).kind == kind


def test_every_code_of_openais_types_is_known():
    codes = get_args(ResponseError.model_fields["code"].annotation)
    kinds = {code: fault_of_error({"code": code, "message": "x"}, Answer(200, {}, b"")).kind for code in codes}
    assert [code for code, kind in kinds.items() if kind == "server_error"] == ["server_error"]


def test_a_recorded_refusal_has_the_providers_sentence_and_how_long_to_wait():
    fault = read(429, error("Rate limit reached.", code="rate_limit_exceeded"), **{"retry-after": "2"})
    assert (fault.message, fault.retry_after) == ("Rate limit reached.", 2.0)


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"retry-after": "20", "x-ratelimit-reset-requests": "6m0s"}, 20.0),
        (429, {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360.0),
        (429, {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20ms"}, 0.02),
        (500, {"retry-after-ms": "1500"}, 1.5),
        (400, {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, None),
    ],
)
def test_a_used_up_limit_says_how_long_to_wait(status: int, headers: dict, seconds: float | None):
    assert read(status, error("Too many requests per minute"), **headers).retry_after == seconds


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


def test_a_message_is_bounded_and_never_shows_the_key():
    fault = read(401, error("x" * 480 + " bad key: sk-secret-key " + "y" * 480))
    assert len(fault.message) <= 500
    assert "sk-" not in fault.message


def test_a_redirect_is_a_malformed_answer_that_names_the_host():
    fault = read(302, b"", location="https://login.example.com/x?key=1")
    assert fault.kind == "malformed_response"
    assert "redirects to host 'login.example.com'" in fault.message


def test_a_sentence_without_end_takes_no_time():
    began = time.process_time()
    for words in ("model ", "content ", "Item with id ", "Item '", "prompt is not "):
        assert read(400, error(words * 50_000)).kind == "bad_request"
    assert time.process_time() - began < 10
