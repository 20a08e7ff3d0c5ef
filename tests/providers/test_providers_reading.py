"""Reading: a streamed answer in pieces gives the events of its API, up to its end, without a connection."""

from __future__ import annotations

import pytest

from routebook.canonical.chat import ChatResponse
from routebook.canonical.event import TextDelta
from routebook.canonical.message import Message
from routebook.providers.answer import CUT_OFF
from routebook.providers.fault import Fault
from routebook.providers.reading import Reading, drain, first_words, is_whole, whole_body
from routebook.providers.sse import EventReader

CUT = Fault("connection", "cut off")
BROKEN = Fault("server_error", "broken")
NOTHING = Fault("malformed_response", "the stream has no events")


class Words:
    """An API each of whose events is a word, `.` the end and `!` a fault."""

    def __init__(self) -> None:
        self.is_finished = False
        self._words: list[str] = []

    def read(self, data: bytes):
        if data == b"!":
            return BROKEN
        self.is_finished = data == b"."
        if self.is_finished:
            return []
        self._words.append(data.decode())
        return [TextDelta(self._words[-1])]

    def response(self):
        return ChatResponse(Message("assistant", "".join(self._words)), "stop") if self.is_finished else CUT


class Nothing(Words):
    """An API that finds nothing it knows."""

    def response(self):
        return NOTHING


def read(*pieces: bytes) -> tuple[list[str], bool, ChatResponse | Fault]:
    reading = Reading(Words(), EventReader())
    told = [event.text for piece in pieces for event in reading.take(piece)]
    return told, reading.is_over, reading.end()


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_pieces_of_any_size_give_the_same_events_and_the_same_end(size):
    stream = b"data: a\n\n: alive\n\ndata: b\r\n\r\ndata: .\n\n"
    told, is_over, answer = read(*(stream[at : at + size] for at in range(0, len(stream), size)))
    assert (told, is_over, answer.message.text) == (["a", "b"], True, "ab")


def test_nothing_after_the_terminal_marker_is_read():
    told, is_over, answer = read(b"data: a\n\ndata: .\n\ndata: late\n\ndata: !\n\n")
    assert (told, is_over, answer.message.text) == (["a"], True, "a")


def test_a_fault_ends_the_answer_after_what_came_before_it():
    assert read(b"data: a\n\ndata: !\n\ndata: b\n\n") == (["a"], True, BROKEN)


def test_an_answer_without_its_end_is_what_its_api_says_of_it():
    assert read(b"data: a\n\ndata: b") == (["a"], False, CUT)


@pytest.mark.parametrize(
    ("first", "whole"),
    [
        (b" {", True),
        (b"[1]", True),
        (b"\n<html>", True),
        (b" \n", True),
        (b"", True),
        (b"data: {", False),
        (b":", False),
    ],
)
def test_json_a_page_and_nothing_are_answers_in_one_piece(first, whole):
    assert is_whole(first) is whole


class Pieces:
    """A connection that yields *pieces*."""

    status, headers = 200, {}

    def __init__(self, *pieces: bytes) -> None:
        self.left = list(pieces)
        self.begun = False

    async def next_piece(self) -> bytes | None:
        return self.left.pop(0) if self.left else None

    def begin_content(self) -> None:
        self.begun = True


async def test_the_first_words_are_no_blanks_and_the_rest_is_read_on_demand():
    http = Pieces(b"", b" \n", b" {", b'"a"', b": 1}")
    first = await first_words(http)
    assert (first, http.begun, len(http.left)) == (b" \n {", False, 2)
    assert (await whole_body(first, http), http.begun) == (b' \n {"a": 1}', True)
    assert await first_words(http) == b""


async def test_after_the_end_one_more_look_is_taken_and_no_more():
    http = Pieces(b"", b"more")
    await drain(http)
    assert http.left == [b"more"]


@pytest.mark.parametrize("cut", [b"d", b"data: {", b'data: {"text": "N\xc3', b'data: {"text": "Noon"}\n'])
def test_a_stream_that_breaks_off_in_its_first_event_was_cut_off(cut: bytes):
    reading = Reading(Nothing(), EventReader())
    reading.take(cut)
    assert reading.end() == CUT_OFF


@pytest.mark.parametrize("words", [b"Good day", b": still here\n", b"\n\n"])
def test_a_stream_without_any_event_is_what_its_reader_says(words: bytes):
    reading = Reading(Nothing(), EventReader())
    reading.take(words)
    assert reading.end() == NOTHING
