"""Output checks at work: what they find is repaired, and each of them has an outcome."""

from __future__ import annotations

import json

import pytest
from folders import CHOICE, FOLDERS

from routebook import Engine, OutputError, RequestError


def contract(*checks):
    properties = {"score": {"type": "number"}, "tags": {"type": "array"}, "folder_id": {"type": "string"}}
    return {"schema": {"type": "object", "properties": properties}, "checks": list(checks), "repair": {"attempts": 1}}


async def play(books, output, *answers, inputs=None):
    entries = [{"when": {"turn": n + 1}, "reply": {"json": value}} for n, value in enumerate(answers)]
    book = books.scripted(*entries, output="folder")
    book["outputs"] = {"folder": output}
    async with Engine(books.table(book), environment={}) as engine:
        return await engine.run("chat", "go", inputs=inputs or {})


async def test_what_a_check_finds_is_repaired_and_every_check_has_an_outcome_in_written_order(books):
    output = contract(
        {"range": {"field": "score", "max": 10}},
        {"choice": {"field": "folder_id", "from": "folders"}},
        {"subset_of": {"field": "tags", "from": "known"}},
    )
    good = {"score": 9, "tags": ["a"], "folder_id": "f-work"}
    inputs = {"known": ["a", "b"], "folders": FOLDERS}

    result = await play(books, output, {**good, "score": 11, "tags": ["c"]}, good, inputs=inputs)

    told = result.messages[-2].text
    assert "/score: 11 is greater than 10" in told
    assert "/tags/0: 'c' is not in the list" in told
    assert result.output == good
    assert [(one.name, one.status, one.value) for one in result.checks] == [
        ("range", "accepted", 9),
        ("choice", "accepted", "f-work"),
        ("subset_of", "accepted", ("a",)),
    ]


async def test_a_check_that_still_finds_a_problem_after_the_last_try_is_an_output_error(books):
    with pytest.raises(OutputError, match="/score: 11 is greater than 10") as caught:
        await play(books, contract({"range": {"field": "score", "max": 10}}), {"score": 12}, {"score": 11})

    [outcome] = caught.value.result.checks
    assert (outcome.status, outcome.value, outcome.reason) == ("failed", 11, "/score: 11 is greater than 10")


async def test_a_choice_never_triggers_repair_though_other_checks_do(books):
    checks = ({"choice": {"field": "folder_id", "from": "folders"}}, {"range": {"field": "score", "max": 10}})
    result = await play(books, contract(*checks), {"folder_id": "x", "score": 1}, inputs={"folders": FOLDERS})

    assert (result.turns, result.output["folder_id"]) == (1, None)


async def test_a_choice_of_many_gives_the_ids_that_are_in_the_list(books):
    check = {"choice": {"field": "tags", "from": "folders", "many": True}}
    result = await play(books, contract(check), {"tags": ["f-work", "x", "f-inbox"]}, inputs={"folders": FOLDERS})

    assert result.output == {"tags": ["f-work", "f-inbox"]}
    json.dumps(result.to_dict())


async def test_after_a_failed_run_only_the_choices_have_outcomes(books):
    choice = {"field": "folder_id", "from": "folders", "on_failure": "otherwise", "otherwise": CHOICE["otherwise"]}
    output = contract({"range": {"field": "score", "max": 10}}, {"choice": choice})

    result = await play(books, output, {"score": 11}, {"score": 11}, inputs={"folders": FOLDERS})

    assert [(one.name, one.status, one.value) for one in result.checks] == [("choice", "failed", "f-inbox")]


@pytest.fixture
def app(tmp_path, monkeypatch):
    """A module of the application, with checks in it."""
    (tmp_path / "app_with_checks.py").write_text(
        "def low(value, inputs):\n"
        "    return None if value['score'] < inputs['limit'] else f'the score must be below {inputs[\"limit\"]}'\n"
        "async def late(value, inputs): ...\n"
        "NUMBER = 7\n"
    )
    (tmp_path / "app_that_breaks.py").write_text("raise ValueError('sk-secret')\n")
    monkeypatch.syspath_prepend(tmp_path)


async def test_a_function_of_the_application_judges_the_answer(books, app):
    output = contract({"python": "app_with_checks:low"})

    result = await play(books, output, {"score": 9}, {"score": 3}, inputs={"limit": 5})

    assert "- the score must be below 5" in result.messages[-2].text
    assert [(one.name, one.status, one.value) for one in result.checks] == [("python", "accepted", {"score": 3})]


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("no_such_app.checks:low", "there is no module 'no_such_app'"),
        ("app_with_checks.inner:low", "there is no module 'app_with_checks.inner'"),
        ("app_with_checks:high", "module 'app_with_checks' has no function 'high'"),
        ("app_with_checks:NUMBER", "module 'app_with_checks' has no function 'NUMBER'"),
        ("app_with_checks:late", "the function is async"),
        ("app_that_breaks:low", "importing 'app_that_breaks' raised ValueError"),
    ],
)
async def test_a_function_that_cannot_be_had_is_refused_before_any_call(books, app, function, said):
    with pytest.raises(RequestError) as caught:
        await play(books, contract({"python": function}), {"score": 1})

    assert caught.value.field == "output"
    assert f"check {function!r} of output 'folder' cannot be used: {said}" in str(caught.value)
    assert "sk-secret" not in str(caught.value)
