"""Output contracts at work: how a model is asked, how its answer is judged, and what stands where none can be had."""

from __future__ import annotations

import json

import pytest
from folders import CHOICE, FOLDERS

from routebook import Engine, OutputError, ProviderError, RequestError
from routebook.engine.contract import Contract
from routebook.routing.output_spec import ChoiceSpec, OutputSpec

SCHEMA = {
    "type": "object",
    "properties": {"folder_id": {"type": ["string", "null"]}, "confidence": {"type": "number"}},
    "required": ["folder_id"],
}
INPUTS = {"folders": FOLDERS, "category_folder_id": "f-work"}


def outputs(*checks, **output):
    return {"folder": {"schema": SCHEMA, "checks": [{"choice": check} for check in checks], **output}}


@pytest.fixture
def answer(books):
    """Run a feature with an output contract, its model answering *replies* one after the other."""

    async def run(*replies, inputs=INPUTS, choice=CHOICE, **output):
        entries = [{"when": {"turn": n + 1}, "reply": reply} for n, reply in enumerate(replies)]
        book = books.scripted(*entries, output="folder")
        book["outputs"] = outputs(*([choice] if choice else []), **output)
        async with Engine(books.table(book), environment={}) as engine:
            return await engine.run("chat", "The dentist can see me on Monday.", inputs=inputs)

    return run


def chosen(folder, confidence=0.9):
    return {"json": {"folder_id": folder, "confidence": confidence}}


async def test_a_model_with_json_schema_is_held_to_it_by_its_api_and_shown_the_candidates(fake, wire, books, keys):
    provider = await fake(wire.text('{"folder_id": "f-work", "confidence": 1}'))
    book = books.over(provider.url, output="folder")
    book["outputs"] = outputs(CHOICE)

    async with Engine(books.table(book), environment=keys) as engine:
        messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "go"}]
        result = await engine.run("chat", messages, inputs=INPUTS)

    sent = provider.requests[0].json
    assert sent["response_format"]["json_schema"]["schema"] == SCHEMA
    assert [message["role"] for message in sent["messages"]] == ["system", "system", "user"]
    shown = sent["messages"][1]["content"]
    assert '{"id": "f-health", "name": "Health"}' in shown
    assert len(shown.splitlines()) == 1 + len(FOLDERS)
    assert "JSON Schema" not in json.dumps(sent["messages"])
    assert result.output == {"folder_id": "f-work", "confidence": 1}


@pytest.mark.parametrize("aside", ["Let me see.", '{"folder_id": "f-home", "confidence": 0}'])
async def test_what_a_model_says_on_the_way_is_no_part_of_its_answer(fake, wire, books, keys, aside):
    def spoken(phase, text):
        content = [{"type": "output_text", "text": text, "annotations": []}]
        return {"type": "message", "role": "assistant", "phase": phase, "content": content}

    said = [spoken("commentary", aside), spoken("final_answer", '{"folder_id": "f-work", "confidence": 1}')]
    provider = await fake(wire.http(200, {"status": "completed", "output": said}))
    book = books.over(provider.url, provider={"api": "openai-responses"}, output="folder")
    book["outputs"] = outputs(CHOICE)

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "go", inputs=INPUTS)

    assert result.output == {"folder_id": "f-work", "confidence": 1}
    assert len(provider.requests) == 1


async def test_a_model_without_json_schema_is_told_the_schema_which_is_no_part_of_the_transcript(
    fake, wire, books, keys
):
    provider = await fake(wire.text('```json\n{"folder_id": "f-work"}\n```'))
    book = books.over(provider.url, output="folder")
    book["outputs"] = outputs()
    book["models"]["m0"]["capabilities"] = ["streaming"]

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "go")

    sent = provider.requests[0].json
    assert "response_format" not in sent
    assert json.dumps(SCHEMA) in sent["messages"][0]["content"]
    assert [message.role for message in result.messages] == ["user", "assistant"]
    assert result.output == {"folder_id": "f-work"}


async def test_a_model_with_json_mode_alone_is_told_the_schema_and_held_to_an_object(fake, wire, books, keys):
    provider = await fake(wire.text('{"value": ["a", "b"]}'))
    book = books.over(provider.url, output="titles")
    book["outputs"] = {"titles": {"schema": {"type": "array", "items": {"type": "string"}}}}
    book["models"]["m0"]["capabilities"] = ["json_object"]

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "go")

    sent = provider.requests[0].json
    assert sent["response_format"] == {"type": "json_object"}
    assert '"required": ["value"]' in sent["messages"][0]["content"]
    assert result.output == ["a", "b"]
    assert result.text == '["a", "b"]'


