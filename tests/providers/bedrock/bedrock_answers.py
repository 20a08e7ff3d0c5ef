"""Answers: what Amazon Bedrock may answer, as its own description allows, whole and cut into events."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

from event_frames import event

USAGE = {"inputTokens": 25, "outputTokens": 9, "totalTokens": 34}
FULL_USAGE = {
    **USAGE,
    "totalTokens": 2134,
    "cacheReadInputTokens": 2000,
    "cacheWriteInputTokens": 100,
    "cacheDetails": [{"ttl": "1h", "inputTokens": 60}, {"ttl": "5m", "inputTokens": 40}],
}
METRICS = {"latencyMs": 551}
DATA = base64.b64encode(bytes(range(256))).decode()
TEXT = {"text": "It is noon in München. 😀"}
THOUGHT = {"reasoningContent": {"reasoningText": {"text": "Where is the sun?\n", "signature": "EqoBCkgIAR+/=="}}}
UNSIGNED = {"reasoningContent": {"reasoningText": {"text": "Where is the sun?"}}}
OMITTED = {"reasoningContent": {"reasoningText": {"text": "", "signature": "EqoBCkgIARABGA"}}}
REDACTED = {"reasoningContent": {"redactedContent": DATA}}
USE = {"toolUse": {"toolUseId": "tooluse_1", "name": "clock__now", "input": {"zone": "Europe/Berlin"}}}
DEEP = {"toolUse": {"toolUseId": "tooluse_2", "name": "find", "input": {"a": [1, 2.5, None, {"b": ["ü", True]}]}}}
BARE = {"toolUse": {"toolUseId": "tooluse_3", "name": "ping", "input": {}}}
CHAR = {
    "title": "Clock",
    "sourceContent": [{"text": "noon"}],
    "location": {"documentChar": {"documentIndex": 0, "start": 0, "end": 4}},
}
PAGE = {"title": "Clock", "location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}}}
WEB = {"title": "A", "location": {"web": {"url": "https://a.example/t", "domain": "a.example"}}}
FOUND = {
    "source": "https://a.example",
    "title": "A",
    "sourceContent": [{"text": "no"}, {"text": "on"}],
    "location": {"searchResultLocation": {"searchResultIndex": 0, "start": 0, "end": 1}},
}
GROUNDED = {
    "toolUse": {"toolUseId": "own_1", "name": "nova_grounding", "input": {"q": "time"}, "type": "server_tool_use"}
}
GROUNDS = {
    "toolResult": {
        "toolUseId": "own_1",
        "type": "nova_grounding_result",
        "status": "success",
        "content": [{"text": "noon"}, {"json": {"a": 1}}],
    }
}
PICTURE = {"image": {"format": "png", "source": {"bytes": DATA}}}
NO_PICTURE = {"image": {"format": "png", "source": {"bytes": DATA}, "error": {"message": "too dark"}}}
STORED = {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://house/a.png"}}}}
GUARDED = {"guardContent": {"text": {"text": "noon", "qualifiers": ["query"]}}}
GUARDRAIL = {
    "guardrail": {
        "inputAssessment": {
            "g-1": {"topicPolicy": {"topics": [{"name": "time", "type": "DENY", "action": "BLOCKED"}]}},
        }
    }
}


def cited(*citations: dict[str, Any], text: str = "It is noon.") -> dict[str, Any]:
    return {"citationsContent": {"content": [{"text": text}], "citations": list(citations)}}


USED: dict[str, Any] = {"stopReason": "tool_use"}
ANSWERS: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "words": ([TEXT], {}),
    "nothing": ([], {}),
    "two-texts": ([TEXT, {"text": "Really."}], {}),
    "long": ([{"text": "word " * 4000}], {}),
    "any-letters": ([{"text": '"\\\u2028\x7f\n\t</s> {"a": 1}'}], {}),
    "json": ([{"text": '{"folder_id": "f-1"}'}], {}),
    "cut-short": ([TEXT], {"stopReason": "max_tokens"}),
    "stopped": ([TEXT], {"stopReason": "stop_sequence"}),
    "window-full": ([TEXT], {"stopReason": "model_context_window_exceeded"}),
    "guarded": ([{"text": "I cannot say."}], {"stopReason": "guardrail_intervened", "trace": GUARDRAIL}),
    "filtered": ([TEXT], {"stopReason": "content_filtered"}),
    "filtered-without-words": ([], {"stopReason": "content_filtered"}),
    "thought": ([THOUGHT, TEXT], {}),
    "thought-unsigned": ([UNSIGNED, TEXT], {}),
    "thought-omitted": ([OMITTED, TEXT], {}),
    "thought-hidden": ([REDACTED, TEXT], {}),
    "thoughts-of-all-kinds": ([THOUGHT, REDACTED, OMITTED, UNSIGNED, TEXT], {}),
    "thought-cut-short": ([THOUGHT], {"stopReason": "max_tokens"}),
    "call": ([USE], USED),
    "call-with-nothing": ([BARE], USED),
    "call-deep": ([DEEP], USED),
    "words-and-call": ([TEXT, USE], USED),
    "three-calls": ([USE, DEEP, BARE], USED),
    "thought-and-call": ([THOUGHT, USE], USED),
    "thoughts-between-calls": ([THOUGHT, USE, OMITTED, DEEP, REDACTED, BARE], USED),
    "call-cut-short": ([TEXT, BARE], {"stopReason": "max_tokens"}),
    "cited-by-place": ([cited(CHAR)], {}),
    "cited-by-page": ([cited(PAGE)], {}),
    "cited-from-the-web": ([cited(WEB)], {}),
    "cited-from-a-search": ([cited(FOUND, WEB)], {}),
    "cited-in-turn": ([TEXT, cited(CHAR), TEXT, cited(PAGE, CHAR)], {}),
    "grounded": ([GROUNDED, GROUNDS, cited(WEB)], {}),
    "grounded-and-thought": ([THOUGHT, GROUNDED, GROUNDS, OMITTED, USE], USED),
    "a-picture": ([{"text": "Here:"}, PICTURE], {}),
    "a-picture-that-failed": ([NO_PICTURE, TEXT], {}),
    "all-counts": ([TEXT], {"usage": FULL_USAGE}),
    "cached": ([TEXT], {"usage": {**USAGE, "totalTokens": 534, "cacheReadInputTokens": 500}}),
    "a-total-of-its-own": ([TEXT], {"usage": {**USAGE, "totalTokens": 99}}),
    "a-tier": ([TEXT], {"serviceTier": {"type": "flex"}}),
    "fast": ([TEXT], {"performanceConfig": {"latency": "optimized"}}),
    "more-fields": ([TEXT], {"additionalModelResponseFields": {"stop_sequence": "END", "n": [1, None]}}),
    "routed": ([TEXT], {"trace": {"promptRouter": {"invokedModelId": "amazon.nova-pro-v1:0"}}}),
    "no-counts": ([TEXT], {"usage": {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}}),
}
ONLY_WHOLE: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "a-picture-in-store": ([STORED], {}),
    "guard-content": ([GUARDED, TEXT], {}),
}
"""Answers whose blocks no stream of today has."""


def answer(name: str) -> dict[str, Any]:
    """The answer as the wire has it."""
    content, fields = {**ANSWERS, **ONLY_WHOLE}[name]
    plain = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "end_turn",
        "usage": USAGE,
        "metrics": METRICS,
        **fields,
    }
    return copy.deepcopy(plain)


def events_of(whole: dict[str, Any], size: int = 7) -> list[tuple[str, dict[str, Any]]]:
    """Cut an answer into events, its text in pieces of *size* letters."""
    message = whole["output"]["message"]
    events: list[tuple[str, dict[str, Any]]] = [("messageStart", {"role": message["role"]})]
    for index, block in enumerate(message["content"]):
        start, deltas = cut(block, size)
        here = {"contentBlockIndex": index}
        if start is not None:
            events.append(("contentBlockStart", {"start": start, **here}))
        events += [("contentBlockDelta", {"delta": delta, **here}) for delta in deltas]
        events.append(("contentBlockStop", here))
    ended = {key: whole[key] for key in ("stopReason", "additionalModelResponseFields") if key in whole}
    beside = ("usage", "metrics", "trace", "performanceConfig", "serviceTier")
    return [*events, ("messageStop", ended), ("metadata", {key: whole[key] for key in beside if key in whole})]


def cut(block: dict[str, Any], size: int) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """Return how a block begins, None where it does not say, and its pieces."""
    ((kind, content),) = block.items()
    if kind == "text":
        return None, [{"text": piece} for piece in pieces(content, size)]
    if kind == "citationsContent":
        texts = [{"text": piece} for part in content["content"] for piece in pieces(part["text"], size)]
        return None, [*texts, *({"citation": citation} for citation in content["citations"])]
    if kind == "reasoningContent":
        return None, [{"reasoningContent": piece} for piece in cut_thought(content, size)]
    if kind == "toolUse":
        text = json.dumps(content["input"], ensure_ascii=False) if content["input"] else ""
        started = {key: value for key, value in content.items() if key != "input"}
        return {kind: started}, [{kind: {"input": piece}} for piece in pieces(text, size)]
    if kind == "toolResult":
        started = {key: value for key, value in content.items() if key != "content"}
        return {kind: started}, [{kind: [piece]} for piece in content["content"]]
    data = base64.b64decode(content["source"]["bytes"])
    half = [base64.b64encode(piece).decode() for piece in (data[:100], data[100:])]
    error = [{kind: {"error": content["error"]}}] if "error" in content else []
    return {kind: {"format": content["format"]}}, [*({kind: {"source": {"bytes": part}}} for part in half), *error]


def cut_thought(content: dict[str, Any], size: int) -> list[dict[str, Any]]:
    if "redactedContent" in content:
        return [content]
    thought = content["reasoningText"]
    signature = [{"signature": thought["signature"]}] if "signature" in thought else []
    return [*({"text": piece} for piece in pieces(thought["text"], size)), *signature]


def pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def stream_of(whole: dict[str, Any], size: int = 7) -> bytes:
    """The frames of an answer, an event between them that nobody knows."""
    return event("keepAlive", {}).join(event(kind, payload) for kind, payload in events_of(whole, size))
