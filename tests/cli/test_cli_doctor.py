"""`routebook doctor`: what is there, what is missing, and who answers."""

from __future__ import annotations

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
CANARY = "sk-canary-9e0d"


class Provider(BaseHTTPRequestHandler):
    """Answers `good` paths, refuses the key on others, and keeps `slow` ones waiting."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        if "slow" in self.path:
            time.sleep(30)
        body = {"choices": [{"index": 0, "message": {"content": "pong"}, "finish_reason": "stop"}]}
        if "good" not in self.path:
            body = {"error": {"message": f"wrong key: {CANARY}", "code": "invalid_api_key"}}
        payload = json.dumps(body).encode()
        self.send_response(200 if "good" in self.path else 401)
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def write(tmp_path, routebook):
    """Add providers at paths of a server on loopback to the book, each with a feature."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def add(**paths: str) -> None:
        url = f"http://127.0.0.1:{server.server_port}"
        lines = ["providers:"]
        lines += [
            f'  {name}: {{api: openai-chat, base_url: "{url}/{path}/v1", api_key: {{env: HOUSE_KEY}}}}'
            for name, path in paths.items()
        ]
        lines += ["features:", *(f"  ask-{name}: {{use: {{model: {name}/m}}}}" for name in paths)]
        (tmp_path / "routes" / "wire.yaml").write_text("\n".join(lines) + "\n")

    yield add
    server.shutdown()
    server.server_close()


def test_a_machine_where_all_is_well_has_no_problems(routebook, write):
    write(house="good")
    done = routebook("doctor", HOUSE_KEY=CANARY)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("no problems")
    assert "transport: fast (`settings.transport` is auto)" in done.stdout
    assert ["HOUSE_KEY", "set", "provider", "'house'"] in [line.split() for line in done.stdout.splitlines()]
    assert CANARY not in done.stdout + done.stderr


def test_a_ping_tells_of_each_provider_in_a_table_and_fails_where_one_does_not_answer(routebook, write):
    write(house="good", other="bad")
    done = routebook("doctor", "--ping", HOUSE_KEY=CANARY)

    assert done.returncode == 1
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["house", "house/m", "answers"] in [row[:3] for row in rows]
    assert ["other", "other/m", "authentication", "401:", "wrong", "key:"] in [row[:6] for row in rows]
    assert ["stage", "not", "asked:", "it", "plays", "a", "script"] in rows
    assert "1 problem:\n- provider 'other': authentication: " in done.stdout
    assert CANARY not in done.stdout + done.stderr


def test_an_unset_variable_is_a_problem_once(routebook, write):
    write(house="good")
    done = routebook("doctor", "--ping")

    assert done.returncode == 1
    assert done.stdout.endswith("1 problem:\n- provider 'house': environment variable HOUSE_KEY is not set\n")


def test_json_has_all_of_it(routebook, write):
    write(house="good")
    done = routebook("doctor", "--ping", "--json", HOUSE_KEY=CANARY)

    found = json.loads(done.stdout)
    assert found["transport"] == {"setting": "auto", "in_use": "fast"}
    assert {extra["name"] for extra in found["extras"]} == {"bedrock", "fast", "litellm", "pytest", "vertex"}
    assert {ping["provider"]: ping["asked"] for ping in found["pings"]} == {"house": True, "stage": False}
    assert {need["name"]: need["state"] for need in found["environment"]}["HOUSE_KEY"] == "set"
    assert (found["problems"], done.returncode) == ([], 0)
    assert [set(ping) for ping in found["pings"]] == [
        {"provider", "model", "asked", "kind", "status", "message", "duration_s"}
    ] * 2
    assert all({"kind", "name", "state", "used_by", "problem"} == set(need) for need in found["environment"])
    assert CANARY not in done.stdout


def test_a_place_without_a_book_is_a_problem_and_no_traceback(routebook, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    done = routebook("doctor", "--ping", "--routes", "elsewhere")

    assert (done.returncode, done.stderr) == (1, "")
    assert "book: elsewhere does not compile; `routebook check --routes elsewhere` says all" in done.stdout
    assert "no provider was asked, since the book does not compile" in done.stdout


def test_ctrl_c_ends_a_ping_with_130(tmp_path, write):
    write(house="slow")
    with subprocess.Popen(
        [ROUTEBOOK, "doctor", "--ping"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "HOUSE_KEY": CANARY},
    ) as process:
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=10)
    assert (process.returncode, said) == (130, b"\ninterrupted\n")