async def test_each_attempt_is_asked_in_the_way_its_own_model_can_answer(fake, wire, books, keys):
    bad, good = await fake(wire.error(500)), await fake(wire.text('{"folder_id": null}'))
    book = books.over(bad.url, good.url, output="folder")
    book["outputs"] = outputs()
    book["models"]["m1"]["capabilities"] = ["tools"]

    async with Engine(books.table(book), environment=keys) as engine:
        await engine.run("chat", "go")

    assert ["response_format" in provider.requests[0].json for provider in (bad, good)] == [True, False]


@pytest.mark.parametrize(
    ("reply", "choice", "value", "status", "source", "confidence"),
    [
        (chosen("f-health", 0.9), {}, "f-health", "accepted", "model", 0.9),
        (chosen("f-health", 0.7), {}, "f-health", "accepted", "model", 0.7),
        ({"json": {"folder_id": "f-health"}}, {}, "f-work", "low_confidence", "input:category_folder_id", 0.5),
        (chosen("f-secret", 0.9), {}, "f-work", "invalid_choice", "input:category_folder_id", 0.3),
        (chosen(None, 0.9), {}, "f-work", "invalid_choice", "input:category_folder_id", 0.3),
        (chosen("f-secret"), {"otherwise": [{"input": "absent"}]}, None, "invalid_choice", None, 0.3),
        (
            chosen("f-secret"),
            {"otherwise": CHOICE["otherwise"][1:]},
            "f-inbox",
            "invalid_choice",
            "where:is_default=True",
            0.3,
        ),
        (chosen("f-health", 0.6), {"otherwise": []}, "f-health", "low_confidence", "model", 0.6),
        (
            chosen("f-health", 0.6),
            {"otherwise": [], "if_none": "empty"},
            None,
            "low_confidence",
            None,
            0.6,
        ),
    ],
)
async def test_a_choice_is_decided_as_the_table_says_and_the_final_value_is_in_the_output(
    answer, reply, choice, value, status, source, confidence
):
    result = await answer(reply, choice={**CHOICE, **choice})

    [outcome] = result.checks
    assert (outcome.value, outcome.status, outcome.source, outcome.confidence) == (value, status, source, confidence)
    assert outcome.original == reply["json"]["folder_id"]
    assert result.output == {**reply["json"], "folder_id": value}
    assert type(result.output) is dict
    assert result.finish_reason == "stop"
    json.dumps(result.to_dict())


async def test_an_empty_list_is_no_candidates_and_no_model_is_called(fake, wire, books, keys):
    provider = await fake(wire.text("never"))
    book = books.over(provider.url, output="folder")
    book["outputs"] = outputs(CHOICE)

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "go", inputs={**INPUTS, "folders": []})

    [outcome] = result.checks
    assert (outcome.status, outcome.value, outcome.confidence) == ("no_candidates", None, 0)
    assert (result.output, result.turns, result.attempts, result.cost_usd) == (None, 0, (), 0.0)
    assert provider.requests == []


@pytest.mark.parametrize(
    "inputs",
    [{}, {"folders": "all"}, {"folders": [{"name": "no id"}]}, {"folders": [FOLDERS[0], FOLDERS[0]]}],
    ids=["missing", "no list", "no id", "twice"],
)
async def test_inputs_that_the_check_cannot_use_are_refused_before_any_call(answer, inputs):
    with pytest.raises(RequestError, match="folders") as caught:
        await answer(inputs=inputs)

    assert caught.value.field == "inputs"


async def test_with_if_none_fail_too_low_a_confidence_is_an_output_error_and_no_repair(answer):
    with pytest.raises(OutputError, match="the confidence is too low") as caught:
        await answer(
            chosen("f-health", 0.1),
            chosen("f-health", 0.9),
            choice={**CHOICE, "otherwise": [], "if_none": "fail"},
            repair={"attempts": 1},
        )

    assert caught.value.output == "folder"
    assert caught.value.result.turns == 1
    assert caught.value.result.checks[0].status == "low_confidence"
    assert json.loads(caught.value.last_text)["folder_id"] == "f-health"


async def test_problems_are_fed_back_to_the_model_until_its_answer_keeps_the_contract(answer):
    result = await answer(
        {"text": "Health, I think."},
        {"json": {"folder_id": 7}},
        chosen("f-health"),
        repair={"attempts": 2},
    )

    assert result.output == {"folder_id": "f-health", "confidence": 0.9}
    assert result.turns == 3
    assert [message.role for message in result.messages][1:] == ["user", "assistant"] * 3
    assert "/folder_id" in result.messages[-2].text
    assert result.usage.output == sum(attempt.usage.output for attempt in result.attempts)


