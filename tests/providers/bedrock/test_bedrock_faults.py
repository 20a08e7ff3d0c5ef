from __future__ import annotations

import json
from typing import Any

import pytest

from routebook.providers.answer import Answer
from routebook.providers.bedrock.faults import fault_of_error, read_fault

KEY = "bedrock-api-key-0123456789"


def answer_of(status: int, body: Any, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, content, 0.0, (KEY,))


REFUSALS = [
    # status, name, sentence, kind
    (403, "UnrecognizedClientException", "The security token included in the request is invalid.", "authentication"),
    (403, "ExpiredTokenException", "The security token included in the request is expired", "authentication"),
    (403, "InvalidSignatureException", "Signature expired: 20261121T1 is now earlier than", "authentication"),
    (403, "SignatureDoesNotMatch", "The request signature we calculated does not match.", "authentication"),
    (403, "IncompleteSignatureException", "Authorization header requires 'Credential'.", "authentication"),
    (403, "MissingAuthenticationTokenException", "Missing Authentication Token", "authentication"),
    (403, "InvalidClientTokenId", "The token is invalid.", "authentication"),
    (403, "AccessDeniedException", "Authentication failed: Please make sure your API Key is valid.", "authentication"),
    (403, "AccessDeniedException", "Bearer Token has expired", "authentication"),
    (403, "AccessDeniedException", "Invalid API Key format: Must start with pre-defined prefix", "authentication"),
    (403, "", "The security token included in the request is invalid.", "authentication"),
    (401, "", "Unauthorized", "authentication"),
    (
        403,
        "AccessDeniedException",
        "You don't have access to the model with the specified model ID.",
        "permission_denied",
    ),
    (
        403,
        "AccessDeniedException",
        "User: arn:aws:iam::123456789012:user/a is not authorized to perform: bedrock:InvokeModel on resource: x",
        "permission_denied",
    ),
    (403, "AccessDeniedException", "Model access is denied due to INVALID_PAYMENT_INSTRUMENT", "permission_denied"),
    (403, "OptInRequired", "You are not subscribed to this service", "permission_denied"),
    (400, "ValidationException", "Operation not allowed", "permission_denied"),
    (
        404,
        "ResourceNotFoundException",
        "Model use case details have not been submitted for this account. Fill out the form.",
        "permission_denied",
    ),
    (404, "ResourceNotFoundException", "Could not resolve the foundation model from the identifier.", "not_found"),
    (404, "ResourceNotFoundException", "This model version has reached the end of its life.", "not_found"),
    (404, "UnknownOperationException", "", "not_found"),
    (400, "ValidationException", "The provided model identifier is invalid.", "not_found"),
    (
        400,
        "ValidationException",
        "Invocation of model ID anthropic.claude-x-v1:0 with on-demand throughput isn\u2019t supported. Retry your "
        "request with the ID or ARN of an inference profile that contains this model.",
        "not_found",
    ),
    (429, "ThrottlingException", "Too many requests, please wait before trying again.", "rate_limit"),
    (429, "ThrottlingException", "Too many tokens, please wait before trying again.", "rate_limit"),
    (429, "ThrottlingException", "Too many tokens per day, please wait before trying again.", "quota_exceeded"),
    (429, "ThrottlingException", "Your request was denied: the model is at capacity.", "overloaded"),
    (400, "ServiceQuotaExceededException", "Your request exceeds the service quota.", "quota_exceeded"),
    (429, "ModelNotReadyException", "Model is not ready for inference.", "overloaded"),
    (408, "ModelTimeoutException", "Model has timed out in processing the request.", "timeout"),
    (503, "ServiceUnavailableException", "Bedrock is unable to process your request.", "server_error"),
    (503, "ServiceUnavailableException", "Too much demand: the service is overloaded.", "overloaded"),
    (500, "InternalServerException", "The system encountered an unexpected error.", "server_error"),
    (400, "ValidationException", "Input is too long for requested model.", "context_window_exceeded"),
    (
        400,
        "ValidationException",
        "The model returned the following errors: prompt is too long: 210000 tokens > 200000 maximum",
        "context_window_exceeded",
    ),
    (
        400,
        "ValidationException",
        "The model returned the following errors: input length and `max_tokens` exceed context limit: 1 + 2 > 2",
        "context_window_exceeded",
    ),
    (
        400,
        "ValidationException",
        "Too many input tokens. Max input tokens: 8192, request input token count: 9000",
        "context_window_exceeded",
    ),
    (
        400,
        "ValidationException",
        "Input Tokens Exceeded: Number of input tokens exceeds maximum length. Please update the input.",
        "context_window_exceeded",
    ),
    (
        400,
        "ValidationException",
        "The maximum tokens you requested exceeds the model limit of 4096. Try again with a maximum tokens value.",
        "bad_request",
    ),
    (400, "ValidationException", "This model doesn't support tool use.", "unsupported_capability"),
    (400, "ValidationException", "This model doesn't support tool use in streaming mode.", "unsupported_capability"),
    (400, "ValidationException", "This model doesn't support system messages.", "unsupported_capability"),
    (
        400,
        "ValidationException",
        "This model doesn't support the image content block that you provided. Update the content block.",
        "unsupported_capability",
    ),
    (400, "ValidationException", "This model doesn't support documents. Remove them.", "unsupported_capability"),
    (400, "ValidationException", "This model does not support prompt caching.", "unsupported_capability"),
    (
        400,
        "ValidationException",
        "This model doesn't support the toolConfig.toolChoice.any field. Remove it and try again.",
        "unsupported_option",
    ),
    (
        400,
        "ValidationException",
        "This model doesn't support the stopSequences field. Remove stopSequences and try again.",
        "unsupported_option",
    ),
    (
        400,
        "ValidationException",
        "Malformed input request: #: extraneous key [effort] is not permitted, please reformat your input.",
        "unsupported_option",
    ),
    (
        400,
        "ValidationException",
        "Extended TTL prompt caching is only supported for Anthropic models",
        "unsupported_option",
    ),
    (
        400,
        "ValidationException",
        "The model returned the following errors: `temperature` and `top_p` cannot both be specified for this model.",
        "unsupported_option",
    ),
    (
        400,
        "ValidationException",
        "The model returned the following errors: Output blocked by content filtering policy",
        "content_filter",
    ),
    (400, "ValidationException", "This request has been blocked by our content filters.", "content_filter"),
    (
        400,
        "ValidationException",
        "The text field in the ContentBlock object at messages.0.content.0 is blank.",
        "bad_request",
    ),
    (400, "ValidationException", "A conversation must start with a user message. Try again.", "bad_request"),
    (
        400,
        "ValidationException",
        "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
        "bad_request",
    ),
    (400, "ValidationException", "The guardrail identifier or version provided does not exist.", "bad_request"),
]


