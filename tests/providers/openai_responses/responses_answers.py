"""Answers: what OpenAI may answer on its responses API, built with its own types, whole and cut into events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any

from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

LETTERS = 'ünï “quotes” \\ \x7f \u2028 😀 </s> {"json": [1]}\n\ttab\r\n'
HEAD = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1763740800.0,
    "model": "gpt-x-2026-11-01",
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "text": {"format": {"type": "text"}},
    "reasoning": {"effort": None, "summary": None},
}
USAGE = {
    "input_tokens": 20,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 27,
}
PAGE = {"type": "url_citation", "url": "https://a.test/", "title": "A", "start_index": 0, "end_index": 4}
FILE = {"type": "file_citation", "file_id": "file_1", "filename": "a.pdf", "index": 3}
IN_A_CONTAINER = {
    "type": "container_file_citation",
    "container_id": "cntr_1",
    "file_id": "cfile_1",
    "filename": "plot.png",
    "start_index": 0,
    "end_index": 2,
}
PATH = {"type": "file_path", "file_id": "file_2", "index": 0}
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def text(words: str, *annotations: dict[str, Any], logprobs: list[Any] | None = None) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "output_text", "text": words, "annotations": list(annotations)}
    return {**part, "logprobs": logprobs or []}


def refusal(words: str) -> dict[str, Any]:
    return {"type": "refusal", "refusal": words}


def message(*parts: dict[str, Any], number: int = 1, **more: object) -> dict[str, Any]:
    head = {"id": f"msg_{number}", "type": "message", "status": "completed", "role": "assistant"}
    return {**head, "content": list(parts), **more}


def call(call_id: str, arguments: str, name: str = "clock__now", **more: object) -> dict[str, Any]:
    head = {"id": f"fc_{call_id}", "type": "function_call", "status": "completed"}
    return {**head, "call_id": call_id, "name": name, "arguments": arguments, **more}


def thought(*summary: str, number: int = 1, encrypted: str | None = "gAAAAB+/=", **more: object) -> dict[str, Any]:
    parts = [{"type": "summary_text", "text": words} for words in summary]
    return {"id": f"rs_{number}", "type": "reasoning", "summary": parts, "encrypted_content": encrypted, **more}


def raw_thought(*words: str, number: int = 1) -> dict[str, Any]:
    content = [{"type": "reasoning_text", "text": text} for text in words]
    return {"id": f"rs_{number}", "type": "reasoning", "summary": [], "content": content}


def token(words: str, logprob: float, *top: tuple[str, float]) -> dict[str, Any]:
    likeliest = [{"token": other, "logprob": p, "bytes": list(other.encode())} for other, p in top]
    return {"token": words, "logprob": logprob, "bytes": list(words.encode()), "top_logprobs": likeliest}


def answer(*items: dict[str, Any], **rest: object) -> Response:
    return Response.model_validate({**HEAD, "usage": USAGE, **rest, "output": list(items)})


def usage(**more: object) -> dict[str, Any]:
    return {"usage": {**USAGE, **more}}


def _incomplete(reason: str) -> dict[str, Any]:
    return {"status": "incomplete", "incomplete_details": {"reason": reason}}


SAID = message(text("Noon."))
LIKELY = [token("No", -0.25), token("on", -0.5), token(".", 0.0)]
SEARCHED = {
    "id": "ws_1",
    "type": "web_search_call",
    "status": "completed",
    "action": {"type": "search", "query": "time", "sources": [{"type": "url", "url": "https://a.test/"}]},
}
FOUND = {
    "id": "fs_1",
    "type": "file_search_call",
    "status": "completed",
    "queries": ["time"],
    "results": [{"file_id": "file_1", "filename": "a.pdf", "score": 0.5, "text": "Noon", "attributes": {}}],
}
RAN = {
    "id": "ci_1",
    "type": "code_interpreter_call",
    "status": "completed",
    "code": "print(12)",
    "container_id": "cntr_1",
    "outputs": [{"type": "logs", "logs": "12\n"}],
}
DREW = {"id": "ig_1", "type": "image_generation_call", "status": "completed", "result": "iVBORw0KGgo="}
CLICKED = {
    "id": "cu_1",
    "type": "computer_call",
    "call_id": "call_9",
    "status": "completed",
    "pending_safety_checks": [],
    "action": {"type": "click", "button": "left", "x": 1, "y": 2},
}
REMOTE = {
    "id": "mcp_1",
    "type": "mcp_call",
    "server_label": "clock",
    "name": "now",
    "arguments": '{"zone":"UTC"}',
    "output": "12:00",
}
LISTED = {
    "id": "mcpl_1",
    "type": "mcp_list_tools",
    "server_label": "clock",
    "tools": [{"name": "now", "input_schema": {"type": "object"}}],
}
ASKED = {"id": "mcpr_1", "type": "mcp_approval_request", "server_label": "c", "name": "now", "arguments": "{}"}
CUSTOM = {"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_8", "name": "shell", "input": "ls -l | wc"}
COMPACTED = {"id": "cmp_1", "type": "compaction", "encrypted_content": "gAAAAA=="}
NATIVE = {
    item["type"]: item for item in (SEARCHED, FOUND, RAN, DREW, CLICKED, REMOTE, LISTED, ASKED, CUSTOM, COMPACTED)
}

ANSWERS: dict[str, Response] = {
    # words
    "words": answer(SAID),
    "nothing": answer(),
    "an-empty-message": answer(message()),
    "an-empty-text": answer(message(text(""))),
    "any-letters": answer(message(text(LETTERS))),
    "long": answer(message(text("word " * 500))),
    "json": answer(message(text('{"folder_id": "f-health", "confidence": 0.93}'))),
    "lines": answer(message(text("data: one\n\ndata: [DONE]\n\n"))),
    "blanks": answer(message(text("  \n "))),
    "two-texts": answer(message(text("It is "), text("noon."))),
    "two-messages": answer(message(text("Let me see.")), message(text("Noon."), number=2)),
    "phases": answer(
        message(text("Let me see."), phase="commentary"), message(text("Noon."), number=2, phase="final_answer")
    ),
    # ends
    "cut-short": answer(message(text("It is"), status="incomplete"), **_incomplete("max_output_tokens")),
    "cut-before-a-word": answer(thought(), **_incomplete("max_output_tokens")),
    "filtered": answer(message(text("It is"), status="incomplete"), **_incomplete("content_filter")),
    "filtered-before-a-word": answer(**_incomplete("content_filter")),
    "steered": answer(SAID, **_incomplete("steered")),
    "refused": answer(message(refusal("I cannot say that."))),
    "refused-after-words": answer(message(text("Well."), refusal(LETTERS))),
    # calls
    "a-call": answer(call("call_1", '{"zone":"UTC"}')),
    "words-and-a-call": answer(message(text("Let me see.")), call("call_1", '{"zone":"UTC"}')),
    "two-calls": answer(call("call_1", '{"zone":"UTC"}'), call("call_2", '{"zone":"CET"}')),
    "five-calls": answer(*(call(f"call_{n}", f'{{"n":{n}}}', f"tool_{n}") for n in range(5))),
    "the-same-call-twice": answer(call("call_1", "{}"), call("call_2", "{}")),
    "a-call-without-arguments": answer(call("call_1", "")),
    "a-call-with-null": answer(call("call_1", "null")),
    "nested-arguments": answer(call("call_1", '{"a": {"b": [1, 2.5, null, true]}, "c": "\\u00fc"}')),
    "any-letters-in-arguments": answer(call("call_1", json.dumps({"text": LETTERS}))),
    "broken-arguments": answer(call("call_1", '{"zone": "UT')),
    "arguments-that-are-a-list": answer(call("call_1", "[1]")),
    "a-call-cut-short": answer(call("call_1", '{"zone', status="incomplete"), **_incomplete("max_output_tokens")),
    "a-call-of-a-set-of-tools": answer(call("call_1", "{}", namespace="crm")),
    "a-call-by-a-program": answer(call("call_1", "{}", caller={"type": "program", "caller_id": "p1"})),
    # thoughts
    "a-hidden-thought": answer(thought(), SAID),
    "a-summed-up-thought": answer(thought("**Clocks**\n\nNoon it is."), SAID),
    "a-thought-in-parts": answer(thought("**One**\n\nA.", "**Two**\n\nB."), SAID),
    "a-raw-thought": answer(raw_thought("Hm, ", "noon."), SAID),
    "a-thought-and-a-call": answer(thought("Look."), call("call_1", "{}")),
    "thoughts-between-calls": answer(
        thought("Look."), call("call_1", "{}"), thought(number=2), call("call_2", "{}"), SAID
    ),
    "a-thought-without-content": answer(thought("Hm.", encrypted=None), SAID),
    # sources and probabilities
    "a-source": answer(message(text("Noon.", PAGE))),
    "sources-of-every-kind": answer(message(text("Noon.", PAGE, FILE, IN_A_CONTAINER, PATH), text("Sure.", PAGE))),
    "probabilities": answer(message(text("Noon.", logprobs=LIKELY)), top_logprobs=0),
    "probabilities-of-others": answer(
        message(text("No", logprobs=[token("No", -0.1, ("No", -0.1), ("Yes", -2.5))])), top_logprobs=2
    ),
    # what only this API knows
    **{f"a-{kind}": answer(item, SAID) for kind, item in NATIVE.items()},
    "every-native-item": answer(*NATIVE.values()),
    # counts
    "uncounted": answer(SAID, usage=None),
    "cached": answer(SAID, **usage(input_tokens_details={"cached_tokens": 16, "cache_write_tokens": 0})),
    "written-to-the-cache": answer(
        SAID,
        **usage(
            input_tokens_details={
                "cached_tokens": 0,
                "cache_write_tokens": 12,
                "cache_write_tokens_details": {"ttl_30m_tokens": 12, "ttl_12h_tokens": 0},
            }
        ),
    ),
    "thought-tokens": answer(SAID, **usage(output_tokens_details={"reasoning_tokens": 5})),
    # beside
    "tier": answer(SAID, service_tier="flex"),
    "with-metadata": answer(SAID, metadata={"team": "a", "run": "7"}),
    "with-all-that-was-asked": answer(
        SAID,
        instructions="Be brief.",
        tools=[{"type": "function", "name": "now", "parameters": {"type": "object"}, "strict": False}],
        tool_choice={"type": "function", "name": "now"},
        max_output_tokens=100,
        completed_at=1763740801.0,
        prompt_cache_key="agent",
        prompt_cache_retention="24h",
    ),
    "a-thought-was-removed": answer(
        SAID,
        input_transformations=[
            {"id": "rs_0", "action": "removed", "reason": "model_mismatch", "type": "reasoning"},
        ],
    ),
}


def dumped(answer: Response) -> dict[str, Any]:
    return answer.model_dump(mode="json", by_alias=True, exclude_unset=True)


def cut(answer: Response, sizes: Sequence[int] = (3,)) -> list[dict[str, Any]]:
    """Return *answer* as events, its texts in pieces of *sizes*, over and over; each is one of OpenAI's own types."""
    whole = dumped(answer)
    begun = {**whole, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    lengths = cycle(sizes)
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    for index, item in enumerate(whole["output"]):
        events += ({**event, "output_index": index} for event in _item_events(item, lengths))
    events.append({"type": f"response.{whole['status']}", "response": whole})
    numbered = [{**event, "sequence_number": number} for number, event in enumerate(events)]
    for event in numbered:
        EVENT.validate_python(event)
    return numbered


def as_stream(events: Sequence[dict[str, Any]], line_end: bytes = b"\n") -> bytes:
    """Return *events* as the body of a stream, each with its name before its data, as OpenAI sends them."""
    lines = (
        b"event: " + event["type"].encode() + line_end + b"data: " + json.dumps(event).encode() for event in events
    )
    return b"".join(line + line_end * 2 for line in lines)


def _item_events(item: dict[str, Any], lengths: Iterator[int]) -> Iterator[dict[str, Any]]:
    kind, at = item["type"], {"item_id": item.get("id", "")}
    if kind == "message":
        yield _added({**item, "status": "in_progress", "content": []})
        for index, part in enumerate(item["content"]):
            yield from ({**event, **at, "content_index": index} for event in _part_events(part, lengths))
    elif kind == "function_call":
        yield _added({**item, "status": "in_progress", "arguments": ""})
        for piece in pieces_of(item["arguments"], lengths):
            yield {"type": "response.function_call_arguments.delta", **at, "delta": piece}
        yield {"type": "response.function_call_arguments.done", **at, "arguments": item["arguments"]}
    elif kind == "reasoning":
        yield _added({**item, "summary": [], "encrypted_content": "incomplete"})
        yield from ({**event, **at} for event in _thought_events(item, lengths))
    else:
        yield _added(item)
    yield {"type": "response.output_item.done", "item": item}


def _added(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.added", "item": item}


def _part_events(part: dict[str, Any], lengths: Iterator[int]) -> Iterator[dict[str, Any]]:
    kind, words = ("refusal", part["refusal"]) if part["type"] == "refusal" else ("output_text", part["text"])
    field = "refusal" if kind == "refusal" else "text"
    logprobs = [
        {**each, "top_logprobs": [{"token": top["token"], "logprob": top["logprob"]} for top in each["top_logprobs"]]}
        for each in part.get("logprobs") or ()
    ]
    beside = {} if kind == "refusal" else {"logprobs": []}
    yield {"type": "response.content_part.added", "part": {**part, field: "", **({} if kind == "refusal" else beside)}}
    for number, piece in enumerate(pieces_of(words, lengths)):
        told = {"logprobs": logprobs if number == 0 else []} if beside else {}
        yield {"type": f"response.{kind}.delta", "delta": piece, **told}
    for number, annotation in enumerate(part.get("annotations") or ()):
        added = {"type": "response.output_text.annotation.added", "annotation": annotation}
        yield {**added, "annotation_index": number}
    yield {"type": f"response.{kind}.done", field: words, **({"logprobs": logprobs} if beside else {})}
    yield {"type": "response.content_part.done", "part": part}


def _thought_events(item: dict[str, Any], lengths: Iterator[int]) -> Iterator[dict[str, Any]]:
    for index, part in enumerate(item["summary"]):
        at = {"summary_index": index}
        yield {"type": "response.reasoning_summary_part.added", "part": {**part, "text": ""}, **at}
        for piece in pieces_of(part["text"], lengths):
            yield {"type": "response.reasoning_summary_text.delta", "delta": piece, **at}
        yield {"type": "response.reasoning_summary_text.done", "text": part["text"], **at}
        yield {"type": "response.reasoning_summary_part.done", "part": part, **at}
    for index, part in enumerate(item.get("content") or ()):
        at = {"content_index": index}
        for piece in pieces_of(part["text"], lengths):
            yield {"type": "response.reasoning_text.delta", "delta": piece, **at}
        yield {"type": "response.reasoning_text.done", "text": part["text"], **at}


def pieces_of(words: str, lengths: Iterator[int]) -> Iterator[str]:
    at = 0
    while at < len(words):
        length = next(lengths)
        yield words[at : at + length]
        at += length
