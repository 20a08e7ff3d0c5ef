"""Books that no repository could hold, and books with many mistakes: each its own diagnostic, never a traceback."""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import routebook
from routebook import Diagnostic, RouteFileError, compile_mapping
from routebook.book import read_book, read_script, script_of

GOOD = (
    "providers: {openai: {}}\n"
    "models: {m: {provider: openai, capabilities: [tools]}}\n"
    "features: {f: {use: {model: m}}}\n"
)


def write(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def said(root: Path) -> list[Diagnostic]:
    report = read_book(root, {})
    errors = [diagnostic for diagnostic in report.diagnostics if diagnostic.severity == "error"]
    assert (report.table is None) is bool(errors)
    return errors


def the_error(root: Path) -> Diagnostic:
    (error,) = said(root)
    return error


def test_a_good_book_compiles(tmp_path: Path):
    assert list(routebook.compile(write(tmp_path, {"book.yaml": GOOD})).features) == ["f"]


def test_a_book_may_be_named_by_text_as_well(tmp_path: Path):
    assert routebook.compile(str(write(tmp_path, {"book.yaml": GOOD}))) == routebook.compile(tmp_path)


def test_a_missing_directory_is_said_to_be_missing(tmp_path: Path):
    error = the_error(tmp_path / "nowhere")

    assert error.code == "RB108"
    assert "nowhere" in error.message
    assert "--routes" in (error.help or "")


def test_an_empty_directory_is_no_book(tmp_path: Path):
    assert the_error(tmp_path).code == "RB108"


def test_a_directory_with_hidden_and_underscored_files_only_is_no_book(tmp_path: Path):
    write(tmp_path, {".a.yaml": GOOD, "_b.yaml": GOOD, "_c/d.yaml": GOOD, "e.txt": GOOD, "tools.lock.json": "{}"})

    assert the_error(tmp_path).code == "RB108"


def test_a_file_is_no_book(tmp_path: Path):
    error = the_error(write(tmp_path, {"book.yaml": GOOD}) / "book.yaml")

    assert (error.code, "no directory" in error.message) == ("RB108", True)


def test_invalid_utf8_is_located_at_its_first_byte(tmp_path: Path):
    error = the_error(write(tmp_path, {"book.yaml": b"features: {}\n# gr\xc3\xbc\xdfe\n"}))

    assert (error.code, str(error.span), error.span.column) == ("RB101", "book.yaml:2", 6)


def test_a_fifo_is_refused_without_waiting_for_a_writer(tmp_path: Path):
    write(tmp_path, {"book.yaml": GOOD})
    os.mkfifo(tmp_path / "pipe.yaml")

    error = the_error(tmp_path)

    assert (error.code, error.span.path, error.message) == ("RB107", "pipe.yaml", "not a regular file")


def test_a_directory_with_a_route_files_name_is_a_directory_of_the_book(tmp_path: Path):
    write(tmp_path, {"book.yaml/part.yaml": GOOD})

    assert said(tmp_path) == []


def test_a_dangling_link_is_refused_by_its_name(tmp_path: Path):
    write(tmp_path, {"book.yaml": GOOD})
    (tmp_path / "gone.yaml").symlink_to("nowhere.yaml")

    error = the_error(tmp_path)

    assert (error.code, error.span.path, "leads nowhere" in error.message) == ("RB107", "gone.yaml", True)


def test_a_link_that_leads_out_of_the_book_is_refused_unopened(tmp_path: Path):
    outside = write(tmp_path / "outside", {"secret.yaml": "canary: [never read"}) / "secret.yaml"
    root = write(tmp_path / "book", {"book.yaml": GOOD})
    (root / "link.yaml").symlink_to(outside)

    error = the_error(root)

    assert (error.code, error.span.path, error.source) == ("RB107", "link.yaml", None)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_said_to_be_unreadable(tmp_path: Path):
    write(tmp_path, {"book.yaml": GOOD, "other.yaml": GOOD})
    (tmp_path / "other.yaml").chmod(0)

    assert (the_error(tmp_path).code, the_error(tmp_path).span.path) == ("RB107", "other.yaml")


def schema_book(path: str) -> str:
    return (
        "providers: {openai: {}}\n"
        "models: {m: {provider: openai, capabilities: [json_schema]}}\n"
        f"outputs: {{o: {{schema: {{file: {path}}}}}}}\n"
        "features: {f: {use: {model: m}, output: o}}\n"
    )


def a_folder(root: Path) -> None:
    (root / "_s/x.json").mkdir(parents=True)


def a_fifo(root: Path) -> None:
    (root / "_s").mkdir()
    os.mkfifo(root / "_s/x.json")


def a_dangling_link(root: Path) -> None:
    (root / "_s").mkdir()
    (root / "_s/x.json").symlink_to("y.json")


def a_link_out(root: Path) -> None:
    write(root.parent / "outside", {"x.json": "{}"})
    (root / "_s").mkdir()
    (root / "_s/x.json").symlink_to(root.parent / "outside/x.json")


def not_utf8(root: Path) -> None:
    write(root, {"_s/x.json": b"{\xff}"})


def too_large(root: Path) -> None:
    write(root, {"_s/x.json": b" " * (2**20 + 1)})


def nothing(root: Path) -> None:
    assert root.exists()


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (nothing, "RB107", "no such content file"),
        (a_folder, "RB107", "a folder, not a file"),
        (a_fifo, "RB107", "not a regular file"),
        (a_dangling_link, "RB107", "leads nowhere"),
        (a_link_out, "RB107", "leads out of the book"),
        (not_utf8, "RB101", "not valid UTF-8"),
        (too_large, "RB105", "larger than 1 MiB"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_content_that_cannot_be_read_is_reported_where_it_is_named(
    make: Callable[[Path], None], code: str, words: str, tmp_path: Path
):
    root = write(tmp_path / "book", {"book.yaml": schema_book("_s/x.json")})
    make(root)

    error = the_error(root)

    assert (error.code, str(error.span), words in error.message) == (code, "book.yaml:3", True)


@pytest.mark.parametrize("path", ["../outside/x.json", "/etc/hostname", "_s/../../x.json", "''"])
def test_content_outside_the_book_is_refused_by_its_path_alone(path: str, tmp_path: Path):
    write(tmp_path / "outside", {"x.json": "{}"})
    root = write(tmp_path / "book", {"book.yaml": schema_book(path)})

    error = the_error(root)

    assert (error.code, "not inside the book" in error.message) == ("RB107", True)


def test_content_of_broken_json_is_reported_in_the_content_file_itself(tmp_path: Path):
    root = write(tmp_path, {"book.yaml": schema_book("_s/x.json"), "_s/x.json": '{\n  "type": object\n}'})

    error = the_error(root)

    assert (error.code, str(error.span), error.source) == ("RB102", "_s/x.json:2", '  "type": object')


def test_a_mapping_has_no_content_files():
    book = {
        "providers": {"openai": {}},
        "outputs": {"o": {"schema": {"file": "x.json"}}},
        "features": {"f": {"use": {"model": "openai/m"}, "output": "o"}},
    }

    with pytest.raises(RouteFileError, match="a mapping has no directory"):
        compile_mapping(book)


MANY = {
    "a.yaml": (
        "providers:\n"
        "  openai: {api_key: sk-literal-0123456789}\n"
        "  groq: {}\n"
        "  groq: {}\n"
        "models:\n"
        "  m: {provider: openia, capabilities: [tools]}\n"
        "  n: {provider: groq, capabilities: [tools], options: {temperature: hot}}\n"
    ),
    "b.yaml": (
        "features:\n"
        "  first: {use: {model: mm}}\n"
        "  second: {use: {model: groq/x, optoins: {}}, credentials: mine}\n"
        "  Third: {use: {model: groq/x}}\n"
        "  fourth: {use: {model: groq/x}, fallbacks: [{model: groq/x}]}\n"
        "  fifth: {use: {model: groq/x}, options: {seed: {env: UNSET}}}\n"
        "  sixth: {profiles: {nope: {model: groq/x}}, tools: {servers: [clok]}, output: anwser}\n"
    ),
    "c/d.json": (
        '{\n  "profiles": {"a": {"extends": "b"}, "b": {"extends": "a"}},\n  "settings": {"default_profile": "c"}\n}'
    ),
    "c/e.yaml": "features:\n  first: {use: {model: groq/x}}\n",
    "c/f.yaml": "outputs:\n  o: {schema: {type: strin}}\n",
}


def test_a_book_with_many_mistakes_reports_them_all_at_once_in_file_order_and_each_once(tmp_path: Path):
    errors = said(write(tmp_path, MANY))

    assert [(error.code, str(error.span)) for error in errors] == [
        ("RB206", "a.yaml:2"),
        ("RB103", "a.yaml:4"),
        ("RB301", "a.yaml:6"),
        ("RB202", "a.yaml:7"),
        ("RB301", "b.yaml:2"),
        ("RB201", "b.yaml:3"),
        ("RB203", "b.yaml:3"),
        ("RB205", "b.yaml:4"),
        ("RB403", "b.yaml:5"),
        ("RB701", "b.yaml:6"),
        ("RB301", "b.yaml:7"),
        ("RB301", "b.yaml:7"),
        ("RB301", "b.yaml:7"),
        ("RB303", "c/d.json:2"),
        ("RB408", "c/d.json:3"),
        ("RB302", "c/e.yaml:2"),
        ("RB404", "c/f.yaml:2"),
    ]


def test_every_diagnostic_of_a_file_has_its_line_and_a_place_on_it(tmp_path: Path):
    for error in said(write(tmp_path, MANY)):
        assert error.source
        assert 1 <= error.span.column <= len(error.source) + 1
        assert error.message == error.message.strip()
        assert not error.message.endswith(".")


def test_a_file_that_cannot_be_read_may_define_any_name(tmp_path: Path):
    book = "features: {f: {use: {model: elsewhere}, tools: {servers: [there]}, profiles: {some: {model: other}}}}\n"

    error = the_error(write(tmp_path, {"book.yaml": book, "broken.yaml": "models: {elsewhere"}))

    assert (error.code, error.span.path) == ("RB102", "broken.yaml")


def test_a_definition_of_a_wrong_shape_still_defines_its_name(tmp_path: Path):
    book = "providers: {openai: {bad: 1}}\nmodels: {m: {provider: openai, bad: 1}}\nfeatures: {f: {use: {model: m}}}\n"

    assert [error.code for error in said(write(tmp_path, {"book.yaml": book}))] == ["RB201", "RB201"]


DEEP: dict[str, str | bytes] = {
    "lists.yaml": "a: " + "[" * 5000,
    "closed.yaml": "a: " + "[" * 5000 + "]" * 5000,
    "maps.yaml": "{a: " * 5000,
    "blocks.yaml": "".join(" " * depth + "a:\n" for depth in range(1500)),
    "lists.json": "[" * 100_000,
    "maps.json": '{"a":' * 100_000,
    "closed.json": '{"a":' + "[" * 5000 + "]" * 5000 + "}",
    "anchors.yaml": "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'x'}]\n" for n in range(9)),
    "long.yaml": "a: " + "x" * (2**20 - 10),
    "key.yaml": "x" * (2**19) + ": 1",
    "colons.yaml": ": " * 2**18,
    "nul.yaml": b"\0" * 2**20,
    "braces.yaml": "{" * (2**20 - 1),
    "toolong.yaml": "#" * (2**20 + 1),
}


@pytest.mark.parametrize("name", DEEP)
def test_rubbish_gives_located_diagnostics_in_bounded_time(name: str, tmp_path: Path):
    write(tmp_path, {name: DEEP[name]})
    started = time.monotonic()

    errors = said(tmp_path)

    assert time.monotonic() - started < 10
    assert errors
    assert {error.span.path for error in errors} == {name}
    assert len(str(RouteFileError(errors))) < 10_000


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_random_bytes_give_diagnostics_and_nothing_else(seed: int, ending: str, tmp_path: Path):
    write(tmp_path, {f"x.{ending}": random.Random(seed).randbytes(2**20)})

    assert said(tmp_path)[0].code == "RB101"


ALPHABET = "{}[]:,-#&*!|>'\"%@` \n\tab01\\~?é"


@pytest.mark.parametrize("seed", range(40))
def test_random_text_gives_diagnostics_and_nothing_else(seed: int, tmp_path: Path):
    generator = random.Random(seed)
    text = "".join(generator.choices(ALPHABET, k=generator.randint(1, 300)))
    write(tmp_path, {"x.yaml": text, "y.json": text, "z.yaml": f"features:\n  f: {text}"})

    for error in said(tmp_path):
        assert re.fullmatch(r"RB[12]\d\d", error.code)
        assert error.span.path in {"x.yaml", "y.json", "z.yaml"}


@pytest.mark.parametrize(
    "value", [None, [], {}, "", "text", 0, -1, 1.5, True, [None], {"": None}, {"env": "X"}, [[]], [{}]]
)
@pytest.mark.parametrize(
    "path",
    [
        "features/f",
        "features/f/use",
        "features/f/use/model",
        "features/f/use/options",
        "features/f/fallbacks",
        "features/f/profiles",
        "features/f/tools",
        "features/f/tools/servers",
        "features/f/options/extra_body",
        "features/f/options/stop",
        "features/f/output",
        "providers/openai",
        "providers/openai/headers",
        "providers/openai/timeout",
        "providers/openai/script",
        "providers/openai/api",
        "providers/openai/preset",
        "providers/openai/base_url",
        "models/m/provider",
        "models/m/price",
        "models/m/capabilities",
        "outputs/o/schema",
        "outputs/o/checks",
        "profiles/p/extends",
        "settings/default_profile",
        "settings/byok_profile",
        "mcp_servers/s/env",
        "mcp_servers/s/args",
        "features",
    ],
)
def test_any_value_in_any_place_gives_a_table_or_diagnostics(path: str, value: Any, tmp_path: Path):
    book: dict[str, Any] = {
        "providers": {"openai": {}},
        "models": {"m": {"provider": "openai"}},
        "profiles": {"p": {}},
        "settings": {"default_profile": "p"},
        "outputs": {"o": {"schema": {"type": "object"}}},
        "mcp_servers": {"s": {"command": "s"}},
        "features": {
            "f": {
                "use": {"model": "m"},
                "options": {},
                "output": "o",
                "tools": {"servers": ["s"]},
                "fallbacks": [{"model": "openai/x"}],
            }
        },
    }
    *steps, last = path.split("/")
    place = book
    for step in steps:
        place = place[step]
    place[last] = value

    (tmp_path / "book.json").write_text(json.dumps(book, indent=1))
    report = read_book(tmp_path, {"X": "7"})

    assert all(diagnostic.source is not None for diagnostic in report.diagnostics)
    if report.table is None:
        assert "error" in {diagnostic.severity for diagnostic in report.diagnostics}
    else:
        assert all(decision.attempts for decision in report.table.decisions())


def test_a_script_is_read_from_a_file_or_from_plain_entries(tmp_path: Path):
    write(tmp_path, {"play.yaml": "- reply: {text: hello}\n"})

    assert read_script(tmp_path / "play.yaml") == script_of([{"reply": {"text": "hello"}}])


@pytest.mark.parametrize("text", ["reply: {text: x}\n", "- reply: {txt: x}\n", "- reply: {text: [\n", "", "- 5\n"])
def test_a_script_of_another_form_is_refused_with_its_place(text: str, tmp_path: Path):
    write(tmp_path, {"play.yaml": text})

    with pytest.raises(RouteFileError) as caught:
        read_script(tmp_path / "play.yaml")

    assert {diagnostic.span.path for diagnostic in caught.value.diagnostics} == {"play.yaml"}


def test_a_missing_script_is_said_to_be_missing(tmp_path: Path):
    with pytest.raises(RouteFileError, match=r"no such content file: 'play\.yaml'"):
        read_script(tmp_path / "play.yaml")
