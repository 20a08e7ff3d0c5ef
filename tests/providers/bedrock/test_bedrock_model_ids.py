from __future__ import annotations

import pytest
from botocore.serialize import create_serializer
from botocore.session import Session

from routebook.providers.bedrock.model_ids import is_of, path_to

ARN = "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-x-v1:0"


@pytest.mark.parametrize("model", [ARN, "anthropic.claude-x-v1:0", "a b/ü~._-*'()", "eu.amazon.nova-pro-v1:0"])
def test_a_path_is_quoted_as_botocore_quotes_it(model: str):
    service = Session().get_service_model("bedrock-runtime")
    for operation, action in (("Converse", "converse"), ("ConverseStream", "converse-stream")):
        made = create_serializer("rest-json", False).serialize_to_request(
            {"modelId": model}, service.operation_model(operation)
        )
        assert path_to(model, action) == made["url_path"]


@pytest.mark.parametrize(
    ("model", "family", "found"),
    [
        ("amazon.nova-pro-v1:0", "amazon.nova-", True),
        ("us.amazon.nova-pro-v1:0", "amazon.nova-", True),
        ("us-gov.amazon.nova-pro-v1:0", "amazon.nova-", True),
        ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0", "amazon.nova-", True),
        ("arn:aws:bedrock:r:1:inference-profile/global.amazon.nova-pro-v1:0", "amazon.nova-", True),
        ("arn:aws:bedrock:r:1:application-inference-profile/abc123", "amazon.nova-", False),
        ("amazonXnova-pro", "amazon.nova-", False),
        ("notamazon.nova-pro", "amazon.nova-", False),
    ],
)
def test_the_family_of_a_model_is_read_from_its_id(model: str, family: str, found: bool):
    assert is_of(model, family) is found
