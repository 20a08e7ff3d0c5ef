"""Bedrock types: the service's own description, as botocore has it: whether plain JSON data is what an operation takes
or gives. Data that the wire has as base64 becomes bytes first, as botocore's validator wants it.
"""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

from botocore.eventstream import EventStreamBuffer
from botocore.model import Shape
from botocore.parsers import EventStreamJSONParser, RestJSONParser
from botocore.session import Session
from botocore.validate import ParamValidator


@cache
def _service() -> Any:
    return Session().get_service_model("bedrock-runtime")


def request_problems(body: dict[str, Any], operation: str = "Converse") -> str:
    """What keeps *body* from being a request of *operation*; nothing where it is one."""
    return _problems({"modelId": "m", **body}, _service().operation_model(operation).input_shape)


def answer_problems(body: dict[str, Any]) -> str:
    """What keeps *body* from being an answer of a converse call."""
    return _problems(body, _service().operation_model("Converse").output_shape)


def event_problems(kind: str, payload: dict[str, Any]) -> str:
    """What keeps *payload* from being an event of that kind."""
    return _problems(payload, _stream_shape().members[kind])


def read_answer(body: bytes) -> dict[str, Any]:
    """What botocore makes of an answer."""
    given = {"status_code": 200, "headers": {}, "body": body}
    return RestJSONParser().parse(given, _service().operation_model("Converse").output_shape)


def read_events(stream: bytes) -> list[dict[str, Any]]:
    """What botocore makes of a stream of events."""
    buffer = EventStreamBuffer()
    buffer.add_data(stream)
    return [EventStreamJSONParser().parse(event.to_response_dict(), _stream_shape()) for event in buffer]


def _stream_shape() -> Any:
    return _service().operation_model("ConverseStream").output_shape.members["stream"]


def _problems(value: Any, shape: Shape) -> str:
    return ParamValidator().validate(_with_bytes(value, shape), shape).generate_report()


def _with_bytes(value: Any, shape: Shape) -> Any:
    if shape.type_name == "structure" and isinstance(value, dict) and not getattr(shape, "is_document_type", False):
        members = shape.members
        return {key: _with_bytes(item, members[key]) if key in members else item for key, item in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [_with_bytes(item, shape.member) for item in value]
    if shape.type_name == "blob" and isinstance(value, str):
        return base64.b64decode(value, validate=True)
    return value
