"""Faults: a refused call of the responses API → kind, sentence, and how long to wait.

Pure. The words are those of all that OpenAI and its copies refuse, see `..openai.refusals`, and what this API says
besides: of answers that failed on the way, of items that it did not keep, of pictures.
"""

from __future__ import annotations

from ...errors import FaultKind
from ..lexicon import Lexicon, Words
from ..openai.refusals import KINDS, STATUSES, WORDS, find_refusal

_KINDS: dict[str, FaultKind] = {
    "bio_policy": "content_filter",
    "cyber_policy": "content_filter",
    "cyber_policy_violation": "content_filter",
    "misalignment_policy_violation": "content_filter",
    "image_content_policy_violation": "content_filter",
    "data_residency_mismatch": "permission_denied",
    "usage_limit_reached": "quota_exceeded",
    "usage_not_included": "quota_exceeded",
    "slow_down": "overloaded",
    "server_is_overloaded": "overloaded",
    "vector_store_timeout": "timeout",
    "invalid_encrypted_content": "bad_request",
    "previous_response_not_found": "bad_request",
    "string_above_max_length": "bad_request",
    "invalid_image": "bad_request",
    "invalid_image_format": "bad_request",
    "invalid_base64_image": "bad_request",
    "invalid_image_url": "bad_request",
    "invalid_image_mode": "bad_request",
    "image_too_large": "bad_request",
    "image_too_small": "bad_request",
    "image_parse_error": "bad_request",
    "image_file_too_large": "bad_request",
    "image_file_not_found": "bad_request",
    "empty_image_file": "bad_request",
    "failed_to_download_image": "bad_request",
    "unsupported_image_media_type": "bad_request",
}
_WORDS: Words = (
    # The status is that of a model which is not there.
    ("bad_request", (400, 404), r"^item with id\b.{0,100} not found|^item '.{0,100} was provided without its required"),
    ("unsupported_capability", (400,), r"^encrypted content is not supported"),
)

_LEXICON = Lexicon(find_refusal, {**KINDS, **_KINDS}, STATUSES, _WORDS + WORDS)
read_fault = _LEXICON.read_fault
fault_of_error = _LEXICON.fault_of_error
