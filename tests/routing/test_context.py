"""Contexts and facts as callers make them: what is wrong is told at once, by its field, and no value is shown."""

from __future__ import annotations

import copy
import enum
import pickle
from collections import UserDict
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest

from routebook import Context, Facts, RequestError, compile_mapping
from routebook.routing.context import context_of

SECRET = "sk-live-8f1b2c3d4e5f60718293a4b5c6d7e8f9"
WHOLE = Context(
    profile="max",
    user="u1",
    tenant="t1",
    region="eu",
    metadata={"plan": "pro", "seats": [1, 2.5, {"deep": True}], "none": None},
    credentials={"openai": SECRET},
    key="k1",
)
FACTS = Facts(input_tokens=9, has_images=True, model="m", options={"stop": ["a"], "reasoning": {"effort": "low"}})


class Plan(enum.StrEnum):
    PRO = "pro"


@pytest.fixture(scope="module")
def table():
    """Feature `f` splits by metadata.thing, and has a rule on it."""
    return compile_mapping(
        {
            "providers": {"openai": {}},
            "features": {
                "f": {
                    "rules": [
                        {"name": "large", "when": {"metadata.thing": {"gt": 5}}, "use": {"model": "openai/large"}}
                    ],
                    "use": {
                        "split": [
                            {"name": "a", "weight": 1, "model": "openai/a"},
                            {"name": "b", "weight": 1, "model": "openai/b"},
                        ],
                        "key": "metadata.thing",
                    },
                    "caller_options": ["stop", "reasoning"],
                }
            },
        },
        {},
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"usr": SECRET}, "context has no field 'usr'; did you mean 'user'?"),
        ({"credential": {"openai": SECRET}}, "context has no field 'credential'; did you mean 'credentials'?"),
        ({"colour": 1}, "its fields are profile, user, tenant, region, metadata, credentials, key"),
        ({"profile": 5}, "context field 'profile' must be text, not of type 'int'"),
        ({"user": "u", "tenant": ["a"]}, "context field 'tenant' must be text, not of type 'list'"),
        ({"region": b"eu"}, "context field 'region' must be text, not of type 'bytes'"),
        ({"key": 7}, "context field 'key' must be text, not of type 'int'"),
        ({"metadata": []}, "context field 'metadata' must be a mapping, not of type 'list'; leave it out"),
        ({"metadata": None}, "context field 'metadata' must be a mapping, not None"),
        ({"metadata": SECRET}, "context field 'metadata' must be a mapping, not of type 'str'"),
        ({"metadata": {"a": {"b": UUID(int=0)}}}, "context field 'metadata'['a']['b'] is of type 'UUID'; give text, "),
        ({"metadata": {"a": float("nan")}}, "context field 'metadata'['a'] is no finite number"),
        ({"metadata": {float("nan"): 1}}, "context field 'metadata' has a key of type 'float'; keys are text"),
        ({"credentials": SECRET}, "must map providers' names to the caller's keys, not be of type 'str'"),
        ({"credentials": None}, "must map providers' names to the caller's keys, not be None"),
        ({"credentials": [("openai", SECRET)]}, "not be of type 'list'"),
        ({"credentials": {7: SECRET}}, "context field 'credentials' has a name of type 'int'; names are text"),
        ({"credentials": {"openai": f"{SECRET}\n"}}, "the caller's key for provider 'openai' is empty or has"),
        ({"credentials": {"openai": SECRET.encode()}}, "the caller's key for provider 'openai' is empty or has"),
        ({"credentials": {SECRET: ""}}, "the caller's key for a provider is empty or has"),
    ],
)
def test_a_context_that_is_not_one_is_refused_by_its_field_and_shows_no_value(given: dict[Any, Any], says: str):
    for make in (lambda: Context(**given), lambda: context_of(given)):
        with pytest.raises(RequestError) as caught:
            make()
        assert caught.value.field == "context"
        assert says in str(caught.value)
        assert SECRET not in f"{caught.value!r}{caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("given", "field", "says"),
    [
        ({"input_token": 9}, "facts", "facts has no field 'input_token'; did you mean 'input_tokens'?"),
        ({"input_tokens": "9"}, "facts", "'input_tokens' must be a whole number from 0 on, not of type 'str'"),
        ({"input_tokens": True}, "facts", "not of type 'bool'"),
        ({"input_tokens": -1}, "facts", "from 0 on"),
        ({"stream": 1}, "facts", "facts field 'stream' must be true or false, not of type 'int'"),
        ({"has_tools": None}, "facts", "facts field 'has_tools' must be true or false, not None"),
        ({"model": 5}, "override", "model must be a model's name, not of type 'int'"),
        ({"options": None}, "options", "the caller's options must be a mapping, not None"),
        ({"options": ["seed"]}, "options", "the caller's options must be a mapping, not of type 'list'"),
        ({"options": {5: 1}}, "options", "the caller's options have a name of type 'int'; names are text"),
        ({"options": {"stop": [5]}}, "options", "the caller's option 'stop' must be text, or a list of texts"),
        ({"options": {"reasoning": "low"}}, "options", "'reasoning' must be a mapping with `effort`"),
        ({"options": {"reasoning": {"budget_tokens": "9"}}}, "options", "`budget_tokens`, a whole number"),
        ({"options": {"extra_body": {5: 1}}}, "options", "'extra_body' must be a mapping by name"),
    ],
)
def test_facts_that_are_none_are_refused_by_their_field(given: dict[str, Any], field: str, says: str):
    with pytest.raises(RequestError) as caught:
        Facts(**given)

    assert caught.value.field == field
    assert says in str(caught.value)


