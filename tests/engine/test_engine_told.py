"""What a log and a host are told of an edit."""

from __future__ import annotations

import asyncio
import logging

from edits import save

from routebook import Engine


async def test_one_line_and_one_event_tell_what_a_reload_changed(root, live, eventually, caplog):
    caplog.set_level(logging.INFO, "routebook")
    said = []
    async with Engine(root, watch=True, on_reload=said.append) as engine:
        before = engine.status
        (root / "more.yaml").write_text(
            "models: {understudy: {provider: stage, capabilities: []}}\nfeatures: {extra: {use: {model: understudy}}}"
        )
        (root / "features.yaml").write_text("features: {chat: {use: {model: understudy}}}")
        await eventually(lambda: said)
        status = engine.status

    [reload] = said
    assert (reload.previous, reload.digest) == (before.digest, status.digest)
    assert (reload.loaded_at, reload.diagnostics) == (status.loaded_at, status.diagnostics)
    assert [str(change) for change in reload.changes] == [
        "chat@default: actor → understudy",
        "extra: added",
        "models.understudy: added",
    ]
    [line] = [record.getMessage() for record in caplog.records if record.levelno == logging.INFO and _is_ours(record)]
    assert line == f"reloaded {status.digest[:12]}: {'; '.join(map(str, reload.changes))}"


def _is_ours(record):
    """Tell whether *record* is of the engine's log, but for the line that it begins with."""
    return record.name == "routebook" and not record.getMessage().startswith("loaded ")


async def test_a_refused_edit_is_told_once_and_its_mending_too(root, caplog):
    said = []
    async with Engine(root, on_reload=said.append) as engine:
        good, before = (root / "features.yaml").read_text(), engine.status
        (root / "features.yaml").write_text("features: []")
        await engine.reload()
        await engine.reload()
        (root / "features.yaml").write_text(good)
        await engine.reload()
        await engine.reload()

        assert engine.status == before
    refused, mended = said
    assert {refused.digest, refused.previous, mended.digest, mended.previous} == {before.digest}
    assert any(d.severity == "error" for d in refused.diagnostics)
    assert mended.diagnostics == before.diagnostics
    assert caplog.text.count("does not compile") == 1


async def test_content_that_did_not_change_is_neither_logged_nor_told(root, caplog, compiles):
    caplog.set_level(logging.INFO, "routebook")
    said = []
    async with Engine(root, watch=True, on_reload=said.append) as engine:
        await asyncio.sleep(0.2)
        compiles.clear()
        (root / "features.yaml").write_text("# a comment\n" + (root / "features.yaml").read_text())
        await asyncio.sleep(0.4)
        assert engine.table.features["chat"].span.line == 3
    assert (said, [record for record in caplog.records if _is_ours(record)]) == ([], [])
    assert len(compiles) == 1


async def test_a_listener_that_raises_is_logged_and_changes_nothing(root, live, caplog):
    def careless(reload):
        raise KeyError("my own mistake")

    async with Engine(root, watch=True, on_reload=careless) as engine:
        for text in ("two", "three"):
            save(root, text)
            await live(engine, text)

    assert "on_reload failed" in caplog.text
    assert "my own mistake" in caplog.text