async def test_repair_stops_after_its_attempts_with_what_is_wrong(answer):
    with pytest.raises(OutputError) as caught:
        await answer(*[{"text": "Health"}] * 5, repair={"attempts": 2})

    error = caught.value
    assert error.result.turns == 3
    assert error.last_text == error.result.text == "Health"
    assert len(error.problems) == 1
    assert error.result.output is None


async def test_a_confidence_that_is_no_share_is_a_schema_problem_and_is_repaired(answer):
    result = await answer(chosen("f-health", 90), chosen("f-health", 0.9), repair={"attempts": 1})

    assert "90" in result.messages[-2].text
    assert result.output["confidence"] == 0.9


async def test_a_refusal_is_an_output_error_that_quotes_it_and_is_not_repaired(fake, wire, books, keys):
    provider = await fake(wire.text(None, refusal="I would rather not."))
    book = books.over(provider.url, output="folder")
    book["outputs"] = outputs(repair={"attempts": 3})

    async with Engine(books.table(book), environment=keys) as engine:
        with pytest.raises(OutputError, match=r"the model declined: I would rather not\."):
            await engine.run("chat", "go")

    assert len(provider.requests) == 1


async def test_an_answer_cut_by_its_token_limit_is_an_output_error_that_says_so(fake, wire, books, keys):
    provider = await fake(wire.text('{"folder_id": "f-he', finish="length"))
    book = books.over(provider.url, output="folder")
    book["outputs"] = outputs()

    async with Engine(books.table(book), environment=keys) as engine:
        with pytest.raises(OutputError, match="cut off by its token limit") as caught:
            await engine.run("chat", "go")

    assert caught.value.result.finish_reason == "length"


@pytest.mark.parametrize("reply", [{"error": {"status": 500, "message": "no luck"}}, {"text": "Health"}])
async def test_with_on_failure_otherwise_an_alternative_stands_in_for_a_failed_run(answer, reply):
    result = await answer(reply, choice={**CHOICE, "on_failure": "otherwise"})

    [outcome] = result.checks
    assert (outcome.status, outcome.value, outcome.confidence) == ("failed", "f-work", 0)
    assert outcome.source == "input:category_folder_id"
    assert (result.output, result.finish_reason) == (None, "error")
    assert [warning.code for warning in result.warnings] == ["run_failed"]
    assert len(result.attempts) == 1
    json.dumps(result.to_dict())


@pytest.mark.parametrize(
    ("inputs", "choice"),
    [(INPUTS, {}), ({"folders": FOLDERS[:1], "category_folder_id": "f-gone"}, {"on_failure": "otherwise"})],
    ids=["on_failure: raise", "no alternative is in the list"],
)
async def test_otherwise_the_error_of_a_failed_run_is_raised(answer, inputs, choice):
    with pytest.raises(ProviderError, match="no luck") as caught:
        await answer({"error": {"status": 500, "message": "no luck"}}, inputs=inputs, choice={**CHOICE, **choice})

    assert len(caught.value.result.attempts) == 1


async def test_a_contract_holds_for_the_answer_after_the_tools(books):
    entries = [
        {"when": {"turn": 1}, "reply": {"tool_calls": [{"name": "plain.echo", "arguments": {"text": "a"}}]}},
        {"reply": chosen("f-health")},
    ]
    book = books.scripted(*entries, output="folder", tools={"servers": ["plain"]})
    book |= {"outputs": outputs(CHOICE), "mcp_servers": {"plain": books.tools()}}

    async with Engine(books.table(book), environment={}) as engine:
        result = await engine.run("chat", "go", inputs=INPUTS)

    assert result.output["folder_id"] == "f-health"
    assert [r.text for r in result.tool_results] == ["a"]


async def test_an_answer_that_was_cut_but_keeps_its_contract_is_a_run_that_stopped(fake, wire, books, keys):
    provider = await fake(wire.text('{"folder_id": null}', finish="length"))
    book = books.over(provider.url, output="folder")
    book["outputs"] = outputs()

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "go")

    assert (result.output, result.finish_reason) == ({"folder_id": None}, "stop")


# a tool whose input is the answer


