from __future__ import annotations

import json
from typing import Any

import pytest

from routebook.providers.answer import Answer
from routebook.providers.anthropic.faults import fault_of_error, read_fault

KEY = "sk-ant-0123456789"


def answer_of(status: int, body: Any, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, content, 0.0, (KEY,))


def error(kind: str, message: str, **details: Any) -> dict[str, Any]:
    more = {"details": details} if details else {}
    return {"type": "error", "error": {"type": kind, "message": message, **more}, "request_id": "req_1"}


@pytest.mark.parametrize(
    ("status", "type_", "kind"),
    [
        (401, "authentication_error", "authentication"),
        (402, "billing_error", "quota_exceeded"),
        (403, "permission_error", "permission_denied"),
        (404, "not_found_error", "not_found"),
        (413, "request_too_large", "context_window_exceeded"),
        (429, "rate_limit_error", "rate_limit"),
        (500, "api_error", "server_error"),
        (504, "timeout_error", "timeout"),
        (529, "overloaded_error", "overloaded"),
        (400, "invalid_request_error", "bad_request"),
        (409, "conflict_error", "bad_request"),
        # the type is more than the status
        (500, "overloaded_error", "overloaded"),
        (400, "authentication_error", "authentication"),
        # and the status more than a type that says nothing
        (529, "api_error", "overloaded"),
        (418, "something_new", "bad_request"),
    ],
)
def test_a_refusal_is_known_by_its_type_before_its_status(status: int, type_: str, kind: str):
    fault = read_fault(answer_of(status, error(type_, "No.")))
    assert (fault.kind, fault.message) == (kind, "No.")


@pytest.mark.parametrize(
    ("status", "type_", "code", "kind"),
    [
        (429, "rate_limit_error", "enforced_spend_limit_reached", "quota_exceeded"),
        (429, "rate_limit_error", "contract_spend_limit_reached", "quota_exceeded"),
        (429, "rate_limit_error", "ramp_limit_exceeded", "rate_limit"),
        (402, "billing_error", "linked_organization_spend_limit_reached", "quota_exceeded"),
        (400, "invalid_request_error", "organization_on_hold", "permission_denied"),
        (400, "invalid_request_error", "image_dimensions_too_large", "bad_request"),
    ],
)
def test_a_code_says_more_than_the_type(status: int, type_: str, code: str, kind: str):
    assert read_fault(answer_of(status, error(type_, "No.", error_code=code))).kind == kind


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "context_length_exceeded", "context_window_exceeded"),
        (429, "insufficient_quota", "quota_exceeded"),
        (400, "model_not_found", "not_found"),
        (400, "invalid_api_key", "authentication"),
        (400, "400", "bad_request"),
    ],
)
def test_a_proxys_code_is_known_where_another_api_has_it(status: int, code: str, kind: str):
    body = {"error": {"type": "invalid_request_error", "message": "No.", "param": None, "code": code}}
    assert read_fault(answer_of(status, body)).kind == kind


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("prompt is too long: 210000 tokens > 200000 maximum", "context_window_exceeded"),
        (
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length",
            "context_window_exceeded",
        ),
        ("messages: too many total text bytes: 10485761 > 9000000", "context_window_exceeded"),
        ("litellm.ContextWindowExceededError: m-1 refused", "context_window_exceeded"),
        ("max tokens must be at least 1", "bad_request"),
        ("max_tokens: 99999 > 64000, which is the maximum allowed number of output tokens for m-1", "bad_request"),
        ("`max_tokens` must be greater than `thinking.budget_tokens`.", "bad_request"),
        ("Your credit balance is too low to access the Anthropic API.", "quota_exceeded"),
        (
            "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
            "quota_exceeded",
        ),
        ("This organization has been disabled.", "permission_denied"),
        ("temperature: Extra inputs are not permitted", "unsupported_option"),
        ("`temperature` is deprecated for this model.", "unsupported_option"),
        ('"thinking.type.enabled" is not supported for this model. Use adaptive.', "unsupported_option"),
        ("adaptive thinking is not supported on this model", "unsupported_option"),
        ("This model does not support the effort parameter.", "unsupported_option"),
        ("Thinking may not be enabled when tool_choice forces tool use.", "unsupported_option"),
        ("Model m-1 is not supported", "not_found"),
        ("'m-1' does not support image input", "unsupported_capability"),
        ("'m-1' does not support output format.", "unsupported_capability"),
        ("This model does not support assistant message prefill.", "unsupported_capability"),
        ("Output blocked by content filtering policy", "content_filter"),
        ("messages: at least one message is required", "bad_request"),
        ("messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: a", "bad_request"),
    ],
)
def test_a_bad_request_is_known_by_its_words(message: str, kind: str):
    fault = read_fault(answer_of(400, error("invalid_request_error", message)))
    assert (fault.kind, fault.message) == (kind, message)


@pytest.mark.parametrize("type_", ["invalid_request_error", "api_error", "overloaded_error"])
def test_an_error_within_a_success_is_known_as_one_by_itself(type_: str):
    whole = answer_of(200, b"")
    kinds = {"invalid_request_error": "context_window_exceeded", "api_error": "server_error"}
    found = fault_of_error({"type": type_, "message": "prompt is too long: 2 tokens > 1 maximum"}, whole)
    assert found.kind == kinds.get(type_, "overloaded")


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (502, b"<html><head><title>502 Bad Gateway</title></head></html>", "server_error", "502 Bad Gateway"),
        (503, b"", "server_error", "the provider gave no reason (Service Unavailable)"),
        (503, {"error": "Overloaded"}, "overloaded", "Overloaded"),
        (404, {"detail": "Not Found"}, "not_found", "Not Found"),
        (422, {"detail": [{"loc": ["body", "model"], "msg": "missing"}]}, "bad_request", "body.model: missing"),
        (500, {"error": None, "type": ["odd"]}, "server_error", "the provider gave no reason (Internal Server Error)"),
        (400, [1], "bad_request", "the provider gave no reason (Bad Request)"),
    ],
)
def test_other_shapes_of_a_refusal_are_read(status: int, body: Any, kind: str, message: str):
    fault = read_fault(answer_of(status, body))
    assert (fault.kind, fault.message) == (kind, message)


def test_the_wait_is_read_whatever_the_status():
    assert read_fault(answer_of(529, error("overloaded_error", "No."), retry_after="7")).retry_after == 7
    assert read_fault(answer_of(429, error("rate_limit_error", "No."), retry_after="nan")).retry_after is None


def test_a_limit_that_is_used_up_says_when_it_begins_anew():
    headers = {
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": "1970-01-01T00:00:20Z",
    }
    assert read_fault(answer_of(429, error("rate_limit_error", "No."), **headers)).retry_after == 20
    assert fault_of_error({"type": "rate_limit_error"}, answer_of(200, b"", **headers)).retry_after == 20


def test_a_redirect_is_no_answer_and_a_key_is_not_repeated():
    redirect = read_fault(answer_of(307, b"", location="https://elsewhere.example/v1/messages"))
    assert (redirect.kind, "elsewhere.example" in redirect.message) == ("malformed_response", True)
    refusal = read_fault(answer_of(401, error("authentication_error", f"invalid x-api-key: {KEY}")))
    assert KEY not in refusal.message
