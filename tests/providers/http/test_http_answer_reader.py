from __future__ import annotations

import gc

import httpcore2
import pytest

from routebook.providers.http.answer_reader import AnswerReader

LONG = 100 * 1024


def read(*pieces: bytes, ends: bool = False) -> AnswerReader:
    reader = AnswerReader()
    for piece in pieces:
        reader.feed(piece)
    if ends:
        reader.feed_end()
    return reader


def objection(*pieces: bytes, ends: bool = False) -> str:
    with pytest.raises(httpcore2.RemoteProtocolError) as caught:
        read(*pieces, ends=ends)
    return str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nX-A: 1 \r\nContent-Length: 5\r\nx-a:\t2\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nx-a: 1\r\nTransfer-Encoding: Chunked\r\nx-a: 2\r\n\r\n"
        b"2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nx-a: 3\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nx-a: 0\r\n\r\n"
        b"HTTP/1.1 200\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\nx-a: 1\nx-a: 2\ncontent-length: 5\n\nhello",
        b"HTTP/1.1 200 OK\r\nx-a: 1\r\nx-a: 2\r\ntransfer-encoding: chunked\r\n\r\n5  \r\nhello\r\n0\r\n\r\n",
    ],
)
def test_an_answer_is_the_same_however_it_is_cut_into_pieces(answer):
    for size in (1, 2, 7, len(answer)):
        reader = read(*(answer[at : at + size] for at in range(0, len(answer), size)))
        assert (reader.status, reader.headers["x-a"], reader.take()) == (200, "1, 2", b"hello")
        assert (reader.has_head, reader.is_over, reader.keeps_alive) == (True, True, True)


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_body_whatever_they_say(status):
    reader = read(b"HTTP/1.1 %d X\r\ncontent-length: 5\r\n\r\n" % status)
    assert (reader.is_over, reader.keeps_alive, reader.waiting_bytes) == (True, True, 0)


def test_what_says_nothing_of_its_length_ends_with_its_connection():
    reader = read(b"HTTP/1.1 200 OK\r\n\r\nall", b" there is")
    assert not reader.is_over
    reader.feed_end()
    assert (reader.is_over, reader.keeps_alive, reader.take()) == (True, False, b"all there is")


def test_a_connection_that_is_to_be_closed_is_not_kept():
    assert not read(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").keeps_alive
    assert not read(b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n").keeps_alive


@pytest.mark.parametrize("more", [b"rubbish", b"H", b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad"])
def test_what_follows_an_answer_changes_nothing_but_that_no_other_may_follow(more):
    whole = b"HTTP/1.1 201 X\r\nx-a: 1\r\ncontent-length: 4\r\n\r\ngood"
    for pieces in ((whole + more,), (whole, more)):
        reader = read(*pieces)
        assert (reader.status, reader.take(), reader.headers["x-a"]) == (201, b"good", "1")
        assert (reader.is_over, reader.keeps_alive) == (True, False)


def test_letters_outside_ascii_are_read_as_latin_1():
    assert read(b"HTTP/1.1 200 OK\r\nx-city: Z\xfcrich\r\n\r\n").headers == {"x-city": "Zürich"}


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "Expected HTTP/"),
        (b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n", "a protocol that was not asked for"),
        (b"HTTP/1.1 101 X\r\n\r\n", "a protocol that was not asked for"),
        (b"HTTP/1.1 099 X\r\n\r\n", "there is no status 099"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\n", "Content-Length"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n", "Transfer-Encoding"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n", "Only Transfer-Encoding: chunked"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n", "Only Transfer-Encoding: chunked"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", "chunk size"),
        (b"HTTP/1.1 200 OK\r\na\x00: b\r\n\r\n", "header"),
    ],
)
def test_what_is_no_http_is_said_to_be_none(head, words):
    assert words in objection(head)


@pytest.mark.parametrize(
    "opening",
    [
        b"HTTP/1.1 200 " + b"x" * 10,
        b"HTTP/1.1 200 OK\r\na: ",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\na: ",
    ],
)
def test_heads_sizes_and_trailers_without_end_are_refused(opening):
    reader = read(opening, b"x" * (LONG - len(opening)))
    with pytest.raises(httpcore2.RemoteProtocolError, match="too long"):
        reader.feed(b"x" * (len(opening) + 1))


def test_a_long_body_is_none_of_these():
    reader = read(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (3 * LONG), *[b"x" * LONG] * 3)
    assert (reader.is_over, reader.waiting_bytes, len(reader.take()), reader.waiting_bytes) == (
        True,
        3 * LONG,
        3 * LONG,
        0,
    )


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"", "Server disconnected without sending a response."),
        (b"HTTP/1.1 200", "Server disconnected without sending a response."),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
            "peer closed connection without sending complete message body (received 3 bytes, expected 10)",
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n",
            "peer closed connection without sending complete message body (incomplete chunked read)",
        ),
    ],
)
def test_an_answer_that_is_cut_off_is_told_in_the_other_librarys_words(start, words):
    assert objection(start, ends=True) == words


def test_a_reader_that_is_closed_is_no_work_for_the_garbage_collector():
    gc.collect()
    gc.disable()
    try:
        reader = read(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        reader.close()
        del reader
        assert gc.collect() == 0
    finally:
        gc.enable()
