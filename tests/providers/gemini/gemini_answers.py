"""Answers: what Gemini may answer, accepted by Google's own types, whole and cut into the chunks of a stream."""

from __future__ import annotations

import copy
import json
from typing import Any

from google.genai import types

USAGE = {"promptTokenCount": 25, "candidatesTokenCount": 9, "totalTokenCount": 34}
FULL_USAGE = {
    "promptTokenCount": 2025,
    "cachedContentTokenCount": 2000,
    "candidatesTokenCount": 9,
    "thoughtsTokenCount": 40,
    "toolUsePromptTokenCount": 7,
    "totalTokenCount": 2081,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 25}, {"modality": "IMAGE", "tokenCount": 2000}],
    "cacheTokensDetails": [{"modality": "IMAGE", "tokenCount": 2000}],
    "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 9}],
    "trafficType": "ON_DEMAND",
}
TEXT = {"text": "It is noon in München. 😀"}
SIGNED = {"text": "Noon.", "thoughtSignature": "EqoBCkgIAR+/aGk="}
CLOSING = {"text": "", "thoughtSignature": "CsgBAVSoXO8+/w=="}
THOUGHT = {"text": "**Where is the sun?**\n\nHigh.", "thought": True}
SIGNED_THOUGHT = {"text": "Look it up.", "thought": True, "thoughtSignature": "dGhvdWdodA=="}
USE = {"functionCall": {"id": "fc_1", "name": "clock__now", "args": {"zone": "Europe/Berlin"}}}
SIGNED_USE = {**USE, "thoughtSignature": "AVSoXO9+/w=="}
DEEP = {"functionCall": {"id": "fc_2", "name": "find", "args": {"a": [1, 2.5, None, {"b": ["ü", True]}]}}}
BARE = {"functionCall": {"id": "fc_3", "name": "ping", "args": {}}}
IMAGE = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
SIGNED_IMAGE = {**IMAGE, "thoughtSignature": "aW1n"}
DRAFT = {**IMAGE, "thought": True}
SOUND = {"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": "AAAA"}}
CODE = {"executableCode": {"language": "PYTHON", "code": "print(2 + 2)"}}
SIGNED_CODE = {**CODE, "thoughtSignature": "Y29kZQ=="}
RAN = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "4\n"}}
SEARCHED = {"toolCall": {"id": "t1", "toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["time"]}}}
FOUND = {"toolResponse": {"id": "t1", "toolType": "GOOGLE_SEARCH_WEB", "response": {"search_suggestions": "<b>"}}}
STORED = {"fileData": {"mimeType": "image/png", "fileUri": "gs://house/a.png"}}
GROUNDING = {
    "webSearchQueries": ["time in Munich"],
    "searchEntryPoint": {"renderedContent": "<div>time</div>"},
    "groundingChunks": [
        {"web": {"uri": "https://a.example", "title": "A", "domain": "a.example"}},
        {"retrievedContext": {"uri": "gs://house/b.txt", "title": "B", "text": "noon"}},
    ],
    "groundingSupports": [
        {"segment": {"startIndex": 0, "endIndex": 10, "text": "It is noon"}, "groundingChunkIndices": [0, 1]}
    ],
}
RECITED = {
    "citations": [
        {"startIndex": 0, "endIndex": 10, "uri": "https://b.example", "title": "B", "license": "mit"},
        {"startIndex": 11, "endIndex": 20},
    ]
}
LOGPROBS = {
    "chosenCandidates": [{"token": "No", "tokenId": 7, "logProbability": -0.25}, {"token": "on", "logProbability": -2}],
    "topCandidates": [
        {"candidates": [{"token": "No", "logProbability": -0.25}, {"token": "Mid", "logProbability": -1.5}]},
        {"candidates": [{"token": "on", "logProbability": -2.0}]},
    ],
}
RATINGS = [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}]


def one(*parts: dict[str, Any], finish: str | None = "STOP", **fields: Any) -> dict[str, Any]:
    reason = {} if finish is None else {"finishReason": finish}
    return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, **reason, "index": 0, **fields}]}


