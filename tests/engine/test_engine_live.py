"""Live: saved edits take effect within a second, bad ones change nothing, and what is unchanged stays open."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import threading
import time

import pytest
import yaml

from routebook import Engine, RouteFileError
from routebook.engine import engine as engine_module


def saying(text):
    """The providers of a book whose model says *text*."""
    return {"providers": {"stage": {"api": "scripted", "script": [{"reply": {"text": text}}]}}}


@pytest.fixture
def root(books, tmp_path):
    """A book on disk whose feature `chat` says `one`."""
    return books.write(tmp_path / "routes", books.scripted({"reply": {"text": "one"}}))


def save(root, text):
    (root / "providers.yaml").write_text(yaml.safe_dump(saying(text)))


@pytest.fixture
def live(eventually):
    """Wait, at most a second, until the engine says something."""

    async def wait(engine, text):
        began = time.perf_counter()
        while (await engine.run("chat", "hello")).text != text:
            assert time.perf_counter() - began < 1, f"not live within a second: {text}"
            await asyncio.sleep(0.01)

    return wait


async def test_a_file_saved_in_place_is_live_within_a_second(root, live):
    async with Engine(root, watch=True) as engine:
        assert engine.status.watching
        before = engine.status
        for text in ("two", "three"):
            save(root, text)
            await live(engine, text)

        assert engine.status.digest == engine.table.digest != before.digest
        assert engine.status.loaded_at > before.loaded_at


async def test_an_edit_made_before_the_watch_stands_is_not_missed(root, live):
    async with Engine(root, watch=True) as engine:
        save(root, "two")
        await live(engine, "two")


async def test_a_file_renamed_over_the_old_one_is_live_even_with_an_old_date(root, live):
    async with Engine(root, watch=True) as engine:
        await asyncio.sleep(0.3)
        beside = root / ".providers.yaml.new"
        beside.write_text(yaml.safe_dump(saying("two")))
        os.utime(beside, (1, 1))
        beside.replace(root / "providers.yaml")
        await live(engine, "two")


async def test_new_and_deleted_files_are_live_also_in_a_new_folder(root, live, eventually):
    async with Engine(root, watch=True) as engine:
        await asyncio.sleep(0.3)
        (root / "more").mkdir()
        (root / "more" / "feature.yaml").write_text("features: {extra: {use: {model: actor}}}")
        await eventually(lambda: "extra" in engine.table.features, 1)
        shutil.rmtree(root / "more")
        await eventually(lambda: "extra" not in engine.table.features, 1)


async def test_an_edited_content_file_is_live(books, tmp_path, eventually):
    book = books.scripted({"reply": {"json": {"n": 1}}}, output="number")
    book["outputs"] = {"number": {"schema": {"file": "_schemas/number.json"}}}
    root = books.write(tmp_path / "routes", book)
    (root / "_schemas").mkdir()
    (root / "_schemas" / "number.json").write_text('{"type": "object"}')

    async with Engine(root, watch=True) as engine:
        await asyncio.sleep(0.3)
        (root / "_schemas" / "number.json").write_text('{"type": "object", "required": ["n"]}')
        await eventually(lambda: engine.table.outputs["number"].schema.get("required") == ("n",), 1)


async def test_a_bad_edit_keeps_the_last_good_table_and_is_reported_until_mended(root, live, eventually, caplog):
    caplog.set_level(logging.INFO, "routebook")
    async with Engine(root, watch=True) as engine:
        good = engine.status
        (root / "features.yaml").write_text("features: {chat: {use: {model: actr}}}")
        await eventually(lambda: engine.status.diagnostics != good.diagnostics, 1)

        status = engine.status
        assert (status.digest, status.loaded_at, status.watching) == (good.digest, good.loaded_at, True)
        assert [d.code for d in status.diagnostics if d.severity == "error"] == ["RB301"]
        assert (await engine.run("chat", "hello")).text == "one"
        [warning] = [record for record in caplog.records if record.levelno == logging.WARNING]
        assert "the last good table stays" in warning.getMessage()
        assert "features.yaml:1:32: RB301" in warning.getMessage()

        (root / "features.yaml").write_text("features: {chat: {use: {model: actor}}}")
        save(root, "two")
        await live(engine, "two")
        assert not any(d.severity == "error" for d in engine.status.diagnostics)
        assert "reloaded: table" in caplog.text


async def test_content_that_did_not_change_leaves_the_time_of_loading(root):
    async with Engine(root, watch=True) as engine:
        before = engine.status
        text = (root / "providers.yaml").read_text()
        (root / "providers.yaml").write_text(f"# a comment\n{text}")
        await asyncio.sleep(0.5)
        await engine.reload()

        assert engine.status == before


async def test_a_run_in_flight_keeps_the_table_it_began_with(fake, wire, books, keys, tmp_path, eventually):
    gate = asyncio.Event()

    async def waiting(received):
        await gate.wait()
        return wire.calls(("c1", "plain__echo", '{"text": "a"}')) if len(old.requests) == 1 else wire.text("old")

    old, new = await fake(waiting), await fake(wire.text("new"))
    tools = {"servers": ["plain"]}
    servers = {"mcp_servers": {"plain": books.tools()}}
    root = books.write(tmp_path / "routes", books.over(old.url, tools=tools) | servers)

    async with Engine(root, watch=True, environment=keys) as engine:
        before = engine.table.digest
        run = asyncio.create_task(engine.run("chat", "hello"))
        await old.wait_for(1)
        books.write(root, books.over(new.url, tools=tools) | servers)
        await eventually(lambda: engine.table.digest != before, 2)
        later = await engine.run("chat", "hello")
        gate.set()
        result = await run

    assert (later.text, result.text) == ("new", "old")
    assert result.decision.table == before
    assert len(old.requests) == 2


async def test_a_directory_that_is_removed_and_put_back_is_watched_again(root, live, eventually, tmp_path):
    async with Engine(root, watch=True) as engine:
        await asyncio.sleep(0.3)
        root.rename(tmp_path / "aside")
        await eventually(lambda: [d.code for d in engine.status.diagnostics] == ["RB108"], 1)
        assert (await engine.run("chat", "hello")).text == "one"

        (tmp_path / "aside").rename(root)
        await eventually(lambda: not any(d.severity == "error" for d in engine.status.diagnostics), 1)
        save(root, "two")
        await live(engine, "two")


async def test_another_directory_in_the_old_ones_place_is_watched_from_then_on(root, live, tmp_path):
    async with Engine(root, watch=True) as engine:
        await asyncio.sleep(0.3)
        shutil.copytree(root, tmp_path / "next")
        save(tmp_path / "next", "two")
        root.rename(tmp_path / "aside")
        (tmp_path / "next").rename(root)
        await live(engine, "two")
        await asyncio.sleep(0.3)
        save(root, "three")
        await live(engine, "three")


async def test_a_directory_deleted_and_made_anew_at_once_is_watched_from_then_on(root, live, tmp_path):
    """The new one may well get the old one's inode."""
    async with Engine(root, watch=True) as engine:
        await asyncio.sleep(0.3)
        shutil.copytree(root, tmp_path / "copy")
        shutil.rmtree(root)
        shutil.copytree(tmp_path / "copy", root)
        for text in ("two", "three"):
            await asyncio.sleep(0.3)
            save(root, text)
            await live(engine, text)


