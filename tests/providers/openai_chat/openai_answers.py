"""Answers: what OpenAI may answer, built with its own types, whole and cut into chunks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionChunk

HEAD = {"id": "chatcmpl-1", "created": 1763740800, "model": "gpt-x-2026-11-01"}
USAGE = {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27}
LETTERS = 'ünï “quotes” \\ \x7f \u2028 😀 </s> {"json": [1]}\n\ttab\r\n'
MODERATION = {
    "input": {"type": "error", "code": "timeout", "message": "too slow"},
    "output": {"type": "error", "code": "timeout", "message": "too slow"},
}


def _choice(index: int = 0, finish_reason: str = "stop", logprobs: object = None, **message: object) -> dict[str, Any]:
    said = {"role": "assistant", "content": None, **message}
    return {"index": index, "finish_reason": finish_reason, "logprobs": logprobs, "message": said}


def _call(call_id: str, arguments: str, name: str = "clock__now") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _calls(*calls: dict[str, Any], finish_reason: str = "tool_calls", **message: object) -> dict[str, Any]:
    return _choice(finish_reason=finish_reason, tool_calls=list(calls), **message)


def _token(token: str, logprob: float, *top: tuple[str, float]) -> dict[str, Any]:
    likeliest = [{"token": other, "logprob": p, "bytes": list(other.encode())} for other, p in top]
    return {"token": token, "logprob": logprob, "bytes": list(token.encode()), "top_logprobs": likeliest}


def _cited(*urls: str) -> list[dict[str, Any]]:
    return [
        {"type": "url_citation", "url_citation": {"url": url, "title": "T", "start_index": 0, "end_index": 4}}
        for url in urls
    ]


def _usage(**details: dict[str, int]) -> dict[str, Any]:
    return {"usage": {**USAGE, **details}}


def _answer(*choices: dict[str, Any], **rest: object) -> ChatCompletion:
    body = {**HEAD, "object": "chat.completion", "usage": USAGE, **rest, "choices": list(choices)}
    return ChatCompletion.model_validate(body)


SAID = _choice(content="Noon.")
AUDIO = {"id": "audio_1", "data": "UklGRiQAAABXQVZFZm10IA==", "expires_at": 1763744400, "transcript": "It is noon, ü."}
LIKELY = [_token("No", -0.25), _token("on", -0.5), _token(".", 0.0)]

ANSWERS: dict[str, ChatCompletion] = {
    # words
    "words": _answer(SAID),
    "nothing": _answer(_choice(content="")),
    "null": _answer(_choice(content=None)),
    "any-letters": _answer(_choice(content=LETTERS)),
    "long": _answer(_choice(content="word " * 500)),
    "json": _answer(_choice(content='{"folder_id": "f-health", "confidence": 0.93}')),
    "lines": _answer(_choice(content="data: one\n\ndata: [DONE]\n\n")),
    "blanks": _answer(_choice(content="  \n ")),
    # ends
    "cut-short": _answer(_choice(finish_reason="length", content="It is")),
    "cut-before-a-word": _answer(_choice(finish_reason="length", content=None)),
    "filtered": _answer(_choice(finish_reason="content_filter", content="It is")),
    "filtered-before-a-word": _answer(_choice(finish_reason="content_filter")),
    "refused": _answer(_choice(refusal="I cannot say that.")),
    "refused-after-words": _answer(_choice(content="Well.", refusal=LETTERS)),
    # calls
    "a-call": _answer(_calls(_call("call_1", '{"zone":"UTC"}'))),
    "words-and-a-call": _answer(_calls(_call("call_1", '{"zone":"UTC"}'), content="Let me see.")),
    "two-calls": _answer(_calls(_call("call_1", '{"zone":"UTC"}'), _call("call_2", '{"zone":"CET"}'))),
    "five-calls": _answer(_calls(*(_call(f"call_{n}", f'{{"n":{n}}}', f"tool_{n}") for n in range(5)))),
    "the-same-call-twice": _answer(_calls(_call("call_1", "{}"), _call("call_2", "{}"))),
    "a-call-without-arguments": _answer(_calls(_call("call_1", ""))),
    "a-call-with-an-empty-object": _answer(_calls(_call("call_1", "{}"))),
    "a-call-with-null": _answer(_calls(_call("call_1", "null"))),
    "nested-arguments": _answer(_calls(_call("call_1", '{"a": {"b": [1, 2.5, null, true]}, "c": "\\u00fc"}'))),
    "any-letters-in-arguments": _answer(_calls(_call("call_1", json.dumps({"text": LETTERS})))),
    "broken-arguments": _answer(_calls(_call("call_1", '{"zone": "UT'))),
    "arguments-that-are-a-list": _answer(_calls(_call("call_1", "[1]"))),
    "a-call-cut-short": _answer(_calls(_call("call_1", '{"zone'), finish_reason="length")),
    "a-call-that-ends-with-stop": _answer(_calls(_call("call_1", "{}"), finish_reason="stop")),
    "a-call-of-the-old-form": _answer(
        _choice(finish_reason="function_call", function_call={"name": "clock__now", "arguments": '{"zone":"UTC"}'})
    ),
    "a-custom-call": _answer(
        _calls({"id": "call_1", "type": "custom", "custom": {"name": "shell", "input": "ls -l | wc"}})
    ),
    # choices
    "three-choices": _answer(*(_choice(n, content=f"Answer {n}.") for n in range(3))),
    "choices-that-end-differently": _answer(
        _choice(0, content="Yes."), _choice(1, "length", content="Well"), _choice(2, refusal="No.")
    ),
    "choices-with-calls": _answer(
        {**_calls(_call("call_1", "{}")), "index": 0}, {**_calls(_call("call_2", '{"a":1}')), "index": 1}
    ),
    # probabilities
    "probabilities": _answer(_choice(content="Noon.", logprobs={"content": LIKELY, "refusal": None})),
    "probabilities-of-others": _answer(
        _choice(content="No", logprobs={"content": [_token("No", -0.1, ("No", -0.1), ("Yes", -2.5))], "refusal": None})
    ),
    "probabilities-of-a-refusal": _answer(_choice(refusal="No.", logprobs={"content": None, "refusal": LIKELY})),
    "probabilities-of-two-choices": _answer(
        _choice(0, content="Noon.", logprobs={"content": LIKELY, "refusal": None}),
        _choice(1, content="No", logprobs={"content": LIKELY[:1], "refusal": None}),
    ),
    # sound and sources
    "sound": _answer(_choice(audio=AUDIO)),
    "raw-sound": _answer(_choice(audio={**AUDIO, "data": "AAAAAAAA", "transcript": ""})),
    "a-source": _answer(_choice(content="Noon.", annotations=_cited("https://example.org/a"))),
    "two-sources": _answer(_choice(content="Noon.", annotations=_cited("https://a.test/", "https://b.test/"))),
    # counts
    "uncounted": _answer(SAID, usage=None),
    "cached": _answer(SAID, **_usage(prompt_tokens_details={"cached_tokens": 16, "audio_tokens": 0})),
    "written-to-the-cache": _answer(SAID, **_usage(prompt_tokens_details={"cache_write_tokens": 12})),
    "thought": _answer(SAID, **_usage(completion_tokens_details={"reasoning_tokens": 5, "audio_tokens": 0})),
    "predicted": _answer(
        SAID,
        **_usage(completion_tokens_details={"accepted_prediction_tokens": 2, "rejected_prediction_tokens": 3}),
    ),
    "tokens-of-sound": _answer(SAID, **_usage(prompt_tokens_details={"audio_tokens": 9, "text_tokens": 11})),
    # beside
    "tier": _answer(SAID, service_tier="flex"),
    "fingerprint": _answer(SAID, system_fingerprint="fp_44709d6fcb"),
    "moderated": _answer(SAID, moderation=MODERATION),
    "with-metadata": _answer(SAID, metadata={"team": "a", "run": "7"}),
}


def cut(answer: ChatCompletion, sizes: Sequence[int] = (3,)) -> list[bytes]:
    """Return *answer* as the data of events, its texts in pieces of *sizes*, over and over; the last is `[DONE]`."""
    whole = answer.model_dump(exclude_unset=True)
    head = {key: value for key, value in whole.items() if key not in ("choices", "usage", "object")}
    lengths = cycle(sizes)
    chunks = [{**head, "choices": [piece]} for choice in whole["choices"] for piece in _choice_pieces(choice, lengths)]
    if whole.get("usage"):
        chunks.append({**head, "choices": [], "usage": whole["usage"]})
    checked = (ChatCompletionChunk.model_validate({**chunk, "object": "chat.completion.chunk"}) for chunk in chunks)
    return [*(chunk.model_dump_json(exclude_unset=True).encode() for chunk in checked), b"[DONE]"]


def as_stream(events: list[bytes], line_end: bytes = b"\n") -> bytes:
    """Return *events* as the body of a stream."""
    return b"".join(b"data: " + event + line_end * 2 for event in events)


def _choice_pieces(choice: dict[str, Any], lengths: Iterator[int]) -> Iterator[dict[str, Any]]:
    message = choice["message"]
    yield _piece(choice, {"role": "assistant", "content": "", "refusal": None})
    for field in ("content", "refusal"):
        for text in _pieces(message.get(field) or "", lengths):
            yield _piece(choice, {field: text})
    for index, call in enumerate(message.get("tool_calls") or ()):
        function = call["function"]
        begin = {"index": index, "id": call["id"], "type": "function", "function": {"name": function["name"]}}
        yield _piece(choice, {"tool_calls": [{**begin, "function": {**begin["function"], "arguments": ""}}]})
        for text in _pieces(function["arguments"], lengths):
            yield _piece(choice, {"tool_calls": [{"index": index, "function": {"arguments": text}}]})
    if message.get("function_call"):
        yield _piece(choice, {"function_call": {"name": message["function_call"]["name"], "arguments": ""}})
        for text in _pieces(message["function_call"]["arguments"], lengths):
            yield _piece(choice, {"function_call": {"arguments": text}})
    yield from _audio_pieces(choice, message.get("audio"), lengths)
    for annotation in message.get("annotations") or ():
        yield _piece(choice, {"annotations": [annotation]})
    for field, tokens in (choice.get("logprobs") or {}).items():
        for token in tokens or ():
            yield {**_piece(choice, {}), "logprobs": {"content": None, "refusal": None, field: [token]}}
    yield {**_piece(choice, {}), "finish_reason": choice["finish_reason"]}


def _audio_pieces(choice: dict[str, Any], audio: dict[str, Any] | None, lengths: Iterator[int]) -> Iterator[dict]:
    if audio:
        yield _piece(choice, {"audio": {"id": audio["id"]}})
        for field in ("transcript", "data"):
            for text in _pieces(audio[field], lengths):
                yield _piece(choice, {"audio": {field: text}})
        yield _piece(choice, {"audio": {"expires_at": audio["expires_at"]}})


def _piece(choice: dict[str, Any], delta: dict[str, Any]) -> dict[str, Any]:
    return {"index": choice["index"], "delta": delta, "finish_reason": None, "logprobs": None}


def _pieces(text: str, lengths: Iterator[int]) -> Iterator[str]:
    at = 0
    while at < len(text):
        length = next(lengths)
        yield text[at : at + length]
        at += length