def several(*parts: dict[str, Any]) -> dict[str, Any]:
    return {
        "candidates": [
            {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": index}
            for index, part in enumerate(parts)
        ]
    }


ANSWERS: dict[str, dict[str, Any]] = {
    "words": one(TEXT),
    "nothing": one(),
    "two-texts": one(TEXT, {"text": " Really."}),
    "long": one({"text": "word " * 4000}),
    "any-letters": one({"text": '"\\\u2028\x7f\n\t</s> {"a": 1}'}),
    "json": one({"text": '{"folder_id": "f-1"}'}),
    "cut-short": one(TEXT, finish="MAX_TOKENS"),
    "filtered": one(finish="SAFETY", safetyRatings=RATINGS),
    "filtered-in-the-middle": one(TEXT, finish="RECITATION"),
    "blocklist": one(TEXT, finish="BLOCKLIST", finishMessage="A word."),
    "prohibited": one(finish="PROHIBITED_CONTENT"),
    "personal": one(finish="SPII"),
    "armored": one(finish="MODEL_ARMOR"),
    "broken-off": one(TEXT, finish="OTHER", finishMessage="Who knows."),
    "language": one(TEXT, finish="LANGUAGE"),
    "too-many-calls": one(TEXT, finish="TOO_MANY_TOOL_CALLS"),
    "thought": one(THOUGHT, TEXT),
    "thought-signed": one(SIGNED_THOUGHT, TEXT),
    "thoughts-in-a-row": one(THOUGHT, SIGNED_THOUGHT, THOUGHT, TEXT),
    "thought-cut-short": one(THOUGHT, finish="MAX_TOKENS"),
    "words-signed": one(SIGNED),
    "words-and-signed-end": one(TEXT, CLOSING),
    "words-around-a-signature": one(TEXT, SIGNED, {"text": " Yes."}, CLOSING),
    "call": one(USE),
    "call-signed": one(SIGNED_USE),
    "call-with-nothing": one(BARE),
    "call-deep": one(DEEP),
    "words-and-call": one(TEXT, SIGNED_USE),
    "three-calls": one(SIGNED_USE, DEEP, BARE),
    "thought-and-call": one(THOUGHT, SIGNED_USE),
    "signed-end-before-a-call": one(TEXT, CLOSING, USE),
    "call-unexpected": one(USE, finish="UNEXPECTED_TOOL_CALL"),
    "call-cut-short": one(TEXT, BARE, finish="MAX_TOKENS"),
    "image": one({"text": "Here:"}, IMAGE),
    "image-signed": one(SIGNED_IMAGE),
    "image-drafted": one(THOUGHT, DRAFT, SIGNED_IMAGE),
    "image-stored": one(STORED),
    "sound": one(SOUND),
    "ran-code": one(CODE, RAN, {"text": "Four."}),
    "ran-signed-code": one(THOUGHT, SIGNED_CODE, RAN, {"text": "Four."}),
    "searched-by-itself": one(SEARCHED, FOUND, TEXT),
    "grounded": one(TEXT, groundingMetadata=GROUNDING),
    "recited": one(TEXT, citationMetadata=RECITED),
    "grounded-without-words": one(IMAGE, groundingMetadata=GROUNDING),
    "read-pages": one(
        TEXT,
        urlContextMetadata={
            "urlMetadata": [{"retrievedUrl": "u", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"}]
        },
    ),
    "probabilities": one({"text": "Noon"}, logprobsResult=LOGPROBS, avgLogprobs=-1.125),
    "three-choices": several(TEXT, SIGNED, {"text": "Midnight."}),
    "all-counts": {**one(TEXT), "usageMetadata": FULL_USAGE},
    "no-counts": {**one(TEXT), "usageMetadata": None},
    "rated": {**one(TEXT, safetyRatings=RATINGS), "promptFeedback": {"safetyRatings": RATINGS}},
    "dated": {**one(TEXT), "createTime": "2026-11-21T12:00:00Z", "modelStatus": {"modelStage": "PREVIEW"}},
}


def plain(name: str) -> dict[str, Any]:
    """The answer as it stands in the body; the vendor's own type, which refuses what it does not know, takes it."""
    whole = {"usageMetadata": USAGE, "modelVersion": "gemini-x-1", "responseId": "resp_1", **ANSWERS[name]}
    types.GenerateContentResponse.model_validate_json(json.dumps(whole))
    return copy.deepcopy(whole)


def chunks_of(whole: dict[str, Any], size: int = 7) -> list[dict[str, Any]]:
    """Cut *whole* into chunks as the API sends them: unsigned texts in pieces of *size* letters, each part alone."""
    head = {key: whole[key] for key in ("modelVersion", "responseId", "createTime") if key in whole}
    counted = whole.get("usageMetadata")
    early = {} if counted is None else {"usageMetadata": {"promptTokenCount": counted["promptTokenCount"]}}
    found: list[dict[str, Any]] = []
    for candidate in whole["candidates"]:
        for part in candidate["content"]["parts"]:
            for piece in cut(part, size):
                content = {"role": "model", "parts": [piece]}
                found.append({"candidates": [{"content": content, "index": candidate["index"]}], **early, **head})
    ends = [{**candidate, "content": {"role": "model", "parts": []}} for candidate in whole["candidates"]]
    return [*found, *({**whole, "candidates": [end]} for end in ends)]


def cut(part: dict[str, Any], size: int) -> list[dict[str, Any]]:
    text = part.get("text")
    if not text or "thoughtSignature" in part:
        return [part]
    return [{**part, "text": text[start : start + size]} for start in range(0, len(text), size)]


def sse(chunks: list[dict[str, Any]]) -> bytes:
    return b"".join(f"data: {json.dumps(chunk, ensure_ascii=False)}\r\n\r\n".encode() for chunk in chunks)
