"""Exceptions of the library's own making become kinds, by their classes and by the provider's answer at the root."""

from __future__ import annotations

import json
import socket

import aiohttp
import httpcore
import httpx
import litellm
import openai
import pytest
from litellm import exceptions as raises

from routebook.errors import FaultKind
from routebook.providers.answer import Answer
from routebook.providers.fault import Fault
from routebook.providers.litellm.faults import cleaned, fault_of_error, read_fault, unanswered, was_sent
from routebook.providers.litellm.raised import Raised, raised
from routebook.routing.provider_spec import Timeouts

MADE_UP = httpx.Response(500, request=httpx.Request("POST", "https://litellm.ai"))
NAMES = {"model": "m-1", "llm_provider": "house"}


def by_class(error: Exception) -> Fault:
    found = raised(error)
    assert found.status is None
    return unanswered(found, Timeouts(), ("sk-secret-key",))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (raises.AuthenticationError("no", **NAMES), "authentication"),
        (raises.PermissionDeniedError("no", response=MADE_UP, **NAMES), "permission_denied"),
        (raises.NotFoundError("no", **NAMES), "not_found"),
        (raises.BadRequestError("no", **NAMES), "bad_request"),
        (raises.UnprocessableEntityError("no", response=MADE_UP, **NAMES), "bad_request"),
        (raises.ContextWindowExceededError("no", **NAMES), "context_window_exceeded"),
        (raises.ContentPolicyViolationError("no", **NAMES), "content_filter"),
        (raises.RejectedRequestError("no", request_data={}, **NAMES), "bad_request"),
        (raises.UnsupportedParamsError("no", **NAMES), "unsupported_option"),
        (raises.RateLimitError("no", **NAMES), "rate_limit"),
        (raises.Timeout("no", **NAMES), "timeout"),
        (raises.ServiceUnavailableError("no", **NAMES), "server_error"),
        (raises.InternalServerError("no", **NAMES), "server_error"),
        (raises.BadGatewayError("no", **NAMES), "server_error"),
        (raises.APIResponseValidationError("no", **NAMES), "malformed_response"),
        (raises.JSONSchemaValidationError("m-1", "house", "{}", "{}"), "malformed_response"),
        (raises.BudgetExceededError(2.0, 1.0), "quota_exceeded"),
        (raises.APIConnectionError("no", **NAMES), "malformed_response"),
        (raises.APIError(500, "no", **NAMES), "malformed_response"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_exception_without_an_answer_is_told_by_its_class(error: Exception, kind: FaultKind):
    assert by_class(error).kind == kind


def test_every_class_of_the_library_is_known_by_itself_or_by_one_that_it_is_derived_from():
    unknown = [
        kind.__name__
        for kind in litellm.LITELLM_EXCEPTION_TYPES
        if unanswered(Raised(tuple(c.__name__ for c in kind.__mro__), "no"), Timeouts(), ()).kind
        == "malformed_response"
    ]
    # These say that the answer cannot be used, or nothing.
    assert sorted(unknown) == [
        "APIConnectionError",
        "APIError",
        "APIResponseValidationError",
        "JSONSchemaValidationError",
        "OpenAIError",
    ]


def chained(error: Exception, cause: BaseException) -> Exception:
    """*error* as it is raised while *cause* is handled."""
    try:
        try:
            raise cause
        except type(cause):
            raise error  # noqa: B904, as the library does
    except type(error) as caught:
        return caught


def refused(status: int, body: bytes, **headers: str) -> httpx.HTTPStatusError:
    request = httpx.Request("POST", "https://a.test")
    return httpx.HTTPStatusError("x", request=request, response=httpx.Response(status, content=body, headers=headers))


@pytest.mark.parametrize(
    ("status", "names", "error", "kind"),
    [
        (401, {}, raises.APIConnectionError("x", **NAMES), "authentication"),
        (429, {"code": "insufficient_quota"}, raises.RateLimitError("x", **NAMES), "quota_exceeded"),
        (400, {}, raises.ContextWindowExceededError("x", **NAMES), "context_window_exceeded"),
        (400, {"type": "overloaded_error"}, raises.BadRequestError("x", **NAMES), "overloaded"),
        (503, {}, raises.ServiceUnavailableError("x", **NAMES), "server_error"),
        (529, {}, raises.InternalServerError("x", **NAMES), "overloaded"),
    ],
)
def test_the_providers_own_answer_at_the_root_tells_more_than_the_class(status, names, error, kind):
    body = json.dumps({"error": {"message": "Wrong key", **names}}).encode()
    found = raised(chained(error, refused(status, body, **{"Retry-After": "7", "X-Request-Id": "req_1"})))
    assert (found.status, found.headers["retry-after"], found.headers["x-request-id"]) == (status, "7", "req_1")
    fault = fault_of_error(found.to_dict(), Answer(status, found.headers, b""))
    assert (fault.kind, fault.message, fault.retry_after) == (kind, "Wrong key", 7.0)


def test_an_exception_that_another_one_carries_is_told_by_that():
    inner = chained(
        raises.RateLimitError("litellm.RateLimitError: x", **NAMES), refused(429, b'{"message": "Slow down"}')
    )
    outer = raises.MidStreamFallbackError("x", "m-1", "house", original_exception=inner)
    found = raised(outer)
    assert found.status == 429
    assert fault_of_error(found.to_dict(), Answer(200, {}, b"")).kind == "rate_limit"


@pytest.mark.parametrize(
    ("cause", "kind", "message"),
    [
        (httpx.ReadTimeout("x"), "timeout", "no complete answer within 600 s"),
        (httpx.ConnectTimeout("x"), "timeout", "no connection within 5 s"),
        (ConnectionRefusedError(111, "Connection refused"), "connection", "the connection failed (connection refused)"),
        (httpx.ReadError("Gone sk-secret-key."), "connection", "the connection failed (gone [redacted])"),
        (httpcore.ConnectError("No way"), "connection", "the connection failed (no way)"),
        (httpcore.RemoteProtocolError("Gone"), "connection", "the connection failed (gone)"),
        (
            openai.OpenAIError("Missing credentials. Set OPENAI_API_KEY"),
            "authentication",
            "the library cannot make the call: OpenAIError: missing credentials. Set OPENAI_API_KEY",
        ),
        (
            ModuleNotFoundError("No module named 'boto3'"),
            "bad_request",
            "the library cannot make the call: ModuleNotFoundError: no module named 'boto3'",
        ),
        (
            KeyError("choices"),
            "malformed_response",
            "the library failed at the call or its answer: KeyError: 'choices'",
        ),
        (
            ValueError('Got={"a": 1}'),
            "malformed_response",
            "the library failed at the call or its answer: ValueError: got=",
        ),
    ],
)
def test_a_network_that_fails_is_no_refusal_and_a_library_that_fails_no_network(cause, kind, message):
    fault = by_class(chained(raises.InternalServerError("litellm.X: oh", **NAMES), cause))
    assert (fault.kind, fault.message) == (kind, message)


@pytest.mark.parametrize(
    ("cause", "sent"),
    [
        (httpx.ConnectTimeout("x"), False),
        (httpx.ConnectError("x"), False),
        (httpcore.ConnectError("x"), False),
        (httpx.ProxyError("403 Forbidden"), False),
        (ConnectionRefusedError(111, "Connection refused"), False),
        (socket.gaierror(-2, "Name or service not known"), False),
        (openai.OpenAIError("Missing credentials. Set OPENAI_API_KEY"), False),
        (ModuleNotFoundError("No module named 'boto3'"), False),
        (httpx.ReadTimeout("x"), True),
        (httpx.ReadError("x"), True),
        (ConnectionResetError(104, "Connection reset by peer"), True),
        (httpcore.RemoteProtocolError("Gone"), True),
        (KeyError("choices"), True),
        (chained(httpx.ConnectError("x"), aiohttp.ClientOSError(104, "Connection reset by peer")), True),
        (chained(httpx.ConnectError("x"), aiohttp.ClientConnectorError(None, OSError(111, "refused"))), False),
    ],
    ids=lambda value: None if isinstance(value, bool) else type(value).__name__,
)
def test_what_cannot_have_reached_the_provider_is_told_from_what_may_have(cause: Exception, sent: bool):
    assert was_sent(raised(chained(raises.InternalServerError("litellm.X: oh", **NAMES), cause))) is sent


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (raises.UnsupportedParamsError("no", **NAMES), False),
        (raises.BudgetExceededError(2.0, 1.0), False),
        (raises.Timeout("no", **NAMES), True),
        (raises.APIError(500, "no", **NAMES), True),
    ],
    ids=lambda value: None if isinstance(value, bool) else type(value).__name__,
)
def test_what_the_library_refuses_by_itself_was_not_sent(error: Exception, sent: bool):
    assert was_sent(raised(error)) is sent


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("litellm.RateLimitError: OpenAIException - Slow down", "Slow down"),
        ("litellm.BadRequestError: litellm.ContextWindowExceededError: AnthropicException - too long", "too long"),
        ("litellm.APIConnectionError: APIConnectionError: GroqException - gone", "gone"),
        ("litellm.BadRequestError: GeminiException BadRequestError - no", "no"),
        ("litellm.APIConnectionError: oh\nTraceback (most recent call last):\n  File x", "oh"),
        (
            "litellm.UnsupportedParamsError: x does not support parameters: ['n'], for model=m. To drop these, set",
            "x does not support parameters: ['n'], for model=m.",
        ),
        ("litellm.Timeout: slow LiteLLM Retried: 3 times", "slow"),
        ("Plain words: they stay", "Plain words: they stay"),
    ],
)
def test_the_librarys_own_words_before_and_behind_are_taken_off(words: str, sentence: str):
    assert cleaned(words) == sentence


def test_json_in_the_words_is_read_not_shown():
    fault = by_class(raises.BadRequestError('XException - {"error": {"message": "Too hot", "code": 7}}', **NAMES))
    assert fault.message == "Too hot"


def test_no_secret_and_no_more_than_500_characters_are_said():
    fault = by_class(raises.BadRequestError("bad sk-secret-key " + "x" * 900, **NAMES))
    assert "sk-secret-key" not in fault.message
    assert len(fault.message) == 500


def test_a_refusal_that_is_none_of_the_librarys_is_read_all_the_same():
    assert read_fault(Answer(429, {}, b'{"message": "Slow down"}')).message == "Slow down"
    assert read_fault(Answer(500, {}, b"<title>Oops</title>")).message == "Oops"


def test_a_chain_that_bites_its_tail_ends():
    error = ValueError("a")
    other = KeyError("b")
    error.__context__, other.__context__ = other, error
    assert raised(error).cause == "foreign"
