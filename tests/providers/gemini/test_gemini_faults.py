from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from routebook.providers.answer import Answer
from routebook.providers.gemini.faults import fault_of_error, read_fault

KEY = "AIzaSyTest-0123456789"
RPC = "type.googleapis.com/google.rpc."


def answer_of(status: int, body: Any, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, content, 0.0, (KEY,))


def error(code: int, status: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    more = {"details": list(details)} if details else {}
    return {"error": {"code": code, "message": message, "status": status, **more}}


def quota(*ids: str, value: str = "50") -> dict[str, Any]:
    metric = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
    violations = [{"quotaMetric": metric, "quotaId": quota_id, "quotaValue": value} for quota_id in ids]
    return {"@type": f"{RPC}QuotaFailure", "violations": violations}


def retry(delay: Any) -> dict[str, Any]:
    return {"@type": f"{RPC}RetryInfo", "retryDelay": delay}


NO_REASON = "the provider gave no reason"
PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"

REAL = [
    (known["status"], known["body"], known["kind"])
    for known in json.loads(Path(__file__).with_name("gemini_refusals.json").read_text(encoding="utf-8"))
]
"""Refusals as the API gives them: the status, the body, and the kind that is meant."""


def test_there_are_forty_real_bodies_and_more():
    assert len(REAL) >= 40


@pytest.mark.parametrize(("status", "body", "kind"), REAL, ids=lambda value: value if isinstance(value, str) else "")
def test_a_real_refusal_is_understood(status: int, body: dict[str, Any], kind: str):
    fault = read_fault(answer_of(status, body))
    assert (fault.kind, fault.message) == (kind, " ".join(body["error"]["message"].split())[: len(fault.message)])


@pytest.mark.parametrize(("status", "body", "kind"), REAL, ids=lambda value: value if isinstance(value, str) else "")
def test_a_refusal_in_a_list_is_the_same(status: int, body: dict[str, Any], kind: str):
    """So it comes where a stream was asked for and events were not."""
    listed = read_fault(answer_of(status, [body]))
    assert listed == read_fault(answer_of(status, body))


@pytest.mark.parametrize(
    ("body", "kind"),
    [(body, kind) for status, body, kind in REAL if status not in (413, 499)],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_error_within_a_success_is_known_as_one_by_itself(body: dict[str, Any], kind: str):
    assert fault_of_error(body["error"], answer_of(200, b"")).kind == kind


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [("37s", 37.0), ("11.665902715s", 11.665902715), ("0s", 0.0), ({"seconds": 4, "nanos": 5}, 4.0), ("soon", None)],
)
def test_the_wait_is_read_from_the_details(delay: Any, seconds: float | None):
    body = error(429, "RESOURCE_EXHAUSTED", "No.", quota(PER_MINUTE), retry(delay))
    assert read_fault(answer_of(429, body)).retry_after == seconds
    assert fault_of_error(body["error"], answer_of(200, b"")).retry_after == seconds


def test_the_wait_is_read_from_the_words_and_a_header_says_it_first():
    body = error(429, "RESOURCE_EXHAUSTED", "Too much. Please retry in 11.665902715s.")
    assert read_fault(answer_of(429, body)).retry_after == 11.665902715
    assert read_fault(answer_of(429, body, retry_after="3")).retry_after == 3
    assert read_fault(answer_of(429, error(429, "RESOURCE_EXHAUSTED", "No.", retry("9s")))).retry_after == 9


def test_a_quota_of_nothing_is_used_up_for_good():
    body = error(429, "RESOURCE_EXHAUSTED", "No.", quota(PER_MINUTE, value="0"))
    assert read_fault(answer_of(429, body)).kind == "quota_exceeded"


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (502, b"<html><head><title>502 Bad Gateway</title></head></html>", "server_error", "502 Bad Gateway"),
        (404, b"", "not_found", f"{NO_REASON} (Not Found)"),
        (503, {"error": "Overloaded"}, "overloaded", "Overloaded"),
        (404, {"detail": "Not Found"}, "not_found", "Not Found"),
        (500, {"error": None, "status": ["odd"]}, "server_error", f"{NO_REASON} (Internal Server Error)"),
        (400, [1], "bad_request", f"{NO_REASON} (Bad Request)"),
        (400, [], "bad_request", f"{NO_REASON} (Bad Request)"),
        (429, error(429, "RESOURCE_EXHAUSTED", "No.", {"@type": 7}, "odd", {}), "rate_limit", "No."),
        (429, {"error": {"message": "No.", "details": {"@type": "x"}}}, "rate_limit", "No."),
        (429, error(429, "X", "No.", {"@type": f"{RPC}QuotaFailure", "violations": 7}), "rate_limit", "No."),
        (401, {"error": {"message": "No.", "type": "x", "code": "invalid_api_key"}}, "authentication", "No."),
    ],
)
def test_other_shapes_of_a_refusal_are_read(status: int, body: Any, kind: str, message: str):
    fault = read_fault(answer_of(status, body))
    assert (fault.kind, fault.message) == (kind, message)


def test_a_redirect_is_no_answer_and_a_key_is_not_repeated():
    redirect = read_fault(answer_of(307, b"", location="https://elsewhere.example/v1beta"))
    assert (redirect.kind, "elsewhere.example" in redirect.message) == ("malformed_response", True)
    refusal = read_fault(answer_of(400, error(400, "INVALID_ARGUMENT", f"API key {KEY} is not valid")))
    assert KEY not in refusal.message
