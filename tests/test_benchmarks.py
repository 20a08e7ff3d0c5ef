"""The benchmarks work: the server compiles and answers, our contenders measure themselves, and the chart is an SVG."""

from __future__ import annotations

import http.client
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
try:
    from canned import ANSWERS, CHUNKS
    from chart import Panel, chart
    from page import drawn
    from race import Race, race
    from server import NoServer, build_server, compiler, loopback
    from standings import COSTS, WAITS, costs, limit_rows, waits
    from worker import Measured, Task
    from workers import OURS, PEERS, Entrant, WorkerFailed, started
finally:
    sys.path.remove(str(BENCHMARKS))

needs_compiler = pytest.mark.skipif(
    compiler() is None or not sys.platform.startswith("linux"),
    reason="the loopback server needs Linux and a C compiler",
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with loopback() as served:
        yield served


def posted(url: str, path: str, body: bytes = b"{}") -> bytes:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request("POST", path, body)
    answer = connection.getresponse()
    assert answer.status == 200
    found = answer.read()
    connection.close()
    return found


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


@needs_compiler
@pytest.mark.parametrize("part", ANSWERS, ids=bytes.decode)
def test_the_compiled_server_answers_each_api(url: str, part: bytes):
    assert posted(url, f"/x{part.decode()}") == body_of(ANSWERS[part][0])


@needs_compiler
def test_the_compiled_server_streams_where_the_body_asks_for_it(url: str):
    assert posted(url, "/v1/chat/completions", b'{"stream":true}').count(b"data: ") == CHUNKS + 4
    assert posted(url, "/v1/chat/completions", b'{"stream": true}').count(b"data: ") == CHUNKS + 4


@needs_compiler
def test_the_compiled_server_tells_the_last_request(url: str):
    sent = b'{"messages": []}' * 20_000
    posted(url, "/after/1/v1/messages", sent)

    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request("GET", "/")
    answer = connection.getresponse()

    assert (answer.headers["x-path"], answer.read()) == ("/after/1/v1/messages", sent)
    connection.close()


@needs_compiler
def test_the_compiled_server_ends_with_its_parent(tmp_path: Path):
    (tmp_path / "answers").write_bytes(b"/ 2 2\n\r\n\r\n")
    command = [str(build_server(tmp_path)), str(tmp_path / "answers")]

    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        assert process.stdin is not None
        process.stdin.close()

        assert process.wait(timeout=10) == 0


def test_a_missing_compiler_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("CC", "no-such-compiler")

    with pytest.raises(NoServer, match="no C compiler was found; install one"):
        build_server(tmp_path)


@needs_compiler
@pytest.mark.parametrize("entrant", OURS, ids=lambda entrant: entrant.label)
def test_each_contender_of_ours_makes_calls_and_streams(url: str, entrant: Entrant):
    tasks = [Task("call", 20, 1), Task("call", 20, 8), Task("stream", 2, 1), Task("delayed", 8, 8)]

    with started([entrant], url) as ([worker], versions):
        found = [worker.measure(task) for task in tasks]

    assert "routebook" in versions
    assert all(each.wall_s > 0 and each.cpu_s > 0 and each.p99_s >= each.p50_s > 0 for each in found)
    assert found[-1].p50_s >= 0.05


@needs_compiler
def test_a_contender_whose_calls_fail_is_told_with_what_it_said(url: str):
    with started([OURS[-1]], "http://127.0.0.1:1") as ([worker], _), pytest.raises(WorkerFailed, match="ProviderError"):
        worker.measure(Task("call", 1, 1))


@pytest.fixture(scope="module")
def run_race() -> Race:
    """What a race of everybody could have come to, in three rounds."""

    def rounds(base: float) -> list[Measured]:
        return [Measured(base * 1.1 * n, base * n, 0.05 + base * n, 0.06 + base * n, 60.0) for n in (1.0, 1.2, 0.9)]

    labels = [entrant.label for entrant in (*OURS, *PEERS)]
    cost = {label: rounds(1e-4 * (number + 1)) for number, label in enumerate(labels)}
    return Race(dict.fromkeys(("one", "many", "delayed", "stream"), cost), {"routebook": "1"})


def test_the_chart_is_an_svg_that_names_everybody_but_our_client_alone(run_race: Race):
    root = ElementTree.fromstring(drawn(run_race))

    said = "".join(root.itertext())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert [entrant.label for entrant in (*OURS, *PEERS) if entrant.label not in said] == [
        "our client alone, fast",
        "our client alone, httpx2",
    ]


def test_a_chart_escapes_what_it_is_given():
    text = chart("a < b", {"<us>": "ours"}, [Panel("x & y", "ms", {"<us>": [0.0, -1.0, 2.0]}, places=1)])

    assert "x & y" in "".join(ElementTree.fromstring(text).itertext())


def test_the_tables_have_a_line_for_everybody_and_ratios_to_a_run(run_race: Race):
    lines = list(costs(run_race))

    assert {line[0] for line in lines} == {entrant.label for entrant in (*OURS, *PEERS)}
    assert {len(line) for line in lines} == {len(COSTS)}
    assert {len(line) for line in waits(run_race)} == {len(WAITS)}
    assert next(line for line in lines if line[0] == "Routebook, fast")[2] == "1.00 (1.00 to 1.00)"


def test_a_limit_that_does_not_hold_is_missed(run_race: Race):
    within = [row.within for row in limit_rows(run_race)]

    assert within == [False, True, True, False]


@needs_compiler
def test_a_race_counts_every_round_but_the_first():
    found = race(OURS[:1], {"one": Task("call", 5, 1)}, rounds=2)

    assert {label: len(rounds) for label, rounds in found.measured["one"].items()} == {OURS[0].label: 2}