async def test_a_model_with_tools_alone_is_made_to_answer_by_a_tool_that_no_result_tells_of(fake, wire, books, keys):
    provider = await fake(wire.calls(("c1", "folder", '{"folder_id": "f-work"}')))
    book = books.over(provider.url, output="folder")
    book["outputs"] = outputs(CHOICE)
    book["models"]["m0"]["capabilities"] = ["tools"]

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "go", inputs=INPUTS)

    sent = provider.requests[0].json
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["folder"]
    assert sent["tools"][0]["function"]["parameters"] == SCHEMA
    assert sent["tool_choice"] == {"type": "function", "function": {"name": "folder"}}
    assert "response_format" not in sent
    assert (result.output["folder_id"], result.text, result.finish_reason) == (
        "f-work",
        '{"folder_id": "f-work"}',
        "stop",
    )
    assert (result.tool_calls, result.turns) == ((), 1)


async def test_an_answer_by_tool_that_breaks_its_contract_is_repaired_by_one_that_keeps_it(fake, wire, books, keys):
    bad, good = (wire.calls(("c1", "folder", arguments)) for arguments in ('{"folder_id": 7}', '{"folder_id": null}'))
    provider = await fake([bad, good])
    book = books.over(provider.url, output="folder")
    book["outputs"] = outputs(strategy="tool", repair={"attempts": 1})

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "go")

    again = provider.requests[1].json
    assert result.output == {"folder_id": None}
    assert [message["role"] for message in again["messages"]] == ["user", "assistant", "user"]
    assert again["messages"][1]["content"] == '{"folder_id": 7}'
    assert "/folder_id" in again["messages"][2]["content"]
    assert again["tool_choice"]["function"]["name"] == "folder"


async def test_an_answer_by_tool_goes_on_at_a_model_that_is_asked_natively(fake, wire, books, keys):
    first = await fake([wire.calls(("c1", "folder", '{"folder_id": 7}')), wire.error(500)])
    second = await fake(wire.text('{"folder_id": null}'))
    book = books.over(first.url, second.url, output="folder")
    book["outputs"] = outputs(repair={"attempts": 1})
    book["models"]["m0"]["capabilities"] = ["tools"]

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "go")

    sent = second.requests[0].json
    assert result.output == {"folder_id": None}
    assert "tools" not in sent
    assert "response_format" in sent
    assert "tool_calls" not in json.dumps(sent["messages"])


async def test_beside_the_features_own_tools_the_answers_tool_is_offered_and_not_forced(fake, wire, books, keys):
    provider = await fake(
        [
            wire.calls(("c1", "plain__echo", '{"text": "a"}'), ("c2", "folder", '{"folder_id": "early"}')),
            wire.calls(("c3", "folder", '{"folder_id": "f-work"}')),
        ]
    )
    book = books.over(provider.url, output="folder", tools={"servers": ["plain"]})
    book |= {"outputs": outputs(strategy="tool"), "mcp_servers": {"plain": books.tools()}}

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "go")

    sent = provider.requests[0].json
    assert "folder" in [tool["function"]["name"] for tool in sent["tools"]]
    assert sent.get("tool_choice", "auto") == "auto"
    assert "calling the tool folder" in sent["messages"][0]["content"]
    assert result.output == {"folder_id": "f-work"}
    assert [call.name for call in result.tool_calls] == ["plain__echo"]
    assert [one.text for one in result.tool_results] == ["a"]


@pytest.mark.parametrize("strategy", ["native", "tool"])
async def test_an_answer_that_is_no_object_travels_inside_of_one(fake, wire, books, keys, strategy):
    wrapped = '{"value": ["a", "b"]}'
    provider = await fake(wire.text(wrapped) if strategy == "native" else wire.calls(("c1", "folder", wrapped)))
    book = books.over(provider.url, output="folder")
    book["outputs"] = {"folder": {"schema": {"type": "array", "items": {"type": "string"}}, "strategy": strategy}}

    async with Engine(books.table(book), environment=keys) as engine:
        result = await engine.run("chat", "go")

    assert result.output == ["a", "b"]


# what a prompt is rendered with


def two_choices():
    choices = (ChoiceSpec("a", "folders", label=("name",)), ChoiceSpec("b", "tags"), ChoiceSpec("c", "folders"))
    return Contract(OutputSpec("o", {"type": "object"}, checks=choices), {"folders": FOLDERS, "tags": [{"id": 1}]})


def test_candidates_that_the_prompt_names_are_not_shown_again():
    contract = two_choices()

    assert contract.candidates_text().count("must be the") == 3
    assert contract.candidates_text({"folders"}) == '"b" must be the "id" of one of these, copied exactly:\n{"id": 1}'
    assert contract.candidates_text({"folders", "tags", "other"}) == ""


def test_a_prompt_that_names_an_input_gets_the_text_of_all_its_candidates():
    variables = two_choices().candidate_variables()

    assert set(variables) == {"folders", "tags"}
    assert variables["folders"].count("must be the") == 2
    assert variables["tags"] == two_choices().candidates_text({"folders"})
