"""What a reload keeps: the table of a run, and the clients and servers whose configuration did not change."""

from __future__ import annotations

import asyncio

from routebook import Engine


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
