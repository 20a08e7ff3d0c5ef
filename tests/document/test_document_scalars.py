"""Durations, sizes, references to the environment and to secrets."""

from __future__ import annotations

from typing import Any

import pytest

from routebook import Diagnostic, RouteFileError, RoutingTable, compile_mapping
from routebook.document.scalars import carries_credential, seconds, size_bytes


def book(feature: dict[str, Any] | None = None, **provider: Any) -> dict[str, Any]:
    """A book whose one feature and one provider have what is given."""
    return {
        "providers": {"openai": provider},
        "mcp_servers": {"clock": {"command": "clock"}},
        "models": {"m": {"provider": "openai", "capabilities": ["tools", "parallel_tools"]}},
        "features": {"f": {"use": {"model": "m"}, "tools": {"servers": ["clock"]}, **(feature or {})}},
    }


def compiled(written: dict[str, Any], **environment: str) -> RoutingTable:
    return compile_mapping(written, environment)


def problems(written: dict[str, Any], **environment: str) -> list[Diagnostic]:
    with pytest.raises(RouteFileError) as caught:
        compile_mapping(written, environment)
    return [diagnostic for diagnostic in caught.value.diagnostics if diagnostic.severity == "error"]


def the_problem(written: dict[str, Any], **environment: str) -> Diagnostic:
    (problem,) = problems(written, **environment)
    return problem


@pytest.mark.parametrize(
    ("written", "value"),
    [("250ms", 0.25), ("30s", 30.0), ("5m", 300.0), ("1h", 3600.0), ("1.5s", 1.5), ("0.5ms", 0.0005), ("0s", 0.0)],
)
def test_a_duration_is_read_as_seconds(written: str, value: float):
    assert seconds(written) == pytest.approx(value)


@pytest.mark.parametrize(
    "written", ["", "30", "s", "30 s", "-1s", "1e3s", "30S", "1d", "1m30s", ".5s", "1.s", "٣s", "30s\n"]
)
def test_anything_else_is_no_duration(written: str):
    assert seconds(written) is None


@pytest.mark.parametrize(
    ("written", "value"),
    [("64KiB", 65536), ("1MiB", 1048576), ("2GiB", 2 * 2**30), ("500kB", 500_000), ("1MB", 10**6), ("7B", 7), ("9", 9)],
)
def test_a_size_is_read_as_bytes(written: str, value: int):
    assert size_bytes(written) == value


@pytest.mark.parametrize("written", ["", "KiB", "64 KiB", "64K", "64kib", "-1B", "1.5MiB", "٣B", "1B\n"])
def test_anything_else_is_no_size(written: str):
    assert size_bytes(written) is None


@pytest.mark.parametrize("written", ["soon", 30, 1.5, True, "-5s", {"total": 3}, ["30s"]])
def test_a_timeout_that_is_no_duration_is_refused_with_an_example(written: Any):
    problem = the_problem(book(timeout=written))

    assert problem.code == "RB203"
    assert "expected a duration such as 250ms, 30s or 5m" in problem.message


@pytest.mark.parametrize("written", ["0s", "0ms", "9" * 400 + "s"])
def test_a_duration_is_above_zero_and_finite(written: str):
    assert the_problem(book(timeout=written)).code == "RB203"


@pytest.mark.parametrize("written", [0, "0B", -1, "64K", 1.5, True, None])
def test_a_result_limit_that_is_no_size_above_zero_is_refused(written: Any):
    problem = the_problem(book({"tools": {"servers": ["clock"], "result_limit": written}}))

    assert problem.code in {"RB202", "RB203"}
    assert "result_limit" in problem.message


def test_a_bare_timeout_bounds_the_whole_call_and_leaves_the_other_defaults():
    timeout = compiled(book(timeout="20s")).providers["openai"].timeout

    assert (timeout.connect, timeout.first_token, timeout.idle, timeout.total) == (5.0, 60.0, 60.0, 20.0)


