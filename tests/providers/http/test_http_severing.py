from __future__ import annotations

import os
import socket

import pytest

from routebook.providers.http import severing
from routebook.providers.http.severing import Mark, can_sever, new_mark, sever

pytestmark = pytest.mark.skipif(not can_sever(), reason="the system shows a process no sockets")


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def connected(listener: socket.socket, mark: Mark | None) -> tuple[socket.socket, socket.socket]:
    near = socket.create_connection(listener.getsockname())
    if mark is not None:
        near.setsockopt(socket.IPPROTO_TCP, severing._IDLE_OPTION, mark.idle.seconds)
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, mark.interval.seconds)
    far, _ = listener.accept()
    far.settimeout(5)
    return near, far


def test_marks_differ_and_are_what_the_system_takes():
    marks = [new_mark() for _ in range(50)]
    assert len(set(marks)) == 50
    assert all(0 < mark.idle.seconds < 32768 and 0 < mark.interval.seconds < 32768 for mark in marks)


def test_the_socket_with_the_mark_is_shut_down_and_no_other(listener):
    mark = new_mark()
    near, far = connected(listener, mark)
    others = [connected(listener, new_mark()), connected(listener, None)]
    sever(mark)
    assert (near.recv(1), far.recv(1)) == (b"", b"")
    for other_near, other_far in others:
        other_near.sendall(b"x")
        assert other_far.recv(1) == b"x"
    for each in (near, far, *(one for pair in others for one in pair)):
        each.close()


def test_looking_for_a_socket_leaves_no_descriptor_open(listener):
    near, far = connected(listener, None)
    before = os.listdir("/dev/fd")
    sever(new_mark())
    assert os.listdir("/dev/fd") == before
    near.close()
    far.close()


def test_where_the_system_has_no_room_for_looking_nothing_is_raised(monkeypatch):
    def no_room(_path: str) -> list[str]:
        raise OSError(24, "too many open files")

    monkeypatch.setattr(severing.os, "listdir", no_room)
    sever(new_mark())
