from __future__ import annotations

from typing import Any

import pytest

from routebook.providers.gemini.address import address_of, model_fault
from routebook.providers.protocol import ClientConfig

GOOGLE_AI = "https://generativelanguage.googleapis.com"
VERTEX = "https://europe-west4-aiplatform.googleapis.com"


@pytest.mark.parametrize(
    ("base", "fields", "model", "path"),
    [
        (GOOGLE_AI, {}, "gemini-x", "/v1beta/models/gemini-x:m"),
        (f"{GOOGLE_AI}/", {}, "models/gemini-x", "/v1beta/models/gemini-x:m"),
        (f"{GOOGLE_AI}/v1beta", {}, "gemini-x", "/models/gemini-x:m"),
        (f"{GOOGLE_AI}/v1/", {"api_version": "v1beta"}, "gemini-x", "/models/gemini-x:m"),
        (GOOGLE_AI, {"api_version": "v1alpha"}, "tunedModels/mine-1", "/v1alpha/tunedModels/mine-1:m"),
        (GOOGLE_AI, {}, "vendor/model-1", "/v1beta/models/vendor/model-1:m"),
        (GOOGLE_AI, {}, "a model:7b?x#y", "/v1beta/models/a%20model%3A7b%3Fx%23y:m"),
        (VERTEX, {}, "gemini-x", "/v1beta1/publishers/google/models/gemini-x:m"),
        ("https://aiplatform.googleapis.com", {}, "gemini-x", "/v1beta1/publishers/google/models/gemini-x:m"),
        ("https://aiplatform.eu.rep.googleapis.com", {}, "gemini-x", "/v1beta1/publishers/google/models/gemini-x:m"),
        ("https://notaiplatform.googleapis.com", {}, "gemini-x", "/v1beta/models/gemini-x:m"),
        (
            VERTEX,
            {"project": "p-1", "location": "europe-west4"},
            "gemini-x",
            "/v1beta1/projects/p-1/locations/europe-west4/publishers/google/models/gemini-x:m",
        ),
        (
            VERTEX,
            {"project": "example.com:p", "api_version": "v1"},
            "publishers/anthropic/models/claude@1",
            "/v1/projects/example.com:p/locations/global/publishers/anthropic/models/claude@1:m",
        ),
        (VERTEX, {"project": "p"}, "meta/llama", "/v1beta1/projects/p/locations/global/publishers/meta/models/llama:m"),
        (VERTEX, {"project": "p"}, "endpoints/7", "/v1beta1/projects/p/locations/global/endpoints/7:m"),
        (
            VERTEX,
            {"project": "p"},
            "projects/q/locations/l/endpoints/7",
            "/v1beta1/projects/q/locations/l/endpoints/7:m",
        ),
        (f"{VERTEX}/v1", {"project": "p"}, "models/x", "/projects/p/locations/global/publishers/google/models/x:m"),
        (f"{VERTEX}/v1/projects/p/locations/l", {"project": "p"}, "x", "/publishers/google/models/x:m"),
    ],
)
def test_nothing_of_an_address_is_said_twice(base: str, fields: dict[str, Any], model: str, path: str):
    assert address_of(ClientConfig("p", base, **fields)).path(model, "m") == path


@pytest.mark.parametrize(
    ("base", "fields", "has_ids"),
    [
        (GOOGLE_AI, {}, True),
        (f"{GOOGLE_AI}/v1", {}, True),
        (VERTEX, {"project": "p"}, True),
        (VERTEX, {"project": "p", "api_version": "v1"}, False),
        (f"{VERTEX}/v1/projects/p/locations/l", {}, False),
    ],
)
def test_version_1_of_vertex_has_no_ids_of_calls(base: str, fields: dict[str, Any], has_ids: bool):
    assert address_of(ClientConfig("p", base, **fields)).has_call_ids is has_ids


@pytest.mark.parametrize("model", ["", "../secrets", "models/..", "a//b", "./x", "a/"])
def test_a_model_whose_name_would_lead_elsewhere_is_refused(model: str):
    fault = model_fault(model)
    assert fault is not None
    assert (fault.kind, repr(model) in fault.message) == ("bad_request", True)


def test_a_models_name_is_otherwise_free():
    assert model_fault("publishers/anthropic/models/claude@1...x") is None