ENV = {"env": "NAME"}
WITH_DEFAULT: list[tuple[dict[str, Any], Any, str, Any]] = [
    ({"max_turns": ENV}, "max_turns", "5", 5),
    ({"timeout": ENV}, "timeout_s", "250ms", 0.25),
    ({"result_limit": ENV}, "result_limit_bytes", "2KiB", 2048),
    ({"result_limit": ENV}, "result_limit_bytes", "2048", 2048),
    ({"allow": [ENV]}, "allow", "clock.now", ("clock.now",)),
]


@pytest.mark.parametrize(("tools", "field", "text", "value"), WITH_DEFAULT)
def test_a_variable_is_converted_to_the_type_of_the_field_it_stands_for(
    tools: dict[str, Any], field: str, text: str, value: Any
):
    table = compiled(book({"tools": {"servers": ["clock"], **tools}}), NAME=text)

    assert getattr(table.features["f"].tools, field) == value


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        ("temperature", "0.25", 0.25),
        ("temperature", "1", 1.0),
        ("temperature", "1e-1", 0.1),
        ("seed", "-7", -7),
        ("seed", "+7", 7),
        ("parallel_tool_calls", "true", True),
        ("parallel_tool_calls", "FALSE", False),
        ("service_tier", "007", "007"),
        ("timeout", "30s", {"total": 30.0}),
    ],
)
def test_an_option_may_be_read_from_the_environment(option: str, text: str, value: Any):
    table = compiled(book({"options": {option: ENV}}), NAME=text)

    read = table.resolve("f").attempts[0].options[option]

    assert read == value
    assert isinstance(read, type(value)) or option == "timeout"


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("temperature", "warm"),
        ("temperature", "1_0"),
        ("temperature", "nan"),
        ("temperature", "inf"),
        ("temperature", " 1"),
        ("temperature", ""),
        ("seed", "1.0"),
        ("seed", "1_000"),
        ("seed", "+-1"),
        ("seed", "²"),
        ("parallel_tool_calls", "yes"),
        ("parallel_tool_calls", "1"),
        ("timeout", "30"),
    ],
)
def test_a_variable_that_does_not_fit_is_rb702_and_its_value_is_not_shown(option: str, text: str):
    problem = the_problem(book({"options": {option: ENV}}), NAME=text)

    assert problem.code == "RB702"
    assert problem.message.startswith(f"'{option}': environment variable NAME is not ")
    assert not text or f"'{text}'" not in problem.message


def test_a_variable_out_of_range_is_refused_and_named():
    problem = the_problem(book({"options": {"temperature": ENV}}), NAME="9")

    assert (problem.code, problem.message) == ("RB203", "'temperature' must be at most 2")
    assert problem.notes == ("the value is that of environment variable NAME",)


def test_an_unset_variable_without_a_default_is_rb701_and_says_how_to_mend_it():
    problem = the_problem(book({"options": {"seed": ENV}}))

    assert (problem.code, problem.message) == ("RB701", "'seed': environment variable NAME is not set")
    assert problem.help == "set the variable, or give it a default: {env: NAME, default: ...}"


@pytest.mark.parametrize(
    ("option", "default", "value"),
    [("seed", 3, 3), ("temperature", 1, 1.0), ("parallel_tool_calls", False, False), ("timeout", "2s", {"total": 2.0})],
)
def test_an_unset_variable_takes_its_default(option: str, default: Any, value: Any):
    table = compiled(book({"options": {option: {"env": "NAME", "default": default}}}))

    assert table.resolve("f").attempts[0].options[option] == value


def test_a_set_variable_wins_over_its_default():
    table = compiled(book({"options": {"seed": {"env": "NAME", "default": 3}}}), NAME="4")

    assert table.resolve("f").attempts[0].options["seed"] == 4


@pytest.mark.parametrize("default", ["three", 1.5, True, None])
def test_a_default_of_another_type_is_refused(default: Any):
    assert the_problem(book({"options": {"seed": {"env": "NAME", "default": default}}})).code == "RB202"


