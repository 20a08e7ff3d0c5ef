"""A book whose runs are observed, and whether what is told of them agrees with what the caller gets."""

from __future__ import annotations

from wire_apis import APIS

from routebook import Engine, ProviderError, RoutebookError
from routebook.records.ended import AttemptEnded, RunEnded, ToolCallEnded, TurnEnded

OPENAI = APIS["openai-chat"]
PRICE = {"input": 2.0, "output": 10.0}
CHOICE = {"choice": {"field": "folder", "from": "folders", "id": "id", "label": ["name"], "on_failure": "otherwise"}}
FOLDERS = {"folders": [{"id": "f1", "name": "Health"}], "rest": "f1"}
GOOD = OPENAI.said('{"folder": "f1"}')


def observed_book(books, *urls, **first):
    """Features of every kind over two providers, the second of which stands in for the first."""
    book = books.over(*urls, provider={"retry": {"attempts": 2, "backoff": "1ms"}, "breaker": {"failures": 1000}})
    both = {"use": {"model": "m0"}, "fallbacks": [{"model": "m1"}]}
    for number in (0, 1):
        book["models"][f"m{number}"]["price"] = PRICE
        for kind, capability in {"index": "embeddings", "cover": "image_output"}.items():
            model = {"provider": f"p{number}", "id": f"vendor/{kind}", "capabilities": [capability], "price": PRICE}
            book["models"][f"{kind}{number}"] = model
    choice = {**CHOICE["choice"], "otherwise": [{"input": "rest"}]}
    schema = {"type": "object", "required": ["folder"], "properties": {"folder": {"type": "string"}}}
    book["mcp_servers"] = {"plain": books.tools(), "broken": books.tools("fail")}
    book["outputs"] = {
        "shape": {"schema": {"type": "object"}, "strategy": "prompt", "repair": {"attempts": 1}},
        "folder": {"schema": schema, "strategy": "prompt", "checks": [{"choice": choice}]},
    }
    book["features"] = {
        "chat": {**both, **first},
        "tools": {**both, "tools": {"servers": ["plain"], "max_turns": 2, "on_limit": "fail"}},
        "finishing": {**both, "tools": {"servers": ["plain"], "max_turns": 1}},
        "broken": {**both, "tools": {"servers": ["broken"]}},
        "shaped": {**both, "output": "shape"},
        "chosen": {**both, "output": "folder"},
        "brief": {**both, "deadline": "100ms"},
        "poor": {**both, "budget": {"tokens_per_run": 1}, "output": "shape"},
        "index": {"use": {"model": "index0"}, "fallbacks": [{"model": "index1"}], "needs": ["embeddings"]},
        "cover": {"use": {"model": "cover0"}, "fallbacks": [{"model": "cover1"}], "needs": ["image_output"]},
    }
    return books.table(book)


def one_run(records):
    """The records of the one run that was made, its end apart."""
    assert len({record.run_id for record in records}) == 1
    *parts, end = records
    assert isinstance(end, RunEnded)
    assert not [part for part in parts if isinstance(part, RunEnded)]
    return parts, end


def of_kind(kind, parts):
    return [part for part in parts if isinstance(part, kind)]


def check_agrees(records, result, error=None):
    """All parts are told once, in order, and their numbers are those of *result*."""
    parts, end = one_run(records)
    attempts, turns, calls = (of_kind(kind, parts) for kind in (AttemptEnded, TurnEnded, ToolCallEnded))
    assert [part.attempt for part in attempts] == list(result.attempts)
    assert [part.shadow for part in attempts] == [False] * len(attempts)
    assert (end.run_id, end.feature, end.table) == (result.run_id, result.decision.feature, result.decision.table)
    assert (end.profile, end.route, end.arm) == (result.decision.profile, result.decision.route, result.decision.arm)
    assert (end.attempts, end.usage, end.cost_microusd) == (len(result.attempts), result.usage, result.cost_microusd)
    assert end.absorbed == (0 if error is not None else len(result.absorbed))
    assert end.error == (None if error is None else type(error).__name__)
    assert end.kind == (error.kind if isinstance(error, ProviderError) else None)
    assert end.duration_s >= sum(attempt.duration_s + attempt.queued_s for attempt in result.attempts) * 0.99
    if end.call != "chat":
        assert (end.turns, turns, calls) == (0, [], [])
        return parts, end
    assert end.turns == result.turns == len(turns)
    assert [turn.turn for turn in turns] == list(range(1, len(turns) + 1))
    assert end.finish_reason == result.finish_reason
    assert end.tool_calls == len(result.tool_calls) == len(calls)
    assert sorted(call.call_id for call in calls) == sorted(answer.call_id for answer in result.tool_results)
    assert sum(turn.tool_calls for turn in turns) == len(calls)
    order = {AttemptEnded: 0, TurnEnded: 1, ToolCallEnded: 2}
    places = [(part.turn, order[type(part)]) for part in parts]
    assert places == sorted(places)
    return parts, end


async def heard_of(table, keys, ask):
    """Return what *ask* makes of an engine, result or error, and what was told of it."""
    records = []
    async with Engine(table, environment=keys, listeners=[records.append]) as engine:
        try:
            outcome = await ask(engine)
        except RoutebookError as error:
            outcome = error
    return outcome, records


def called(number):
    return OPENAI.called(f"dentist {number}")
