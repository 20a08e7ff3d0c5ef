"""Workers, seen from their parent: who there is, starting them, and telling them what to measure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from contenders.asked import KEY, KEY_NAME
from worker import Measured, Task

_WORKER = Path(__file__).with_name("worker.py")
_PEERS = Path(__file__).parents[1] / ".venv-bench" / "bin" / "python"
# What a worker sees of this process's environment: no proxy, and nobody's keys.
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Entrant:
    """Who is measured: what the table calls it, its module in `contenders` and its name there, the interpreter that
    has it, and the variables that it must find before it is imported.
    """

    label: str
    module: str
    name: str
    python: Path = Path(sys.executable)
    environment: Mapping[str, str] = field(default_factory=dict)


# Else the library fetches prices, headers and news from the network when it is imported.
_LITELLM = {
    f"LITELLM_LOCAL_{what}": "True"
    for what in ("MODEL_COST_MAP", "ANTHROPIC_BETA_HEADERS", "AUTOROUTER_PRESETS", "BLOG_POSTS", "POLICY_TEMPLATES")
}
# What the gateway tells of itself would go to its makers.
_TENSORZERO = {"TENSORZERO_DISABLE_PSEUDONYMOUS_USAGE_ANALYTICS": "1", "RUST_LOG": "error"}

RUN = "Routebook, fast"
RUN_HTTPX2 = "Routebook, httpx2"
ROUTER = "LiteLLM Router"
TENSORZERO = "TensorZero, embedded"
OURS = (
    Entrant("bare fast transport", "bare", "fast"),
    Entrant("bare httpx2", "bare", "httpx2"),
    Entrant("our client alone, fast", "ours", "client-fast"),
    Entrant("our client alone, httpx2", "ours", "client-httpx2"),
    Entrant(RUN, "ours", "engine-fast"),
    Entrant(RUN_HTTPX2, "ours", "engine-httpx2"),
)
PEERS = (
    Entrant(TENSORZERO, "tensorzero_embedded", "", _PEERS, _TENSORZERO),
    Entrant("OpenAI's client", "openai_sdk", ""),
    Entrant("LiteLLM", "litellm_library", "acompletion", _PEERS, _LITELLM),
    Entrant(ROUTER, "litellm_library", "Router", _PEERS, _LITELLM),
)


class WorkerFailed(Exception):
    """A worker ended, or never began; the message ends with what it said last."""


class Worker:
    """An entrant's process, which stays alive until `close`; what it says beside its measures goes to *said*."""

    def __init__(self, entrant: Entrant, url: str, said: Path) -> None:
        if not entrant.python.exists():
            raise WorkerFailed(f"{entrant.label} has no environment; `make bench` installs it")
        self.entrant = entrant
        self._said = said
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        command = [str(entrant.python), str(_WORKER), entrant.module, entrant.name, url]
        environment = {**kept, **entrant.environment, KEY_NAME: KEY}
        with said.open("w", encoding="utf-8") as errors:
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def ready(self) -> Mapping[str, str]:
        """Wait until it can measure; return the versions of what it has imported.

        Raises:
            WorkerFailed: It cannot.
        """
        versions: Mapping[str, str] = json.loads(self._line())
        return versions

    def measure(self, task: Task) -> Measured:
        """Let it do *task*.

        Raises:
            WorkerFailed: It ended, since a call failed, say.
        """
        assert self._process.stdin is not None
        print(json.dumps(asdict(task)), file=self._process.stdin, flush=True)
        return Measured(**json.loads(self._line()))

    def close(self) -> None:
        """End it, and wait until it has ended."""
        self._process.kill()
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            said = self._said.read_text(encoding="utf-8", errors="replace")
            raise WorkerFailed(f"{self.entrant.label} ended:\n{said[-2000:]}")
        return line


@contextmanager
def started(entrants: Sequence[Entrant], url: str) -> Iterator[tuple[Sequence[Worker], Mapping[str, str]]]:
    """Start a worker for each of *entrants*, all at once; yields them, ready, and the versions of what they measure.

    Raises:
        WorkerFailed: One cannot be started.
    """
    versions: dict[str, str] = {}
    with ExitStack() as stack:
        folder, workers = Path(stack.enter_context(tempfile.TemporaryDirectory())), []
        for number, entrant in enumerate(entrants):
            workers.append(Worker(entrant, url, folder / str(number)))
            stack.callback(workers[-1].close)
        for worker in workers:
            # LiteLLM has an older client of OpenAI's beneath it; the one that is named is the one that is measured.
            versions = {**worker.ready(), **versions}
        yield workers, versions