@pytest.mark.parametrize(
    "reference", [{"env": "N", "fallback": 1}, {"env": 1}, {"default": 1}, {"env": "N", "default": []}]
)
def test_a_mapping_that_is_no_reference_is_no_scalar(reference: Any):
    assert the_problem(book({"options": {"seed": reference}}), N="1").code == "RB202"


def test_a_caller_cannot_read_the_environment_through_an_option():
    table = compiled(book({"options": {"seed": ENV}}), NAME="1")

    assert "NAME" not in str(table.resolve("f").to_dict())


@pytest.mark.parametrize("kind", ["env", "file"])
def test_a_secret_is_kept_as_a_reference(kind: str):
    credential = compiled(book(api_key={kind: "PLACE"}), PLACE="canary").providers["openai"].credential

    assert str(credential) == f"{kind}:PLACE"


@pytest.mark.parametrize(
    "written",
    [
        "canary-literal",
        12345678,
        ["canary-literal"],
        True,
        {},
        {"env": "A", "file": "B"},
        {"env": None},
        {"env": ""},
        {"file": 7},
        {"env": "A", "default": "canary-literal"},
        {"value": "canary-literal"},
        {"env": "canary-literal"},
    ],
)
def test_a_secret_is_never_anything_but_a_reference(written: Any):
    problem = the_problem(book(api_key=written))

    assert problem.code == "RB206"
    assert "canary" not in str(problem) + str(problem.to_dict())


def test_every_header_that_carries_a_credential_is_reported_and_others_pass():
    headers = {"Authorization": "Bearer x", "X-Title": "demo", "x-goog-api-key": "y", "X-Auth-Token": "z"}

    found = problems(book(headers=headers))

    assert [problem.code for problem in found] == ["RB206"] * 3
    assert [problem.message.split(":")[0] for problem in found] == [
        "'Authorization'",
        "'x-goog-api-key'",
        "'X-Auth-Token'",
    ]


def test_an_options_header_may_not_carry_a_credential_by_any_spelling():
    problem = the_problem(book({"options": {"extra_headers": {"API-KEY": "x", "X-Ok": "y"}}}))

    assert (problem.code, problem.message.split(":")[0]) == ("RB206", "'API-KEY'")


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ({"X Title": "demo"}, "a header's name has letters"),
        ({"": "demo"}, "a header's name has letters"),
        ({"X-Title": "naïve"}, "its value is ASCII"),
        ({"Content-Length": "3"}, "set by the request itself"),
        ({"transfer-encoding": "chunked"}, "set by the request itself"),
        ({"Accept-Encoding": "br"}, "set by the request itself"),
        ({"Accept": "text/plain"}, "set by the request itself"),
        ({"content-type": "text/plain"}, "set by the request itself"),
        ({"Host": "other.example"}, "set by the request itself"),
        ({"Connection": "close"}, "set by the request itself"),
    ],
)
def test_headers_that_could_not_be_sent_as_written_are_refused(header: dict[str, str], says: str):
    for written in (book(headers=header), book({"options": {"extra_headers": header}})):
        problem = the_problem(written)
        assert (problem.code, says in problem.message) == ("RB203", True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("authorization", True),
        ("Proxy-Authorization", True),
        ("X-API-KEY", True),
        ("api_key", True),
        ("x-auth-token", True),
        ("Cookie", True),
        ("X-Title", False),
        ("monkey", False),
        ("x-tokens", False),
        ("HTTP-Referer", False),
    ],
)
def test_a_headers_name_tells_whether_it_carries_a_credential(name: str, expected: bool):
    assert carries_credential(name) is expected


def test_a_tool_servers_variable_may_be_text_or_a_secret():
    written = book()
    written["mcp_servers"]["clock"]["env"] = {"ZONE": "UTC", "NOTES_TOKEN": {"env": "TOKEN"}}

    env = compiled(written, TOKEN="canary").servers["clock"].env

    assert {name: str(value) for name, value in env.items()} == {"ZONE": "UTC", "NOTES_TOKEN": "env:TOKEN"}
