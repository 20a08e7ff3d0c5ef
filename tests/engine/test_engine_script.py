"""`Engine(script=...)`: decisions stay the real ones, answers come from the script, and nothing leaves the machine."""

from __future__ import annotations

import pytest

from routebook import Context, Engine, ProviderError, RouteFileError

SCRIPT = [
    {"when": {"contains": "busy", "model": "m0"}, "reply": {"error": {"status": 429, "retry_after": 2}}},
    {"when": {"contains": "hello"}, "reply": {"text": "from the script"}},
]


@pytest.fixture
async def offline(fake, wire, books):
    """A provider that must not be called, and a book that names it twice."""
    provider = await fake(wire.text("from the provider"))
    return provider, books.table(books.over(provider.url, provider.url))


async def test_a_script_answers_in_place_of_every_provider_and_needs_no_key(offline):
    provider, table = offline
    async with Engine(table, script=SCRIPT, environment={}) as engine:
        result = await engine.run("chat", "hello")

    assert result.text == "from the script"
    assert result.decision == table.resolve("chat")
    assert (result.attempts[0].provider, result.attempts[0].credential) == ("p0", "platform")
    assert provider.connections == 0


async def test_a_script_may_be_a_file(offline, tmp_path):
    _, table = offline
    file = tmp_path / "offline.yaml"
    file.write_text("- reply: {text: from a file}")

    for given in (file, str(file)):
        async with Engine(table, script=given, environment={}) as engine:
            assert (await engine.run("chat", "hello")).text == "from a file"


async def test_a_scripted_failure_falls_back_as_a_real_one(offline):
    provider, table = offline
    async with Engine(table, script=SCRIPT, environment={}) as engine:
        result = await engine.run("chat", "hello, are you busy?", context=Context(credentials={"p0": "k", "p1": "l"}))

    assert [(attempt.kind, attempt.payer) for attempt in result.attempts] == [
        ("rate_limit", "caller"),
        (None, "caller"),
    ]
    assert provider.connections == 0


async def test_a_request_that_no_entry_matches_is_an_error_that_shows_it(offline):
    provider, table = offline
    async with Engine(table, script=SCRIPT, environment={}) as engine:
        with pytest.raises(ProviderError) as caught:
            await engine.run("chat", "good evening")

    for shown in ("no entry of the script matches", "'chat'", "'m0'", "turn 1", "'good evening'"):
        assert shown in str(caught.value)
    assert caught.value.kind == "bad_request"
    assert provider.connections == 0


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ([{"replay": {"text": "a"}}], "RB2"),
        ([{"reply": {}}], "text, json, tool_calls or error"),
        ("nowhere.yaml", "RB1"),
    ],
)
async def test_a_script_that_is_none_does_not_open(offline, script, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RouteFileError, match=says):
        async with Engine(offline[1], script=script):
            raise AssertionError("it opened")


async def test_an_empty_script_answers_nothing(offline):
    async with Engine(offline[1], script=[], environment={}) as engine:
        with pytest.raises(ProviderError, match="no entry of the script matches"):
            await engine.run("chat", "hello")