async def test_a_root_that_is_a_link_is_followed_when_it_is_swapped(root, live, tmp_path):
    shutil.copytree(root, tmp_path / "next")
    save(tmp_path / "next", "two")
    link = tmp_path / "current"
    link.symlink_to(root)

    async with Engine(link, watch=True) as engine:
        await asyncio.sleep(0.3)
        (tmp_path / "swap").symlink_to(tmp_path / "next")
        (tmp_path / "swap").rename(link)
        await live(engine, "two")


async def test_reload_takes_an_edit_without_a_watch_and_returns_the_diagnostics(root):
    async with Engine(root) as engine:
        assert not engine.status.watching
        save(root, "two")
        assert (await engine.run("chat", "hello")).text == "one"
        assert not any(d.severity == "error" for d in await engine.reload())
        assert (await engine.run("chat", "hello")).text == "two"
        (root / "features.yaml").write_text("features: []")
        assert any(d.severity == "error" for d in await engine.reload())
        assert (await engine.run("chat", "hello")).text == "two"


async def test_a_bad_book_does_not_open(root):
    (root / "features.yaml").write_text("features: []")

    with pytest.raises(RouteFileError, match="RB2"):
        async with Engine(root, watch=True):
            raise AssertionError("it opened")


async def test_clients_of_unchanged_providers_keep_their_connection_across_a_reload(fake, wire, books, keys, tmp_path):
    kept, changed = await fake(wire.text("ok")), await fake(wire.text("ok"))
    book = books.over(kept.url, changed.url)
    book["features"]["other"] = {"use": {"model": "m1"}}
    root = books.write(tmp_path / "routes", book)

    async with Engine(root, environment=keys) as engine:
        for timeout in ("60s", "50s"):
            book["providers"]["p1"]["timeout"] = timeout
            books.write(root, book)
            await engine.reload()
            await engine.run("chat", "hello")
            await engine.run("other", "hello")
        assert (kept.connections, changed.connections) == (1, 2)
        assert (kept.open, changed.open) == (1, 1)


