"""`routebook run`: streams, dumps, embeddings and images, against a provider on loopback."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROUTEBOOK = Path(sys.executable).with_name("routebook")
CANARY = "sk-canary-4f1d9a7b"
PNG = b"\x89PNG\r\n\x1a\npixels"


class Provider(BaseHTTPRequestHandler):
    """Answers as a provider does; keeps what it got."""

    received: list[str]

    def do_POST(self):
        self.received.append(self.path)
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.endswith("/embeddings"):
            self._send({"data": [{"index": 0, "embedding": [0.5, 1.0]}], "usage": {"prompt_tokens": 3}})
        elif self.path.endswith("/images/generations"):
            picture = {"b64_json": base64.b64encode(PNG).decode()}
            self._send({"created": 1, "data": [picture, picture]})
        elif asked.get("stream"):
            said = str(asked["messages"])
            self._stream(slowly="slow" in said, breaks="broken" in said)
        else:
            status = 503 if "fail" in str(asked["messages"]) else 200
            choice = {"message": {"content": "whole"}, "finish_reason": "stop"}
            self._send({"choices": [{"index": index, **choice} for index in range(asked.get("n", 1))]}, status)

    def _send(self, body, status=200):
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def _stream(self, *, slowly, breaks):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for text in ("Good ", "morning."):
            chunk = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()
            if slowly:
                time.sleep(30)
        if breaks:
            return
        end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        self.wfile.write(f"data: {json.dumps(end)}\n\ndata: [DONE]\n\n".encode())

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def provider(tmp_path, routebook):
    """A provider on loopback, and features for every kind of call to it in the book."""
    handler = type("Kept", (Provider,), {"received": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "routes" / "wire.yaml").write_text(
        f"""\
providers:
  house: {{api: openai-chat, base_url: "http://127.0.0.1:{server.server_port}/v1", api_key: {{env: HOUSE_KEY}}}}
models:
  talks: {{provider: house, capabilities: [streaming]}}
  vectors: {{provider: house, capabilities: [embeddings]}}
  draws: {{provider: house, capabilities: [image_output]}}
features:
  talk: {{use: {{model: talks}}, fallbacks: [{{model: small}}]}}
  index: {{needs: [embeddings], use: {{model: vectors}}}}
  cover: {{needs: [image_output], use: {{model: draws}}}}
