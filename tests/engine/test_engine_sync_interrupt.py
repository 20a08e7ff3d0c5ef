"""Ctrl-C while a thread waits for the engine: what it waits for ends, at once and without noise."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time

import pytest
from programs import LONGEST_S, command_of, environment_of


@pytest.fixture
def interrupted(tmp_path, alive):
    """Run a program, send it Ctrl-C once it has said `ready`, and return what it printed."""

    def run(program):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(command_of(tmp_path, program), env=environment_of(tmp_path), **pipes) as process:
            try:
                assert process.stdout.readline() == "ready\n"
                time.sleep(0.2)
                process.send_signal(signal.SIGINT)
                printed, errors = process.communicate(timeout=LONGEST_S)
            finally:
                process.kill()
        assert process.returncode == -signal.SIGINT
        assert errors.strip().endswith("KeyboardInterrupt")
        assert errors.count("Traceback") == 1
        assert "Exception in" not in errors
        assert "Task was destroyed" not in errors
        assert alive(tmp_path / "servers") == []
        return printed

    return run


@pytest.mark.parametrize(
    "wait",
    [
        "engine.run('tooled', 'wait')",
        "list(engine.stream('tooled', 'wait'))",
        "engine.run('chat', 'wait', on_event=id)",
    ],
    ids=["run", "listener", "stream"],
)
def test_ctrl_c_ends_what_a_thread_waits_for_at_once_and_without_noise(interrupted, wait):
    interrupted(
        f"""
        with SyncEngine(table, environment={{}}) as engine:
            engine.run("tooled", "hello")
            run = engine.run
            print("ready", flush=True)
            {wait}
        """
    )


def test_ctrl_c_while_close_waits_for_another_threads_run_ends_both_and_the_thread_is_told(interrupted):
    printed = interrupted(
        """
        def run():
            try:
                engine.run("chat", "wait")
            except EngineClosed as error:
                print("told:", error, flush=True)

        with SyncEngine(table, environment={}) as engine:
            threading.Thread(target=run).start()
            time.sleep(0.2)
            print("ready", flush=True)
        """
    )

    assert printed == "told: the engine was closed before this call was done\n"


@pytest.mark.parametrize("act", ["engine.run('chat', 'x')", "list(engine.stream('chat', 'x'))"], ids=["run", "stream"])
async def test_ctrl_c_closes_the_connection_of_the_run_and_the_engine_works_on(tmp_path, fake, wire, eventually, act):
    never = asyncio.Event()

    async def answer(received):
        if len(provider.requests) == 1:
            await never.wait()
        return wire.text("here")

    provider = await fake(answer)
    program = f"""
        engine = SyncEngine(
            routebook.compile_mapping(
                {{
                    "providers": {{"p": {{"api": "openai-chat", "base_url": {provider.url!r}, "auth": "none"}}}},
                    "models": {{"m": {{"provider": "p"}}}},
                    "features": {{"chat": {{"use": {{"model": "m"}}}}}},
                }},
                {{}},
            ),
            environment={{}},
        )
        with engine:
            try:
                {act}
            except KeyboardInterrupt:
                print("interrupted", flush=True)
            sys.stdin.readline()
            print(engine.run("chat", "again").text)
        """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command_of(tmp_path, program), env=environment_of(tmp_path), stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            await provider.wait_for(1)
            process.send_signal(signal.SIGINT)
            assert await process.stdout.readline() == b"interrupted\n"
            await eventually(lambda: provider.open == 0)
            printed, errors = await process.communicate(b"go on\n")
    finally:
        if process.returncode is None:
            process.kill()

    assert (process.returncode, printed, errors) == (0, b"here\n", b"")