async def test_a_client_whose_provider_changed_closes_after_its_last_run(fake, wire, books, keys, tmp_path, eventually):
    gate = asyncio.Event()

    async def waiting(received):
        await gate.wait()
        return wire.text("ok")

    provider = await fake(waiting)
    book = books.over(provider.url)
    root = books.write(tmp_path / "routes", book)

    async with Engine(root, environment=keys) as engine:
        run = asyncio.create_task(engine.run("chat", "hello"))
        await provider.wait_for(1)
        book["providers"]["p0"]["timeout"] = "50s"
        books.write(root, book)
        await engine.reload()
        assert provider.open == 1
        gate.set()
        assert (await run).text == "ok"
        await eventually(lambda: provider.open == 0)


async def test_tool_servers_of_unchanged_configuration_survive_a_reload_and_changed_ones_end(
    books, tmp_path, alive, eventually
):
    pids = tmp_path / "pids"
    pids.mkdir()
    both = [{"name": f"{server}.pid"} for server in ("kept", "changed")]
    book = books.scripted(
        {"when": {"turn": 1}, "reply": {"tool_calls": both}},
        {"reply": {"text": "done"}},
        tools={"servers": ["kept", "changed"]},
    )
    env = {"PID_DIR": str(pids)}
    book["mcp_servers"] = {"kept": books.tools(env=env), "changed": books.tools(env=env)}
    root = books.write(tmp_path / "routes", book)

    async with Engine(root, environment={}) as engine:
        before = [r.text for r in (await engine.run("chat", "go")).tool_results]
        book["mcp_servers"]["changed"]["args"].append("other")
        books.write(root, book)
        await engine.reload()
        after = [r.text for r in (await engine.run("chat", "go")).tool_results]

        assert after[0] == before[0]
        assert after[1] != before[1]
        await eventually(lambda: sorted(alive(pids)) == sorted(map(int, after)))
    assert alive(pids) == []


async def test_a_reload_that_fails_unexpectedly_is_logged_and_the_next_edit_is_live(
    root, live, eventually, monkeypatch, caplog
):
    read_book = engine_module.read_book

    def once_broken(*args):
        monkeypatch.setattr(engine_module, "read_book", read_book)
        raise MemoryError("the machine is full")

    async with Engine(root, watch=True) as engine:
        monkeypatch.setattr(engine_module, "read_book", once_broken)
        await eventually(lambda: "the machine is full" in caplog.text)
        save(root, "two")
        await live(engine, "two")
        assert engine.status.watching

    assert "an edit of the book was not taken" in caplog.text


async def test_of_two_reloads_at_once_the_later_one_reads_the_book_after_the_earlier_is_done(root, monkeypatch):
    has_read, may_go_on = threading.Event(), threading.Event()
    read_book = engine_module.read_book

    def slow_once(*args):
        monkeypatch.setattr(engine_module, "read_book", read_book)
        report = read_book(*args)
        has_read.set()
        may_go_on.wait(10)
        return report

    async with Engine(root) as engine:
        monkeypatch.setattr(engine_module, "read_book", slow_once)
        earlier = asyncio.create_task(engine.reload())
        await asyncio.to_thread(has_read.wait, 10)
        save(root, "two")
        later = asyncio.create_task(engine.reload())
        await asyncio.wait([later], timeout=0.2)
        may_go_on.set()
        await asyncio.gather(earlier, later)

        assert (await engine.run("chat", "hello")).text == "two"


async def test_a_run_keeps_its_client_from_its_first_turn_to_its_last_whatever_is_reloaded(
    fake, wire, books, tmp_path, eventually
):
    """Between two turns the provider is edited and its key is gone; the run goes on, and its client ends with it."""
    gate = asyncio.Event()

    async def waiting(received):
        await gate.wait()
        return wire.text("no JSON" if len(provider.requests) == 1 else "{}")

    provider = await fake(waiting)
    environment = {"P0_KEY": "sk-first"}
    book = books.over(provider.url, output="thing")
    book["outputs"] = {"thing": {"schema": {"type": "object"}, "repair": {"attempts": 1}}}
    root = books.write(tmp_path / "routes", book)

    async with Engine(root, environment=environment) as engine:
        run = asyncio.create_task(engine.run("chat", "hello"))
        await provider.wait_for(1)
        book["providers"]["p0"]["timeout"] = "50s"
        books.write(root, book)
        await engine.reload()
        environment.clear()
        gate.set()
        result = await run
        await eventually(lambda: provider.open == 0)

    assert (result.output, result.turns, provider.connections) == ({}, 2, 1)
    assert [sent.headers["authorization"] for sent in provider.requests] == ["Bearer sk-first"] * 2
