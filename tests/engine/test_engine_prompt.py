"""What a feature's prompt and inputs make of a caller's message, before any call."""

from __future__ import annotations

from typing import Any

import pytest

from routebook import Engine, Message, RequestError

ECHO = {"reply": {"text": "ok"}}
INPUT = {"type": "object", "properties": {"text": {"type": "string"}, "tone": {"enum": ["dry", "warm"]}}}
CHOOSING = {
    "schema": {"type": "object", "properties": {"folder_id": {"type": "string"}}},
    "strategy": "native",
    "checks": [{"choice": {"field": "folder_id", "from": "folders"}}],
}
FOLDERS = [{"id": "f-1", "name": "Health"}, {"id": "f-2", "name": "Home"}]


async def sent(
    books: Any, messages: Any, inputs: dict[str, Any] | None = None, **feature: Any
) -> list[tuple[str, str]]:
    """Run the feature once; return what the model was sent, each message with its role."""
    outputs = {"outputs": {"choosing": CHOOSING}} if feature.get("output") else {}
    book = {**books.scripted({"reply": {"json": {"folder_id": "f-1"}}}, **feature), **outputs}
    async with Engine(books.table(book), environment={}) as engine:
        result = await engine.run("chat", messages, inputs=inputs)
    return [(message.role, message.text) for message in result.messages[:-1]]


async def test_a_string_is_the_variable_text_of_the_users_template(books):
    prompt = {"system": "Be {{ tone }}.", "user": "Summarise: {{ text }}"}

    assert await sent(books, "Dentist", {"tone": "dry"}, prompt=prompt) == [
        ("system", "Be dry."),
        ("user", "Summarise: Dentist"),
    ]


async def test_a_string_is_the_users_message_where_there_is_no_template_for_it(books):
    assert await sent(books, "Dentist", prompt={"system": "Be dry."}) == [("system", "Be dry."), ("user", "Dentist")]


async def test_a_list_of_messages_follows_the_system_prompt_and_leaves_the_users_template_unrendered(books):
    prompt = {"system": "Be dry.", "user": "{{ text }} {{ unknown }}"}
    given = [Message("user", "one"), {"role": "assistant", "content": "two"}, Message("user", "three")]

    assert await sent(books, given, prompt=prompt) == [
        ("system", "Be dry."),
        ("user", "one"),
        ("assistant", "two"),
        ("user", "three"),
    ]


async def test_what_a_user_writes_is_never_a_template(books):
    prompt = {"user": "{{ text }}"}

    assert await sent(books, "{{ 7 * 7 }} {% raw %}", prompt=prompt) == [("user", "{{ 7 * 7 }} {% raw %}")]


async def test_candidates_stand_where_the_prompt_names_them_and_nowhere_else(books):
    prompt = {"system": "Folders:\n{{ folders }}\nChoose.", "user": "{{ text }}"}

    (system, user) = await sent(books, "Dentist", {"folders": FOLDERS}, prompt=prompt, output="choosing")

    assert system[1].startswith("Folders:\n")
    assert system[1].endswith("\nChoose.")
    assert system[1].count('"f-1"') == 1
    assert user == ("user", "Dentist")


async def test_candidates_that_only_the_unrendered_template_names_follow_the_system_message(books):
    prompt = {"system": "Choose.", "user": "{{ text }} of {{ folders }}"}

    messages = await sent(books, [Message("user", "Dentist")], {"folders": FOLDERS}, prompt=prompt, output="choosing")

    assert [role for role, _ in messages] == ["system", "system", "user"]
    assert '"f-1"' in messages[1][1]


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"tone": "loud"}, "/tone"),
        ({}, "'tone' is undefined"),
        ({"tone": "dry", "text": "again"}, "'text' is the message itself"),
    ],
)
async def test_inputs_that_do_not_fit_are_refused_before_any_call(books, fake, wire, keys, inputs, says):
    provider = await fake(wire.text("ok"))
    prompt = {"system": "Be {{ tone }}.", "user": "{{ text }}"}
    book = books.over(provider.url, prompt=prompt, input=INPUT)

    async with Engine(books.table(book), environment=keys) as engine:
        with pytest.raises(RequestError) as refused:
            await engine.run("chat", "Dentist", inputs=inputs)

    assert refused.value.field == "inputs"
    assert says in str(refused.value)
    assert provider.requests == []


async def test_a_message_that_the_prompt_has_no_place_for_is_refused_and_not_lost(books):
    book = books.scripted(ECHO, prompt={"user": "Tell a joke about {{ topic }}."})

    async with Engine(books.table(book), environment={}) as engine:
        with pytest.raises(RequestError) as refused:
            await engine.run("chat", "Dentist", inputs={"topic": "trains"})
        told = await engine.run("chat", "", inputs={"topic": "trains"})

    assert refused.value.field == "messages"
    assert told.messages[0].text == "Tell a joke about trains."


async def test_rules_see_the_size_of_the_rendered_text(books):
    book = books.scripted(
        ECHO,
        prompt={"system": "x" * 400, "user": "{{ text }}"},
        rules=[{"name": "long", "when": {"input_tokens": {"gte": 101}}, "use": {"model": "actor"}}],
    )

    async with Engine(books.table(book), environment={}) as engine:
        exact = await engine.run("chat", "")
        longer = await engine.run("chat", "é")

    assert (exact.decision.route, longer.decision.route) == ("use", "rule:long")
