from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routebook.providers.sse import EventReader


def read(stream: bytes, *cuts: int) -> list[bytes]:
    """Read *stream* in pieces that end at *cuts*."""
    reader, found = EventReader(), []
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    for start, end in pairwise(edges):
        found += reader.feed(stream[start:end])
    return found


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data: a\ndata\ndata: b\n\n", [b"a\n\nb"]),
        (b": keep alive\n\ndata: a\n\n:\n\n", [b"a"]),
        (b"event: ping\nid: 7\nretry: 9\ndata: a\n\n", [b"a"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"data: a\n\n\n\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data\n\ndata:\n\n", []),
        (b"database: a\n\n", []),
        (b"data: a\n", []),
        (b"data: a", []),
        (b"", []),
    ],
)
def test_the_data_of_each_event_is_read(stream: bytes, events: list[bytes]):
    assert read(stream) == events


@given(
    st.lists(
        st.sampled_from([b"data: a", b"data:b", b"data", b": c", b"event: d", b"", b"", b"\xc3\xa4"]), max_size=12
    ),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.lists(st.integers(0, 200), max_size=12),
    st.booleans(),
)
def test_it_makes_no_difference_where_the_bytes_are_cut(lines: list[bytes], end: bytes, cuts: list[int], bom: bool):
    stream = (b"\xef\xbb\xbf" if bom else b"") + b"".join(line + end for line in lines)
    assert read(stream, *cuts) == read(stream)


def test_a_stream_in_single_bytes_is_read_alike():
    stream = b"\xef\xbb\xbf: hi\r\ndata: a\r\ndata: b\r\n\r\ndata: c\n\n"
    assert read(stream, *range(len(stream))) == [b"a\nb", b"c"]


def test_a_long_line_in_many_pieces_takes_time_in_proportion():
    def seconds(pieces: int) -> float:
        reader, began = EventReader(), time.perf_counter()
        for _ in range(pieces):
            reader.feed(b"x" * 256)
        return time.perf_counter() - began

    seconds(100)
    assert seconds(40_000) < 60 * max(seconds(4_000), 1e-3)
