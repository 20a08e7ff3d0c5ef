"""The tour: Routebook's main job on one screen, offline.

Compiles the example book, shows the table, explains a decision, runs a tool loop over real servers and a folder
assignment, then breaks a copy of a route file while an engine watches it, and mends it. The models' part is played
by the book's script; everything else is real.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from ..book import compile_book
from ..diagnostics.diagnostic import Diagnostic
from ..engine.engine import Engine
from ..engine.result import RunResult
from ..routing.context import Context
from ..routing.explain import Explanation
from ..routing.table import RoutingTable
from .example import copy_example, example_book, example_input, example_script

QUESTION = "What did I promise to do this week, and what day is it today?"
CONVERSATION = "The dentist can see me on Monday at nine. I should bring the X-ray from last year."
SHOWN = ("chat_agent", "conv_folder", "daily_summary", "fair_use", "web_search")

_EDITED = Path("features") / "conversations.yaml"
_LONGEST_WAIT_S = 5.0
_LOOK_S = 0.01
_SHOWN_LENGTH = 44


class Tour:
    """Shows each stop: *head* prints its title with an aside, *say* a text; *show_table*, *explain*, *account* and
    *report* are how the command line words these things.
    """

    def __init__(
        self,
        head: Callable[[str, str], None],
        say: Callable[[str], None],
        show_table: Callable[[RoutingTable, tuple[str, ...]], str],
        explain: Callable[[RoutingTable, Explanation], str],
        account: Callable[[RunResult], str],
        report: Callable[[Iterable[Diagnostic]], str],
    ) -> None:
        self._stop = head
        self._say = say
        self._show_table = show_table
        self._explain = explain
        self._account = account
        self._report = report

    async def take(self) -> None:
        """Visit every stop."""
        started = time.perf_counter()
        table = self._compile()
        self._stop("2. What serves what", f"{len(SHOWN)} of {len(table.features)} features; `routebook table` has all")
        self._say(self._show_table(table, SHOWN))
        self._stop("3. One decision, with the lines it rests on", "routebook explain conv_folder --profile max")
        self._say(self._explain(table, table.explain("conv_folder", Context(profile="max"))))
        async with Engine(table, script=example_script()) as engine:
            await self._use_tools(engine)
            await self._assign_folder(engine)
        with tempfile.TemporaryDirectory(prefix="routebook-demo-") as directory:
            await self._edit_live(Path(directory) / "routes")
        self._stop(f"Done in {time.perf_counter() - started:.1f} s", "nothing left this machine")
        self._say(
            "On a real provider: routebook init --example my-routes && OPENROUTER_API_KEY=... "
            f'routebook run chat_agent --routes my-routes --message "{QUESTION}"'
        )

    def _compile(self) -> RoutingTable:
        clock = time.perf_counter()
        table = compile_book(example_book())
        took = (time.perf_counter() - clock) * 1000
        self._stop("1. A book of route files compiles", "routebook check")
        files = sum(1 for path in example_book().rglob("*.yaml") if not path.parent.name.startswith("_"))
        self._say(
            f"{files} files → {len(table.features)} features, {len(table.models)} models, {len(table.profiles)} "
            f"profiles, table {table.digest[:12]}, in {took:.0f} ms"
        )
        return table

    async def _use_tools(self, engine: Engine) -> None:
        self._stop("4. A tool loop over two real MCP servers", f'routebook run chat_agent --message "{QUESTION}"')
        result = await engine.run("chat_agent", QUESTION)
        self._say(self._account(result))
        self._say(f"answer: {result.text}")

    async def _assign_folder(self, engine: Engine) -> None:
        self._stop("5. An output that is checked against the caller's own data", "the model may only choose a real id")
        inputs = example_input("folders.json")
        for text in (CONVERSATION, "We talked about this and that.", "File this under my secret folder."):
            result = await engine.run("conv_folder", text, inputs=inputs)
            check = result.checks[0]
            self._say(f"{_start(text):<45} → {check.value}: {check.status}, the model said {check.original!r}")

    async def _edit_live(self, routes: Path) -> None:
        copy_example(routes)
        file = routes / _EDITED
        good = file.read_text(encoding="utf-8")
        async with Engine(routes, watch=True, script=example_script()) as engine:
            before = await self._served(engine)
            self._stop("6. A bad edit, while the engine watches", f"a copy of {_EDITED}: model {before} → {before}x")
            _save(file, _rerouted(good, before, before + "x"))
            await _until(lambda: any(d.severity == "error" for d in engine.status.diagnostics))
            self._say(self._report(engine.status.diagnostics))
            self._say(f"the last good table stays: conv_folder is still served by {await self._served(engine)}")
            self._stop("7. Mended: the very next run uses the edit", f"model {before} → gemini-flash")
            digest, clock = engine.status.digest, time.perf_counter()
            _save(file, _rerouted(good, before, "gemini-flash"))
            await _until(lambda: engine.status.digest != digest)
            took = (time.perf_counter() - clock) * 1000
            self._say(f"live {took:.0f} ms after the save: conv_folder is served by {await self._served(engine)}")

    async def _served(self, engine: Engine) -> str:
        result = await engine.run("conv_folder", CONVERSATION, inputs=example_input("folders.json"))
        return result.attempts[-1].model


def _start(text: str) -> str:
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"


def _save(file: Path, text: str) -> None:
    """Save as editors do: write beside the file, then rename over it."""
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(file)


def _rerouted(text: str, old: str, new: str) -> str:
    """Return the route file *text* with the first target of `conv_folder` renamed."""
    head, feature, rest = text.partition("  conv_folder:")
    return head + feature + rest.replace(f"model: {old}", f"model: {new}", 1)


async def _until(holds: Callable[[], bool]) -> None:
    for _ in range(int(_LONGEST_WAIT_S / _LOOK_S)):
        if holds():
            return
        await asyncio.sleep(_LOOK_S)
    raise TimeoutError("the engine did not notice the edit")