@pytest.mark.parametrize("value", [WHOLE, Context(), FACTS, Facts()], ids=["context", "nobody", "facts", "nothing"])
def test_copies_of_every_kind_are_equal_and_as_frozen(value: Context | Facts):
    copies = [pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value), replace(value)]

    for other in copies:
        assert (other, type(other)) == (value, type(value))
        for one in fields(other):
            assert not isinstance(getattr(other, one.name), (dict, list))


def test_a_replaced_field_is_checked_like_a_given_one():
    assert replace(WHOLE, user="u2") == Context(
        **{one.name: getattr(WHOLE, one.name) for one in fields(WHOLE)} | {"user": "u2"}
    )
    with pytest.raises(RequestError, match="context field 'user' must be text"):
        replace(WHOLE, user=2)
    with pytest.raises(RequestError, match="did you mean 'user'"):
        replace(WHOLE, usr="u2")


def test_a_context_shows_all_but_the_callers_keys():
    assert "user='u1'" in repr(WHOLE)
    assert SECRET not in repr(WHOLE)
    assert Context("max", "u1", "t1", "eu", WHOLE.metadata, WHOLE.credentials, "k1") == WHOLE
    assert replace(WHOLE, credentials={"openai": "other"}) != WHOLE
    assert {Context(user="u"): 1}[Context(user="u")] == 1


@pytest.mark.parametrize("mapping", [dict, MappingProxyType, UserDict])
def test_any_mapping_of_its_fields_is_taken_for_a_context(mapping: Any):
    given = {"user": "u1", "metadata": {"plan": "pro"}, "credentials": {"openai": SECRET}}

    assert context_of(mapping(given)) == Context(**given)
    assert context_of(None) == context_of({}) == Context()
    assert context_of(WHOLE) is WHOLE


@pytest.mark.parametrize("given", [5, "u1", ["user"], 0, "", [], (("user", "u1"),), {5: 1}, {None: "u1"}])
def test_what_is_neither_a_context_nor_a_mapping_of_its_fields_is_refused(given: Any):
    with pytest.raises(RequestError) as caught:
        context_of(given)

    assert caught.value.field == "context"


@pytest.mark.parametrize(
    ("arguments", "field", "says"),
    [
        ({"feature": 5}, "feature", "feature must be the name of a feature, not of type 'int'"),
        ({"feature": ["f"]}, "feature", "not of type 'list'"),
        ({"feature": None}, "feature", "not None"),
        ({"context": "u1"}, "context", "context must be a Context or a mapping of its fields, not of type 'str'"),
        ({"context": []}, "context", "not of type 'list'"),
        ({"context": {"usr": "u1"}}, "context", "did you mean 'user'?"),
        ({"facts": {"input_tokens": 9}}, "facts", "facts must be a Facts, not of type 'dict'"),
        ({"facts": 0}, "facts", "facts must be a Facts, not of type 'int'"),
        ({"run_id": 7}, "run_id", "run_id must be text, not of type 'int'"),
    ],
)
def test_what_a_table_is_asked_wrongly_is_refused_by_its_argument(
    table, arguments: dict[str, Any], field: str, says: str
):
    for ask in (table.resolve, table.explain):
        with pytest.raises(RequestError) as caught:
            ask(**{"feature": "f", **arguments})
        assert caught.value.field == field
        assert says in str(caught.value)


def test_a_table_takes_a_mapping_for_a_context(table):
    given = {"metadata": {"thing": "x"}}

    assert table.resolve("f", given) == table.resolve("f", Context(**given))
    assert table.explain("f", given) == table.explain("f", Context(**given))


@pytest.mark.parametrize("thing", ["x", 3, 2.5, True, None, [1, {"a": 2}], {"a": [1], "b": 2}, Plan.PRO])
def test_metadata_of_every_plain_kind_is_decided_on_and_sticks(table, thing: Any):
    def decided(value: Any) -> Any:
        return table.resolve("f", Context(metadata={"thing": value}), run_id="run")

    assert decided(thing) == decided(copy.deepcopy(thing))
    assert decided(thing).route == "use"
    assert decided(6).route == "rule:large"


def test_a_mapping_sticks_to_the_same_arm_in_whatever_order_it_was_written(table):
    one = table.resolve("f", Context(metadata={"thing": {"a": 1, "b": {"c": [2], "d": 3}}}))
    other = table.resolve("f", Context(metadata={"thing": {"b": {"d": 3, "c": [2]}, "a": 1}}))

    assert (one.key, one.arm) == (other.key, other.arm)
    assert one.key == '{"a": 1, "b": {"c": [2], "d": 3}}'
