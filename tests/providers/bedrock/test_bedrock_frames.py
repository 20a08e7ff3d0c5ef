from __future__ import annotations

import json
import struct
import time
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from event_frames import event, exception, frame
from hypothesis import given, settings
from hypothesis import strategies as st

from routebook.providers.bedrock.frames import FrameReader, read_headers
from routebook.providers.fault import Fault

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(lambda name: len(name.encode()) < 256)
VALUES = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=60),
    st.tuples(st.just(0), st.just(b"")),
    st.tuples(st.just(1), st.just(b"")),
    *(
        st.tuples(st.just(kind), st.binary(min_size=size, max_size=size))
        for kind, size in ((2, 1), (3, 2), (4, 4), (5, 8), (8, 8), (9, 16))
    ),
    st.tuples(st.just(6), st.binary(max_size=60)),
)
HEADERS = st.dictionaries(NAMES, VALUES, max_size=6)
FRAMES = st.lists(st.tuples(HEADERS, st.binary(max_size=200)), min_size=1, max_size=5)
WORDS = event("contentBlockDelta", {"delta": {"text": "Noon."}})


def read(*pieces: bytes) -> list[bytes | Fault]:
    reader = FrameReader()
    return [found for piece in pieces for found in reader.feed(piece)]


def fault_of(stream: bytes) -> Fault:
    *_, fault = read(stream)
    assert isinstance(fault, Fault)
    return fault


def lengths(total: int, headers: int) -> bytes:
    begun = struct.pack(">II", total, headers)
    return begun + struct.pack(">I", crc32(begun))


def test_an_event_is_an_object_with_its_kind_as_key():
    (data,) = read(WORDS)
    assert json.loads(data) == {"contentBlockDelta": {"delta": {"text": "Noon."}}}
    assert [json.loads(data) for data in read(frame({":event-type": "x"}, b""))] == [{"x": {}}]
    assert [json.loads(data) for data in read(frame({}, b"7"))] == [{"": 7}]


@pytest.mark.parametrize("size", range(1, len(WORDS) + 1))
def test_a_stream_may_be_cut_at_every_byte(size: int):
    stream = WORDS + event("messageStop", {}) + WORDS
    pieces = [stream[begin : begin + size] for begin in range(0, len(stream), size)]
    assert read(*pieces) == read(stream)
    assert len(read(stream)) == 3


@settings(max_examples=150, deadline=None)
@given(frames=FRAMES, size=st.integers(1, 50))
def test_frames_are_read_as_botocore_reads_them(frames: list, size: int):
    stream = b"".join(frame(headers, payload) for headers, payload in frames)
    buffer = EventStreamBuffer()
    buffer.add_data(stream)
    theirs = list(buffer)
    reader, ours = FrameReader(), []
    for begin in range(0, len(stream), size):
        ours += reader.feed(stream[begin : begin + size])
    assert len(ours) == len(theirs)
    for data, known in zip(ours, theirs, strict=True):
        assert data.endswith((known.payload or b"{}") + b"}") or b'"exception"' in data
    for headers, _ in frames:
        block = frame(headers, b"")[12:-4]
        texts = {name: value for name, value in headers.items() if isinstance(value, str)}
        assert {name: value for name, value in read_headers(block).items() if isinstance(value, str)} == texts


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (exception("throttlingException", {"message": "Slow down."}), {"message": "Slow down."}),
        (exception("throttlingException", b""), {"message": None}),
        (exception("throttlingException", b"Slow down, \xff"), {"message": "Slow down, \ufffd"}),
        (
            frame({":message-type": "error", ":error-code": "throttlingException", ":error-message": "Slow."}, b""),
            {"message": "Slow."},
        ),
    ],
)
def test_an_exception_has_its_type_beside_what_it_says(stream: bytes, said: dict):
    (data,) = read(stream)
    assert json.loads(data) == {"exception": {"type": "throttlingException", "body": said}}


def test_nothing_is_said_of_a_frame_that_is_not_whole_yet():
    assert read(WORDS[:-1]) == []
    assert read(b"", WORDS[:5]) == []


@pytest.mark.parametrize("at", range(len(WORDS)))
def test_a_byte_that_is_wrong_breaks_the_stream_wherever_it_stands(at: int):
    wrong = WORDS[:at] + bytes([WORDS[at] ^ 0x10]) + WORDS[at + 1 :]
    found = read(wrong + WORDS + WORDS * 40)
    assert [type(each) for each in found] == [Fault]
    assert found[0].kind == "malformed_response"


def test_what_came_before_a_broken_frame_counts_and_nothing_after():
    found = read(WORDS + WORDS[:-1] + b"\0" + WORDS, WORDS)
    assert [type(each) for each in found] == [bytes, Fault]
    assert found[1].message == "the stream of events is broken: the checksum of a frame is wrong"


@pytest.mark.parametrize(
    ("total", "headers"),
    [
        (15, 0),
        (16, 1),
        (16 + 128 * 1024 + 1, 128 * 1024 + 1),
        (16 + 24 * 1024 * 1024 + 1, 0),
        (2**32 - 1, 0),
        (0, 0),
        (20, 2**32 - 1),
    ],
)
def test_a_frame_that_is_too_large_or_none_is_refused_by_its_beginning(total: int, headers: int):
    fault = fault_of(lengths(total, headers))
    assert (fault.kind, "too large, or none" in fault.message) == ("malformed_response", True)


@pytest.mark.parametrize(
    "block",
    [
        b"\x05:a",
        b"\x02:a",
        b"\x02:a\x0a",
        b"\x02:a\x07\x00\x09short",
        b"\x02:a\x07\x00",
        b"\x02:a\x09short",
        b"\x02:a\x05\x00",
        b"\x02\xff\xfe\x00",
        b"\x02:a\x07\x00\x01\xff",
        b"\x02:a\x00\x02:a\x01",
    ],
)
def test_headers_that_cannot_be_read_break_the_stream(block: bytes):
    begun = lengths(16 + len(block), len(block)) + block
    fault = fault_of(begun + struct.pack(">I", crc32(begun)))
    assert fault.kind == "malformed_response"


def test_words_that_are_no_frames_break_the_stream():
    assert fault_of(b"data: {}\n\ndata: {}\n\n").kind == "malformed_response"


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_a_long_stream_takes_time_by_its_length_only(size: int):
    stream = event("x", {"text": "y" * 500_000}) if size == 1 else WORDS * 100_000
    began = time.process_time()
    pieces = [stream[begin : begin + size] for begin in range(0, len(stream), size)]
    assert len(read(*pieces)) == (1 if size == 1 else 100_000)
    assert time.process_time() - began < 10