def test_there_are_forty_refusals_and_more():
    assert len(REFUSALS) >= 40


@pytest.mark.parametrize(("status", "name", "sentence", "kind"), REFUSALS)
def test_a_refusal_is_known_by_its_name_and_its_words(status: int, name: str, sentence: str, kind: str):
    """The name stands in a header, with or without an address behind it; or in the body, with a service before it."""
    headers = {"x_amzn_errortype": f"{name}:http://internal.amazon.com/coral/com.amazon.bedrock/"} if name else {}
    in_header = read_fault(answer_of(status, {"message": sentence}, **headers))
    in_body = read_fault(answer_of(status, {"__type": f"com.amazon.bedrock#{name}", "Message": sentence}))
    assert (in_header.kind, in_body.kind) == (kind, kind)
    assert in_header.message == (sentence or in_header.message)
    assert in_body.message == in_header.message


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"message": "No.", "originalStatusCode": 400, "resourceName": "m"}, "bad_request"),
        ({"message": "prompt is too long", "originalStatusCode": 400}, "context_window_exceeded"),
        ({"message": "No.", "originalStatusCode": 429}, "rate_limit"),
        ({"message": "No.", "originalStatusCode": 503}, "server_error"),
        ({"message": "No.", "originalStatusCode": 200}, "server_error"),
        ({"message": "No.", "originalStatusCode": "400"}, "server_error"),
        ({"message": "No."}, "server_error"),
        (b"", "server_error"),
    ],
)
def test_where_the_models_server_failed_its_own_status_counts(body: Any, kind: str):
    assert read_fault(answer_of(424, body, x_amzn_errortype="ModelErrorException")).kind == kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"__type": "throttlingException", "message": "Slow."}, "rate_limit"),
        (
            {"__type": "validationException", "message": "Input is too long for requested model."},
            "context_window_exceeded",
        ),
        ({"__type": "modelNotReadyException", "message": "No."}, "overloaded"),
        ({"__type": "expiredTokenException", "message": "No."}, "authentication"),
        ({"__type": "whatever", "message": "No."}, "server_error"),
        ({"message": "No."}, "server_error"),
        (None, "server_error"),
        ("No.", "server_error"),
    ],
)
def test_an_error_within_a_success_is_known_as_one_by_itself(error: Any, kind: str):
    assert fault_of_error(error, answer_of(200, b"")).kind == kind


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (502, b"<html><head><title>502 Bad Gateway</title></head></html>", "server_error", "502 Bad Gateway"),
        (503, b"", "server_error", "the provider gave no reason (Service Unavailable)"),
        (413, b"", "context_window_exceeded", "the provider gave no reason (Request Entity Too Large)"),
        (404, {"detail": "Not Found"}, "not_found", "Not Found"),
        (404, {"Output": {"__type": "com.amazon.coral.service#UnknownOperationException"}, "Version": "1.0"},
         "not_found", "the provider gave no reason (Not Found)"),
        (400, {"error": {"code": "ValidationException", "message": "No."}}, "bad_request", "No."),
        (400, {"message": None, "Message": " "}, "bad_request", "the provider gave no reason (Bad Request)"),
        (400, [1], "bad_request", "the provider gave no reason (Bad Request)"),
    ],
)  # fmt: skip
def test_other_shapes_of_a_refusal_are_read(status: int, body: Any, kind: str, message: str):
    fault = read_fault(answer_of(status, body))
    assert (fault.kind, fault.message) == (kind, message)


def test_the_wait_is_read_whatever_the_status():
    assert read_fault(answer_of(503, {"message": "No."}, retry_after="7")).retry_after == 7
    assert read_fault(answer_of(429, {"message": "No."}, retry_after="nan")).retry_after is None


def test_a_redirect_is_no_answer_and_a_key_is_not_repeated():
    redirect = read_fault(answer_of(307, b"", location="https://elsewhere.example/model/m/converse"))
    assert (redirect.kind, "elsewhere.example" in redirect.message) == ("malformed_response", True)
    refusal = read_fault(answer_of(403, {"Message": f"Bearer Token has expired: {KEY}"}))
    assert (refusal.kind, KEY in refusal.message) == ("authentication", False)
