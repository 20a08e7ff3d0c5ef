"""Live: saved edits take effect within a second, and bad ones change nothing."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import threading
import time

import pytest
import yaml
from edits import save, saying

from routebook import Engine, RouteFileError
from routebook.book import OpenBook
from routebook.engine.reload import LiveBook


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
        await eventually(lambda: engine.status.diagnostics != good.diagnostics, 5)

        status = engine.status
        assert (status.digest, status.loaded_at, status.watching) == (good.digest, good.loaded_at, True)
        assert [d.code for d in status.diagnostics if d.severity == "error"] == ["RB301"]
        assert (await engine.run("chat", "hello")).text == "one"
        await eventually(lambda: any(record.levelno == logging.WARNING for record in caplog.records), 5)
        [warning] = [record for record in caplog.records if record.levelno == logging.WARNING]
        assert "the last good table stays" in warning.getMessage()
        assert "features.yaml:1:32: RB301" in warning.getMessage()

        (root / "features.yaml").write_text("features: {chat: {use: {model: actor}}}")
        save(root, "two")
        await live(engine, "two")
        assert not any(d.severity == "error" for d in engine.status.diagnostics)
        line = f"reloaded {engine.table.digest[:12]}: providers.stage: changed"
        await eventually(lambda: line in caplog.messages, 1)


async def test_content_that_did_not_change_leaves_the_time_of_loading(root):
    async with Engine(root, watch=True) as engine:
        before = engine.status
        text = (root / "providers.yaml").read_text()
        (root / "providers.yaml").write_text(f"# a comment\n{text}")
        await asyncio.sleep(0.5)
        await engine.reload()

        assert engine.status == before


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


async def test_a_reload_that_fails_unexpectedly_is_logged_and_tried_again(root, live, eventually, monkeypatch, caplog):
    read = OpenBook.read

    def broken(book):
        raise MemoryError("the machine is full")

    async with Engine(root, watch=True) as engine:
        await asyncio.sleep(0.2)
        monkeypatch.setattr(OpenBook, "read", broken)
        save(root, "two")
        await eventually(lambda: "the machine is full" in caplog.text)
        monkeypatch.setattr(OpenBook, "read", read)
        await eventually(lambda: "two" in str(engine.table.providers), 2)
        await live(engine, "two")
        assert engine.status.watching

    assert caplog.text.count("an edit of the book was not taken; it is tried again") == 1


async def test_of_two_reloads_at_once_the_later_one_reads_the_book_after_the_earlier_is_done(root, monkeypatch):
    has_read, may_go_on = threading.Event(), threading.Event()
    read = OpenBook.read

    def slow_once(book):
        monkeypatch.setattr(OpenBook, "read", read)
        report = read(book)
        has_read.set()
        may_go_on.wait(10)
        return report

    async with Engine(root) as engine:
        monkeypatch.setattr(OpenBook, "read", slow_once)
        earlier = asyncio.create_task(engine.reload())
        await asyncio.to_thread(has_read.wait, 10)
        save(root, "two")
        later = asyncio.create_task(engine.reload())
        await asyncio.wait([later], timeout=0.2)
        may_go_on.set()
        await asyncio.gather(earlier, later)

        assert (await engine.run("chat", "hello")).text == "two"


async def test_fifty_runs_right_after_an_edit_cause_one_compile_and_wait_for_none(root, live, compiles, monkeypatch):
    async with Engine(root, watch=True) as engine:
        await asyncio.sleep(0.3)
        compiles.clear()
        may_go_on, counted = threading.Event(), OpenBook.read

        def slow(book):
            report = counted(book)
            may_go_on.wait(10)
            return report

        monkeypatch.setattr(OpenBook, "read", slow)
        save(root, "two")
        during = []
        while not compiles:
            during += await asyncio.gather(*(engine.run("chat", "hello") for _ in range(50)))
            await asyncio.sleep(0.01)
        during += await asyncio.gather(*(engine.run("chat", "hello") for _ in range(50)))
        may_go_on.set()
        await live(engine, "two")
        await asyncio.sleep(0.2)

    assert {run.text for run in during} == {"one"}
    assert len(compiles) == 1


async def test_fifty_reloads_at_once_share_at_most_two_compiles(root, compiles):
    async with Engine(root) as engine:
        compiles.clear()
        save(root, "two")
        first = asyncio.create_task(engine.reload())
        await asyncio.sleep(0)
        await asyncio.gather(first, *(engine.reload() for _ in range(50)))

        assert (await engine.run("chat", "hello")).text == "two"
    assert len(compiles) <= 2


async def test_a_caller_that_stops_waiting_for_a_reload_takes_it_from_no_other(root):
    async with Engine(root) as engine:
        save(root, "two")
        hurried, patient = asyncio.create_task(engine.reload()), asyncio.create_task(engine.reload())
        await asyncio.sleep(0)
        hurried.cancel()
        await patient

        assert hurried.cancelled()
        assert (await engine.run("chat", "hello")).text == "two"


async def test_an_edit_while_the_book_is_compiled_is_live_after_another_compile(root, live, compiles, monkeypatch):
    counted = OpenBook.read

    def edited_meanwhile(book):
        monkeypatch.setattr(OpenBook, "read", counted)
        report = counted(book)
        save(root, "three")
        return report

    said = []
    async with Engine(root, watch=True, on_reload=said.append) as engine:
        await asyncio.sleep(0.2)
        compiles.clear()
        monkeypatch.setattr(OpenBook, "read", edited_meanwhile)
        save(root, "two")
        await live(engine, "three")

    assert len(compiles) == 2
    assert len(said) == 1, "a table that was out of date already was taken"


async def test_a_file_that_is_written_in_small_steps_never_shows_as_an_error(root, live):
    said = []
    text = yaml.safe_dump(saying("two")) + "# the end of a long file\n" * 2
    async with Engine(root, watch=True, on_reload=said.append) as engine:
        await asyncio.sleep(0.2)
        step = len(text) // 20
        with (root / "providers.yaml").open("w") as file:
            for start in range(0, len(text), step):
                file.write(text[start : start + step])
                file.flush()
                await asyncio.sleep(0.03)
                assert not any(d.severity == "error" for d in engine.status.diagnostics)
        await live(engine, "two")

    assert [[d.code for d in reload.diagnostics if d.severity == "error"] for reload in said] == [[]]


@pytest.mark.parametrize("is_good", [True, False])
async def test_a_tree_that_never_rests_is_taken_in_the_end_only_if_it_compiles(root, is_good):
    (root / "features.yaml").write_text("features: {chat: {use: {model: actor}}}" if is_good else "features: {chat: {")
    live = LiveBook(root, longest_unrest_s=0.4)
    readings = []

    async def collect():
        async for reading in live.edits():
            readings.append(reading.report.table)  # noqa: PERF401, it never ends

    following = asyncio.create_task(collect())
    try:
        began, number = time.perf_counter(), 0
        while time.perf_counter() - began < 1.2:
            number += 1
            save(root, f"{number}")
            await asyncio.sleep(0.02)
        unrest = len(readings)
        await asyncio.sleep(0.3)
    finally:
        following.cancel()
        await asyncio.wait([following])
        await live.close()

    assert (1 <= unrest <= 3) if is_good else unrest == 0
    assert len(readings) == unrest + 1
    assert (readings[-1] is not None) == is_good


async def test_kubernetes_swaps_the_link_of_a_mounted_book_and_the_new_one_is_live(root, live, tmp_path):
    """The files are links into `..data`, a link to a folder of its own for each version; only that link changes."""
    mount = tmp_path / "mount"
    mount.mkdir()
    shutil.copytree(root, mount / "..2026_01")
    (mount / "..data").symlink_to("..2026_01")
    for file in root.iterdir():
        (mount / file.name).symlink_to(f"..data/{file.name}")

    async with Engine(mount, watch=True) as engine:
        before = "..2026_01"
        for version, text in (("..2026_02", "two"), ("..2026_03", "three")):
            await asyncio.sleep(0.2)
            shutil.copytree(mount / before, mount / version)
            save(mount / version, text)
            (mount / "..data_tmp").symlink_to(version)
            (mount / "..data_tmp").rename(mount / "..data")
            shutil.rmtree(mount / before)
            before = version
            await live(engine, text)
        assert not any(d.severity == "error" for d in engine.status.diagnostics)


async def test_a_write_that_is_dated_back_and_keeps_the_size_is_live(root, live):
    async with Engine(root, watch=True) as engine:
        await asyncio.sleep(0.2)
        date = (root / "providers.yaml").stat().st_mtime
        save(root, "two")
        os.utime(root / "providers.yaml", (date, date))
        await live(engine, "two")


async def test_without_file_events_an_edit_is_noticed_by_looking(root, eventually, monkeypatch, caplog):
    """The watch breaks at once, as where the system has no watches left; that is told once."""

    def broken(*folders, **options):
        raise OSError("no space left on device")

    monkeypatch.setattr("routebook.engine.hints.watch", broken)
    async with Engine(root, watch=True) as engine:
        await asyncio.sleep(0.1)
        save(root, "two")
        await eventually(lambda: "two" in str(engine.table.providers), 1.9)
        assert engine.status.watching

    assert caplog.text.count("file events are not to be had (no space left on device)") == 1


async def test_a_watch_that_broke_stands_again_after_a_pause(root, eventually, monkeypatch):
    hints = pytest.importorskip("routebook.engine.hints")
    watch = hints.watch

    def once_broken(*folders, **options):
        monkeypatch.setattr(hints, "watch", watch)
        raise OSError("no space left on device")

    monkeypatch.setattr(hints, "watch", once_broken)
    async with Engine(root, watch=True) as engine:
        await asyncio.sleep(0.8)
        began = time.perf_counter()
        save(root, "two")
        await eventually(lambda: "two" in str(engine.table.providers), 0.6)
        assert time.perf_counter() - began < 0.6


async def test_links_that_lead_out_of_the_book_are_not_watched(root, live, tmp_path):
    """A thousand folders behind a link, which would be as many watches."""
    for number in range(1000):
        (tmp_path / "outside" / str(number)).mkdir(parents=True)
    (root / "_outside").symlink_to(tmp_path / "outside")

    async with Engine(root, watch=True) as engine:
        await asyncio.sleep(0.2)
        assert sum(_watches_of_this_process()) < 200
        save(root, "two")
        await live(engine, "two")


def _watches_of_this_process():
    """The number of inotify watches behind each descriptor."""
    folder = "/proc/self/fdinfo"
    if not os.path.isdir(folder):
        pytest.skip("the system does not tell its watches")
    for name in os.listdir(folder):
        try:
            with open(f"{folder}/{name}") as file:
                yield file.read().count("inotify wd:")
        except FileNotFoundError:
            continue