"""
    )
    yield handler
    server.shutdown()
    server.server_close()


def test_a_stream_is_printed_as_it_comes_and_its_account_apart(routebook, provider):
    done = routebook("run", "talk", "--message", "x", "--stream", HOUSE_KEY=CANARY)

    assert (done.returncode, done.stdout) == (0, "Good morning.\n")
    assert "talks at house answered (the platform pays)" in done.stderr
    assert CANARY not in done.stderr


def test_a_streams_text_is_on_the_screen_before_its_end_and_ctrl_c_ends_it_with_130(tmp_path, provider):
    command = [ROUTEBOOK, "run", "talk", "--message", "slow", "--stream"]
    environment = {"PATH": "/usr/bin:/bin", "HOUSE_KEY": CANARY}
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout.read(5) == b"Good "
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)

    assert process.returncode == 130
    assert (out.strip(), err.strip()) == (b"", b"interrupted")


def test_a_stream_as_json_is_one_event_a_line(routebook, provider):
    done = routebook("run", "talk", "--message", "x", "--stream", "--json", HOUSE_KEY=CANARY)

    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["type"] for event in events] == [
        "run_started",
        "turn_started",
        "text_delta",
        "text_delta",
        "run_finished",
    ]
    assert events[-1]["result"]["text"] == "Good morning."
    assert done.stderr == ""


def test_what_an_output_contract_judges_streams_beside_the_answer(routebook):
    inputs = '{"folders": [{"id": "f-1"}, {"id": "f-2"}]}'
    done = routebook("run", "conv_folder", "--message", "folder: two", "--input", inputs, "--stream")

    assert json.loads(done.stdout) == {"folder_id": "f-2"}
    assert done.stderr.startswith('{"folder_id": "f-2"}\n')


def test_a_stream_that_breaks_ends_its_line_and_says_that_the_connection_broke(routebook, provider):
    done = routebook("run", "talk", "--message", "broken", "--stream", HOUSE_KEY=CANARY)

    assert (done.returncode, done.stdout) == (1, "Good morning.\n")
    assert "the answer was cut off" in done.stderr
    assert "base_url" not in done.stderr


def test_a_failed_run_tells_every_attempt(routebook, provider):
    done = routebook("run", "talk", "--message", "fail", HOUSE_KEY=CANARY)

    assert done.returncode == 1
    told = done.stderr.splitlines()
    assert told[0].startswith("talks at house server_error: ")
    assert told[1] == "small at stage server_error: the house is closed (nobody pays) (3 times)"
    assert told[2].startswith("error: server_error: provider 'stage'")


def test_of_several_answers_the_first_is_printed_and_the_others_are_told_of(routebook, provider):
    done = routebook("run", "talk", "--message", "x", "--option", "n=2", HOUSE_KEY=CANARY)

    assert done.stdout == "whole\n"
    assert "2 answers, of which this is the first; --json shows all" in done.stderr


def test_a_failed_stream_exits_with_1(routebook):
    done = routebook("run", "echo", "--message", "fail", "--stream")

    assert (done.returncode, done.stdout) == (1, "")
    assert "the house is closed" in done.stderr


@pytest.mark.parametrize("more", [[], ["--stream"]])
def test_a_dump_shows_the_request_masks_the_key_and_sends_nothing(routebook, provider, more):
    done = routebook("run", "talk", "--message", f"is it {CANARY}?", "--dump", *more, HOUSE_KEY=CANARY)

    assert (done.returncode, done.stderr) == (0, "")
    head, _, body = done.stdout.partition("\n\n")
    assert head.startswith("POST http://127.0.0.1:")
    assert "authorization: Bearer [redacted]" in head.splitlines()
    assert json.loads(body)["messages"][-1]["content"] == "is it [redacted]?"
    assert json.loads(body).get("stream", False) is bool(more)
    assert CANARY not in done.stdout
    assert provider.received == []


def test_a_dump_as_json_has_the_body_as_it_would_be_sent(routebook, provider):
    done = routebook("run", "talk", "--message", "x", "--dump", "--json", HOUSE_KEY=CANARY)

    dumped = json.loads(done.stdout)
    assert sorted(dumped) == ["body", "headers", "method", "url"]
    assert json.loads(dumped["body"])["model"] == "talks"
    assert dumped["headers"]["content-type"] == "application/json"
    assert provider.received == []


@pytest.mark.parametrize(("feature", "path"), [("index", "/v1/embeddings"), ("cover", "/v1/images/generations")])
def test_embeddings_and_images_are_dumped_as_well(routebook, provider, feature, path):
    done = routebook("run", feature, "--message", "x", "--dump", HOUSE_KEY=CANARY)

    assert done.stdout.splitlines()[0].endswith(path)
    assert provider.received == []


@pytest.mark.parametrize("arguments", [["echo"], ["talk", "--script", "script.yaml"]])
def test_a_dump_of_a_script_says_that_nothing_goes_over_the_wire(routebook, provider, tmp_path, arguments):
    (tmp_path / "script.yaml").write_text("- reply: {text: played}")
    done = routebook("run", *arguments, "--message", "x", "--dump", HOUSE_KEY=CANARY)

    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing goes over the wire" in done.stderr


def test_a_dump_needs_no_key_and_shows_which_variable_is_not_set(routebook, provider):
    done = routebook("run", "talk", "--message", "x", "--dump")

    assert (done.returncode, done.stderr) == (0, "")
    assert "authorization: Bearer [HOUSE_KEY is not set]" in done.stdout.splitlines()
    assert provider.received == []


def test_vectors_are_printed_as_json(routebook, provider):
    done = routebook("run", "index", "--message", "x", HOUSE_KEY=CANARY)

    assert json.loads(done.stdout) == [[0.5, 1.0]]
    assert "3 in, 0 out, unpriced" in done.stderr
    assert json.loads(routebook("run", "index", "--message", "x", "--json", HOUSE_KEY=CANARY).stdout)["attempts"]


def test_images_are_written_to_files_or_described_or_printed_as_base64(routebook, provider, tmp_path):
    written = routebook("run", "cover", "--message", "x", "--out", "cover.png", HOUSE_KEY=CANARY)
    described = routebook("run", "cover", "--message", "x", HOUSE_KEY=CANARY)
    printed = routebook("run", "cover", "--message", "x", "--json", HOUSE_KEY=CANARY)

    assert written.stdout == "cover.png: image/png, 14 bytes\ncover-2.png: image/png, 14 bytes\n"
    assert [(tmp_path / name).read_bytes() for name in ("cover.png", "cover-2.png")] == [PNG, PNG]
    assert described.stdout == "image/png, 14 bytes\nimage/png, 14 bytes\n"
    assert "not kept: --out FILE" in described.stderr
    assert "not kept" not in written.stderr + printed.stderr
    assert base64.b64decode(json.loads(printed.stdout)["images"][0]["data"]) == PNG


@pytest.mark.parametrize(
    "arguments",
    [
        ["index", "--stream"],
        ["cover", "--input", '{"a": 1}'],
        ["echo", "--out", "x.png"],
        ["cover", "--dump", "--out", "x.png"],
        ["cover", "--out", "missing/x.png"],
        ["cover", "--out", "."],
    ],
)
def test_options_that_do_not_go_with_the_kind_are_wrong_usage(routebook, provider, arguments):
    done = routebook("run", *arguments, "--message", "x", HOUSE_KEY=CANARY)

    assert done.returncode == 2
    assert provider.received == []


def test_a_feature_that_there_is_not_is_named_with_its_neighbours(routebook, provider):
    done = routebook("run", "covr", "--message", "x")

    assert done.returncode == 1
    assert "did you mean 'cover'" in done.stderr
