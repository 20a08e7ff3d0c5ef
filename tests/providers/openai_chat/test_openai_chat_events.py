from __future__ import annotations

import json
import time

import pytest

from routebook.canonical.chat import ChatResponse, TokenLogprob
from routebook.canonical.event import ModelEvent, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta
from routebook.canonical.part import AudioPart, ImagePart, NativePart, ReasoningPart, TextPart
from routebook.canonical.tool import ToolCall
from routebook.canonical.usage import Usage
from routebook.providers.answer import Answer
from routebook.providers.fault import Fault
from routebook.providers.openai_chat.decode import decode
from routebook.providers.openai_chat.events import Events

DONE = b"[DONE]"
END = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
ENDED = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
ANSWER = Answer(200, {}, b"", 0.0, ("sk-secret-key",))


def delta(index: int = 0, **fields: object) -> dict:
    return {"choices": [{"index": index, "delta": fields}]}


def call(
    index: int | None = None, call_id: str | None = None, name: str | None = None, arguments: object = None
) -> dict:
    """A chunk with a piece of a tool call; what is None is not there."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    piece = {key: value for key, value in (("index", index), ("id", call_id)) if value is not None}
    return delta(tool_calls=[{**piece, "function": function}])


def play(*chunks: object, **quirks: object) -> tuple[list[ModelEvent], ChatResponse | Fault]:
    """What the events of a stream are, and what they add up to."""
    events = Events(ANSWER, quirks)
    seen: list[ModelEvent] = []
    for chunk in chunks:
        found = events.read(chunk if isinstance(chunk, bytes) else json.dumps(chunk).encode())
        if isinstance(found, Fault):
            return seen, found
        seen += found
    return seen, events.response()


def response_of(*chunks: object, **quirks: object) -> ChatResponse:
    _, response = play(*chunks, **quirks)
    assert isinstance(response, ChatResponse), response
    return response


def fault_of(*chunks: object, **quirks: object) -> Fault:
    _, fault = play(*chunks, **quirks)
    assert isinstance(fault, Fault), fault
    return fault


def calls_of(*chunks: object) -> tuple[ToolCall, ...]:
    return response_of(*chunks, ENDED, DONE).message.tool_calls


def whole(message: dict, finish_reason: str = "stop", **rest: object) -> ChatResponse:
    body = {"choices": [{"index": 0, "message": message, "finish_reason": finish_reason}], **rest}
    response = decode(Answer(200, {}, json.dumps(body).encode()))
    assert isinstance(response, ChatResponse), response
    return response


def test_words_come_as_they_are_said():
    seen, response = play(
        delta(reasoning_content="A "), delta(reasoning="clock."), delta(content="No"), delta(content="on."), END, DONE
    )
    assert seen == [ReasoningDelta("A "), ReasoningDelta("clock."), TextDelta("No"), TextDelta("on.")]
    assert response == whole({"content": "Noon.", "reasoning": "A clock."})


def test_a_refusal_comes_as_it_is_said():
    seen, response = play(delta(refusal="I "), delta(refusal="cannot."), END, DONE)
    assert seen == [RefusalDelta("I "), RefusalDelta("cannot.")]
    assert response == whole({"content": None, "refusal": "I cannot."})


def test_calls_side_by_side_are_told_apart_by_their_index():
    seen, response = play(
        call(0, "c1", "clock", ""),
        call(1, "c2", "search", ""),
        call(0, arguments='{"a"'),
        call(1, arguments='{"b"'),
        call(0, arguments=": 1}"),
        call(1, arguments=": 2}"),
        ENDED,
        DONE,
    )
    assert isinstance(response, ChatResponse)
    assert response.message.tool_calls == (ToolCall("c1", "clock", {"a": 1}), ToolCall("c2", "search", {"b": 2}))
    assert seen[:3] == [
        ToolCallDelta(0, "c1", "clock", ""),
        ToolCallDelta(1, "c2", "search", ""),
        ToolCallDelta(0, arguments='{"a"'),
    ]


@pytest.mark.parametrize(
    "chunks",
    [
        # no index: each has an id of its own
        [call(None, "c1", "clock", "{}"), call(None, "c2", "clock", '{"a":1}')],
        # always the same index, and new ids
        [call(0, "c1", "clock", "{}"), call(0, "c2", "clock", '{"a":1}')],
        # whole calls in one chunk
        [
            delta(
                tool_calls=[
                    {"index": 0, "id": "c1", "function": {"name": "clock", "arguments": "{}"}},
                    {"index": 1, "id": "c2", "function": {"name": "clock", "arguments": '{"a":1}'}},
                ]
            )
        ],
        # no index, in pieces
        [
            call(None, "c1", "clock", "{"),
            call(None, arguments="}"),
            call(None, "c2", "clock", '{"a"'),
            call(None, "c2", arguments=":1}"),
        ],
        # id and name in every chunk
        [
            call(0, "c1", "clock", "{"),
            call(0, "c1", "clock", "}"),
            call(1, "c2", "clock", '{"a"'),
            call(1, "c2", "clock", ":1}"),
        ],
        # an index that begins at 1, and arguments that are no text
        [call(1, "c1", "clock", {}), call(2, "c2", "clock", {"a": 1})],
        # a new id in every chunk, a name in the first
        [
            call(0, "c1", "clock", "{"),
            call(0, "other", arguments="}"),
            call(1, "c2", "clock", '{"a"'),
            call(1, "another", "", ":1}"),
        ],
        # the name after the id
        [call(0, "c1"), call(0, name="clock", arguments="{}"), call(1, "c2", "clock", '{"a":1}')],
    ],
)
def test_calls_are_put_together_however_a_server_numbers_their_pieces(chunks: list):
    assert calls_of(*chunks) == (ToolCall("c1", "clock", {}), ToolCall("c2", "clock", {"a": 1}))


def test_an_id_and_a_name_are_told_once():
    seen, _ = play(call(0, "c1", "clock", "{"), call(0, "c1", "clock", "}"), ENDED, DONE)
    assert seen == [ToolCallDelta(0, "c1", "clock", "{"), ToolCallDelta(0, arguments="}")]


def test_whole_calls_of_one_index_and_without_ids_are_told_apart():
    found = calls_of(call(0, "", "now", '{"zone": "UTC"}'), call(0, "", "now", '{"zone": "CET"}'))
    assert [call.arguments for call in found] == [{"zone": "UTC"}, {"zone": "CET"}]


def test_a_name_that_every_piece_repeats_begins_no_other_call():
    found = calls_of(call(0, None, "now", '{"a": {}'), call(0, None, "now", "}"), call(0, None, "now", ""))
    assert [call.arguments for call in found] == [{"a": {}}]


def test_calls_without_index_and_id_get_ids_of_their_own():
    calls = calls_of(call(None, None, "clock", "{}"), call(None, None, "clock", "{}"))
    assert [(made.id, made.name) for made in calls] == [("call_0", "clock"), ("call_1", "clock")]


def test_a_call_of_the_old_form_is_a_call():
    chunks = (delta(function_call={"name": "clock", "arguments": '{"a"'}), delta(function_call={"arguments": ":1}"}))
    assert calls_of(*chunks) == (ToolCall("call_0", "clock", {"a": 1}),)


def test_a_custom_call_keeps_its_text_raw():
    first = {"index": 0, "id": "c1", "type": "custom", "custom": {"name": "shell", "input": "ls "}}
    chunks = (delta(tool_calls=[first]), delta(tool_calls=[{"index": 0, "custom": {"input": "-l"}}]))
    assert calls_of(*chunks) == (ToolCall("c1", "shell", None, "ls -l"),)


def test_choices_are_told_apart():
    seen, response = play(
        delta(1, content="B"),
        delta(0, content="A"),
        delta(1, content="b"),
        {"choices": [{"index": 1, "finish_reason": "length"}, {"index": 0, "finish_reason": "stop"}]},
        DONE,
    )
    assert isinstance(response, ChatResponse)
    assert seen == [TextDelta("B", 1), TextDelta("A", 0), TextDelta("b", 1)]
    assert [(c.message.text, c.finish_reason) for c in response.choices] == [("A", "stop"), ("Bb", "length")]


def test_thoughts_within_the_content_are_thoughts():
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    reference = {"type": "reference", "reference_ids": [1]}
    seen, response = play(
        delta(content=[thinking]),
        delta(content=[{"type": "text", "text": "No"}]),
        delta(content="on"),
        delta(content=[reference]),
        delta(content="."),
        END,
        DONE,
    )
    assert seen == [ReasoningDelta("hm"), TextDelta("No"), TextDelta("on"), TextDelta(".")]
    assert response == whole(
        {"content": [thinking, {"type": "text", "text": "Noon"}, reference, {"type": "text", "text": "."}]}
    )
    assert isinstance(response, ChatResponse)
    assert [type(part) for part in response.message.content] == [ReasoningPart, TextPart, NativePart, TextPart]


def test_reasoning_in_pieces_is_put_together_by_type_and_index():
    kind = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    hidden = {"type": "reasoning.encrypted", "data": "ZGF0YQ==", "id": "rs_1", "index": 0}
    other = {"type": "reasoning.encrypted", "data": "bW9yZQ==", "id": "rs_2", "index": 0}
    seen, response = play(
        delta(reasoning="Let", reasoning_details=[{**kind, "text": "Let"}]),
        delta(reasoning=" me.", reasoning_details=[{**kind, "text": " me."}]),
        delta(reasoning_details=[{**kind, "signature": "c2ln+/=="}]),
        delta(reasoning_details=[{**kind, "signature": None, "text": ""}]),
        delta(reasoning_details=[hidden, other]),
        delta(content="x"),
        END,
        DONE,
    )
    assert seen == [ReasoningDelta("Let"), ReasoningDelta(" me."), TextDelta("x")]
    block = {**kind, "text": "Let me.", "signature": "c2ln+/=="}
    details = [block, hidden, other]
    assert response == whole({"content": "x", "reasoning": "Let me.", "reasoning_details": details})


def test_reasoning_that_comes_in_pieces_alone_is_told_all_the_same():
    pieces = [{"type": "reasoning.summary", "summary": text, "index": 0} for text in ("a", "b")]
    seen, response = play(*(delta(reasoning_details=[piece]) for piece in pieces), delta(content="x"), END, DONE)
    assert seen == [ReasoningDelta("a"), ReasoningDelta("b"), TextDelta("x")]
    assert isinstance(response, ChatResponse)
    assert response.message.content[0].text == "ab"


def test_images_sources_and_sound_are_in_the_whole():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    note = {"type": "url_citation", "url_citation": {"url": "https://a.test"}}
    response = response_of(
        delta(content="See:"),
        delta(images=[image]),
        delta(annotations=[note]),
        delta(audio={"id": "audio_1", "transcript": "No"}),
        delta(audio={"data": "AAA=", "transcript": "on"}),
        delta(audio={"data": "AAAA", "expires_at": 7}),
        END,
        DONE,
    )
    text, picture, sound = response.message.content
    assert isinstance(text, TextPart)
    assert [citation.url for citation in text.citations] == ["https://a.test"]
    assert picture == ImagePart(data="AAAA", media_type="image/png")
    assert sound == AudioPart("AAAAAAA=", "audio/pcm", "Noon", "audio_1")


def test_what_chunks_say_of_the_whole_is_kept_and_the_last_word_that_says_something_holds():
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-x"}
    response = response_of(
        {"id": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]},
        {**head, **delta(content="x"), "service_tier": "auto", "obfuscation": "abc", "usage": None},
        {**head, **END, "service_tier": "default", "system_fingerprint": "fp_1", "citations": ["https://a.test"]},
        {**head, "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "cost": 0.5}},
        {"id": None, "model": "", "choices": [], "system_fingerprint": None, "citations": None, "usage": None},
        DONE,
    )
    assert response == whole(
        {"content": "x"},
        id="chatcmpl-1",
        model="gpt-x",
        created=1,
        service_tier="default",
        system_fingerprint="fp_1",
        citations=["https://a.test"],
        prompt_filter_results=[{"prompt_index": 0}],
        usage={"prompt_tokens": 3, "completion_tokens": 2, "cost": 0.5},
    )


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_usage_may_come_in_any_chunk(place: int):
    chunks: list[dict] = [delta(role="assistant"), delta(content="x"), dict(END), {"choices": []}]
    chunks[place] = {**chunks[place], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}
    assert response_of(*chunks, DONE).usage == Usage(3, 2)


@pytest.mark.parametrize("done", [DONE, b" [DONE] ", b"[DONE]\n"])
def test_the_marker_ends_the_stream_with_blanks_or_without(done: bytes):
    events = Events(ANSWER, {})
    assert not events.is_finished
    assert events.read(done) == ()
    assert events.is_finished


def test_a_stream_without_its_marker_is_cut_off():
    fault = fault_of(delta(content="x"), END)
    assert (fault.kind, "cut off" in fault.message) == ("connection", True)


def test_a_stream_without_a_marker_is_whole_where_the_preset_says_so_and_every_choice_has_its_reason():
    quirks = {"stream_end": "finish_reason"}
    assert response_of(delta(content="x"), END, **quirks).message.text == "x"
    assert fault_of(delta(content="x"), **quirks).kind == "connection"
    assert fault_of(delta(content="x"), delta(1, content="y"), END, **quirks).kind == "connection"


def test_a_stream_without_a_chunk_is_malformed():
    assert fault_of().message == "the stream has no events"
    assert fault_of(DONE).message == "the answer has no choices"


@pytest.mark.parametrize(
    ("chunk", "kind", "message"),
    [
        ({"error": {"message": "Slow down", "code": 429}}, "rate_limit", "Slow down"),
        ({"error": {"message": "Gone", "code": 502}, **END}, "server_error", "Gone"),
        ({"error": "bad key sk-secret-key"}, "server_error", "bad key [redacted]"),
        (
            {"object": "error", "message": "prompt is too long", "type": "BadRequestError", "code": 400},
            "context_window_exceeded",
            "prompt is too long",
        ),
    ],
)
def test_an_error_in_the_middle_is_a_fault(chunk: dict, kind: str, message: str):
    fault = fault_of(delta(content="So "), chunk)
    assert (fault.kind, fault.message) == (kind, message)


def test_an_error_of_a_choice_is_a_fault_at_the_end():
    failed = {"choices": [{"index": 0, "finish_reason": "error", "error": {"code": 502, "message": "Gone"}}]}
    fault = fault_of(delta(content="So "), failed, DONE)
    assert (fault.kind, fault.message) == ("server_error", "Gone")


@pytest.mark.parametrize(
    ("chunk", "words"),
    [
        (b"{half", "the answer is no JSON"),
        (b"<html>", "a web page"),
        (b"7", "does not fit this API"),
        (b'{"\xff": 1, "choices": []}', "the answer is no JSON"),
        (delta(content=[{"type": "text", "text": 7}]), "a text that is none"),
        ({"choices": [{"index": 0, "delta": {"content": 7}}]}, "does not fit this API"),
    ],
)
def test_a_chunk_that_is_none_is_malformed(chunk: object, words: str):
    fault = fault_of(delta(content="So "), chunk)
    assert (fault.kind, words in fault.message) == ("malformed_response", True)


def test_a_part_of_an_unknown_type_is_malformed_at_the_end():
    fault = fault_of(delta(content=[{"type": "video"}]), END, DONE)
    assert (fault.kind, "a part of type 'video'" in fault.message) == ("malformed_response", True)


def test_a_message_in_place_of_pieces_is_the_answer():
    chunk = {"choices": [{"index": 0, "message": {"content": "Noon."}, "finish_reason": "stop"}]}
    seen, response = play(chunk, DONE)
    assert (seen, response) == ([TextDelta("Noon.")], whole({"content": "Noon."}))


def test_a_message_beside_or_after_its_pieces_adds_nothing():
    beside = {"choices": [{"index": 0, "delta": {"content": "No"}, "message": {"content": "No"}}]}
    after = {"choices": [{"index": 0, "message": {"content": "Noon."}, "finish_reason": "stop"}]}
    assert response_of(beside, delta(content="on."), after, DONE) == whole({"content": "Noon."})


def test_a_message_in_place_of_pieces_that_is_none_is_malformed():
    assert fault_of({"choices": [{"message": "Noon."}]}, DONE).kind == "malformed_response"


def test_a_stream_that_stopped_early_is_a_fault_though_its_marker_comes():
    last = {**END, "x_groq": {"id": "req_1", "error": "over capacity"}}
    fault = fault_of(delta(content="No"), last, DONE)
    assert (fault.kind, fault.message) == ("overloaded", "over capacity")


def test_the_logprobs_of_one_token_in_each_piece_are_those_of_the_whole():
    """In lists where the answer comes whole, and as a number in each piece of a stream."""
    first, last = delta(content="No"), delta(content="on.")
    first["choices"][0]["logprobs"], last["choices"][0]["logprobs"] = -0.25, -1
    lists = {"tokens": ["No", "on."], "token_logprobs": [-0.25, -1.0], "token_ids": [7, 8]}
    body = {"choices": [{"message": {"content": "Noon."}, "finish_reason": "stop", "logprobs": lists}]}

    answer = decode(Answer(200, {}, json.dumps(body).encode()))

    assert isinstance(answer, ChatResponse)
    assert answer.logprobs == (TokenLogprob("No", -0.25), TokenLogprob("on.", -1.0))
    assert response_of(first, last, END, DONE) == answer


def test_logprobs_in_lists_tell_the_likeliest_tokens_too():
    lists = {"tokens": ["No", "x"], "token_logprobs": [-0.25, None], "top_logprobs": [{"No": -0.25, "Yes": -2.5}, 7]}
    chunk = {"choices": [{"delta": {"content": "No"}, "logprobs": lists}]}
    top = (TokenLogprob("No", -0.25), TokenLogprob("Yes", -2.5))
    assert response_of(chunk, END, DONE).logprobs == (TokenLogprob("No", -0.25, top),)


@pytest.mark.parametrize("words", [{"message": "Gone", "type": "x"}, {"detail": "Gone"}])
def test_words_of_a_failure_in_the_middle_are_no_chunk(words: dict):
    fault = fault_of(delta(content="No"), words, DONE)
    assert (fault.kind, fault.message) == ("malformed_response", "the answer has no choices: Gone")


def test_reasoning_whose_type_or_index_is_no_name_is_kept_as_it_stands():
    details = [{"type": {"a": 1}, "index": 0}, {"type": "x", "index": [1]}, {"type": ["x"], "index": 0}]
    response = response_of(delta(reasoning_details=details, content="So"), END, DONE)
    assert json.loads(response.message.content[0].signature) == details


def test_calls_that_only_their_ids_tell_apart_take_no_time():
    began = time.process_time()
    chunks = [call(None, f"c{number}", "f", "{}") for number in range(20_000)]
    assert len(calls_of(*chunks, ENDED, DONE)) == 20_000
    assert time.process_time() - began < 10


@pytest.mark.parametrize("piece", ["é", "a", "=a"])
def test_sound_that_is_no_base64_is_kept_as_it_came(piece: str):
    response = response_of(delta(audio={"id": "a", "data": "aGk="}), delta(audio={"data": piece}), END, DONE)
    assert [part.data for part in response.message.content] == ["aGk=" + piece]
