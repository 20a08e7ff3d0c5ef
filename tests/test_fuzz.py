"""Fuzz: whatever files hold, compiling gives a table or a RouteFileError, soon, and touches nothing but the book."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from random_books import ENVIRONMENT, random_book
from routebook import RouteFileError, compile_mapping
from routebook.book import OpenBook, compile_book
from stress import IS_STRESS, rounds

ROOT = Path(__file__).parents[1]
MIB = 2**20
LONGEST_S = 8.0  # no hang, on any machine; the 2 s that a mebibyte may take are measured in benchmarks/

PIECES = (
    *(b"{", b"}", b"[", b"]", b": ", b"- ", b"? ", b"&a ", b"*a ", b"!!int ", b"!x ", b"<<: *a", b"%YAML 1.1\n"),
    *(b"|\n", b">-\n", b"'", b'"', b"\\", b"#", b"\t", b"\n", b"\r", b"\n---\n", b"\n...\n", b"\x00", b"\xff", b"\xc3"),
    *(b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xf0\x9f\x9a\x82", b"\\ud800", b"null", b"~", b".nan", b"-.inf", b"1e999"),
    *(b"{env: X}", b"{env: X, default: }", b"{file: /dev/zero}", b"{file: ../x}", b"{{ x }}", b"{% for", b"0x1f"),
)
WHOLE = {
    "open brackets": b"[" * MIB,
    "open braces": b"{" * MIB,
    "open mappings": b"{a: " * (MIB // 4),
    "nested dashes": b"- " * (MIB // 2),
    "questions": b"? " * (MIB // 2),
    "colons": b": " * (MIB // 2),
    "tabs": b"\t" * MIB,
    "quotes": b'"' * MIB,
    "one quote": b"'" + b"a" * (MIB - 1),
    "ampersands": b"&a " * (MIB // 3),
    "aliases": b"a: &a [x]\nb: [" + b"*a," * (MIB // 3 - 10) + b"]",
    "bombs": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n".encode() for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + b"#" * (MIB - 400),
    "nothing": b"\x00" * MIB,
    "high bytes": b"\xff" * MIB,
    "line breaks": b"\n" * MIB,
    "carriage returns": b"\r" * MIB,
    "comments": b"#" * MIB,
    "comment lines": b"# a\n" * (MIB // 4),
    "one key": b"a" * MIB,
    "one value": b"providers: " + b"x" * (MIB - 11),
    "documents": b"---\n" * (MIB // 4),
    "block text": b"a: |\n" + b"  x\n" * (MIB // 4 - 2),
    "equal keys": b"a: 1\n" * (MIB // 5),
    "unknown sections": b"".join(b"k%06d: 1\n" % number for number in range(MIB // 11)),
    "bad features": b"features:\n" + b"".join(b" f%05d: {usee: {}}\n" % number for number in range(MIB // 21)),
    "broken references": b"providers: {openai: {}}\nfeatures:\n"
    + b"".join(b" f%05d: {use: {model: m%05d}}\n" % (number, number) for number in range(MIB // 35)),
    "one list": b"features: {f: {tags: [" + b"a," * (MIB // 2 - 20) + b"]}}",
    "one number": b"features: {f: {deadline: " + b"9" * (MIB - 40) + b"}}",
    "one template": b'features: {f: {prompt: {user: "' + b"{{ a }}" * (MIB // 7 - 10) + b'"}}}',
    "nested template": b'features: {f: {prompt: {user: "{{ ' + b"(" * (MIB - 60) + b'"}}}',
    "nested blocks": b"".join(b" " * depth + b"a:\n" for depth in range(1400)),
}

WHOLE_JSON = {
    "open brackets": b"[" * MIB,
    "open braces": b'{"a":' * (MIB // 5),
    "one quote": b'"' + b"a" * (MIB - 1),
    "escapes": b'{"a": "' + b"\\u0041" * (MIB // 6 - 4) + b'"}',
    "commas": b"[" + b"," * (MIB - 1),
    "nothing": b"\x00" * MIB,
    "one number": b'{"features": {"f": {"deadline": ' + b"9" * (MIB - 40) + b"}}}",
    "one list": b'{"features": {"f": {"tags": [' + b"1," * (MIB // 2 - 30) + b"1]}}}",
    "equal keys": b"{" + b'"a": 1,' * (MIB // 7 - 2) + b'"a": 1}',
}


def outcome(root: Path) -> str:
    """What became of the book: `table` or `refused`; whatever else is raised is a failure."""
    try:
        compile_book(root, ENVIRONMENT)
    except RouteFileError as error:
        return "refused" if error.diagnostics else "refused in silence"
    return "table"


def refused_soon(file: Path, data: bytes) -> None:
    assert MIB * 0.9 < len(data) <= MIB
    file.write_bytes(data)
    started = time.process_time()

    assert outcome(file.parent) == "refused"
    assert time.process_time() - started < LONGEST_S


@pytest.mark.parametrize("name", WHOLE)
def test_a_mebibyte_of_any_yaml_is_read_soon(name: str, tmp_path: Path):
    refused_soon(tmp_path / "book.yaml", WHOLE[name])


@pytest.mark.parametrize("name", WHOLE_JSON)
def test_a_mebibyte_of_any_json_is_read_soon(name: str, tmp_path: Path):
    refused_soon(tmp_path / "book.json", WHOLE_JSON[name])


def mutated(data: bytes, source: random.Random) -> bytes:
    """The same with a few places cut, doubled, moved, or filled with what parsers stumble over."""
    for _ in range(source.randint(1, 4)):
        at, to = sorted(source.randrange(len(data) + 1) for _ in range(2))
        to = min(to, at + source.choice((1, 2, 40)))
        piece = source.choice(
            (b"", data[at:to] * 2, source.choice(PIECES), source.choice(PIECES) * 3, bytes([source.randrange(256)]))
        )
        data = data[:at] + piece + data[to:]
    return data


def test_a_mutated_file_of_the_example_book_is_read_or_refused_and_leaves_nothing_behind(tmp_path: Path):
    root = tmp_path / "routes"
    shutil.copytree(ROOT / "routes", root)
    files = sorted(
        path for path in root.rglob("*") if path.suffix in (".yaml", ".json") and "_scripts" not in path.parts
    )
    book, good = OpenBook(root, {}), compile_book(root, {})
    for seed in rounds(150):
        source = random.Random(seed)
        file = source.choice(files)
        written = file.read_bytes()
        file.write_bytes(mutated(written, source))
        report = book.read()
        file.write_bytes(written)
        assert (report.table is None) == any(found.severity == "error" for found in report.diagnostics), f"seed {seed}"

    assert book.read().table == good


def test_a_file_of_random_bytes_is_read_or_refused(tmp_path: Path):
    for seed in rounds(150):
        source = random.Random(seed)
        data = b"".join(source.choice((*PIECES, b"features", b"f", b" ", b"\n  ")) for _ in range(source.randrange(60)))
        (tmp_path / source.choice(("book.yaml", "book.json"))).write_bytes(source.choice((data, source.randbytes(50))))

        assert outcome(tmp_path) in ("table", "refused"), f"seed {seed}"


def vocabulary() -> list[str]:
    """Every key that the published schema knows."""
    names: set[str] = set()

    def gather(schema: Any) -> None:
        if isinstance(schema, dict):
            names.update(schema.get("properties", {}))
            for value in schema.values():
                gather(value)
        elif isinstance(schema, list):
            for value in schema:
                gather(value)

    gather(json.loads((ROOT / "schemas" / "route-file.schema.json").read_text(encoding="utf-8")))
    return sorted(names)


WORDS = vocabulary()


def anything(source: random.Random, depth: int = 0) -> Any:
    """A value that may stand anywhere, and should stand nowhere."""
    scalars = (
        None,
        True,
        -1,
        0,
        1,
        0.5,
        1e308,
        10**400,
        float("nan"),
        "",
        "x",
        "luna",
        "a/b",
        "30s",
        "\x00",
        "\ud800",
        "{{ a",
    )
    references = (
        {"env": "NOT_SET"},
        {"env": "HALF"},
        {"env": "X", "default": []},
        {"file": "/etc/hostname"},
        {"file": "a"},
    )
    form = source.random()
    if depth > 2 or form < 0.5:
        return source.choice((*scalars, *references, source.choice(WORDS), "(" * 50, "9" * 5000))
    if form < 0.75:
        return {source.choice((*WORDS, "x", "")): anything(source, depth + 1) for _ in range(source.randint(0, 3))}
    return [anything(source, depth + 1) for _ in range(source.randint(0, 3))]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every mapping or list below *value*, with each of its keys or indexes."""
    items = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    for key, item in items:
        yield value, key
        yield from places(item)


def disturbed(book: dict[str, Any], source: random.Random) -> dict[str, Any]:
    """*book* with a few things in the wrong places: values replaced, keys added, parts copied to elsewhere."""
    for _ in range(source.randint(1, 3)):
        parent, key = source.choice(list(places(book)))
        other, other_key = source.choice(list(places(book)))
        action = source.random()
        if action < 0.4:
            parent[key] = anything(source)
        elif action < 0.6 and isinstance(parent, dict):
            parent[source.choice(WORDS)] = anything(source)
        elif action < 0.8:
            parent[key] = json.loads(json.dumps(other[other_key]))
        elif isinstance(parent, dict):
            parent[str(other_key)] = parent.pop(key)
        else:
            parent.clear()
    return book


def test_a_document_with_things_in_the_wrong_places_is_compiled_or_refused():
    refused = 0
    for seed in rounds(300):
        source = random.Random(seed)
        book = disturbed(random_book(seed % 50), source)
        text = json.dumps(book)
        started = time.process_time()
        try:
            for decision in compile_mapping(book, ENVIRONMENT).decisions():
                assert decision.attempts
        except RouteFileError:
            refused += 1
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}\n{text}") from error
        assert time.process_time() - started < LONGEST_S, f"seed {seed}\n{text}"

    assert refused > 60


WATCHED = """
import json, os, sys
from pathlib import Path
import routebook
from routebook import RouteFileError

good, book = map(Path, sys.argv[1:])

def compiled(root):
    try:
        return list(routebook.compile(root).decisions()) and []
    except RouteFileError as error:
        return [[found.code, found.span.path, found.message] for found in error.diagnostics]

first = compiled(good)
events = []

def watch(event, arguments):
    if event == "open" or event.startswith(("socket.", "subprocess.", "urllib.", "os.system", "os.exec", "os.fork")):
        events.append([event, str(arguments[0])])

sys.addaudithook(watch)
said = compiled(book)
print(json.dumps({"first": first, "said": said, "events": list(events)}))
"""
SCHEMA = """{"type": "object", "properties": {"a": {"$ref": "%s"}, "b": {"type": "string"}}}"""


def trapped(root: Path, outside: Path) -> Path:
    """A book full of what must not be touched: pipes, devices, links that lead out, references to elsewhere."""
    (root / "_schemas").mkdir(parents=True)
    outside.write_text("providers: {openai: {}}\n", encoding="utf-8")
    os.mkfifo(root / "pipe.yaml")
    os.mkfifo(root / "_schemas" / "pipe.json")
    (root / "zero.yaml").symlink_to("/dev/zero")
    (root / "out.yaml").symlink_to(outside)
    (root / "_schemas" / "out.json").symlink_to(outside)
    (root / "_schemas" / "zero.json").symlink_to("/dev/zero")
    refs = ("http://127.0.0.1:9/schema.json", "https://example.com/schema.json", f"file://{outside}", "other.json")
    outputs = {f"remote{number}": {"schema": json.loads(SCHEMA % ref)} for number, ref in enumerate(refs)}
    files = (
        "_schemas/pipe.json",
        "_schemas/out.json",
        "_schemas/zero.json",
        "../outside.yaml",
        str(outside),
        "/dev/zero",
    )
    outputs |= {f"file{number}": {"schema": {"file": file}} for number, file in enumerate(files)}
    book = {
        "providers": {
            "openai": {"api_key": {"file": str(outside)}},
            "stage": {"api": "scripted", "script": {"file": "/dev/stdin"}},
        },
        "mcp_servers": {"clock": {"command": "touch", "args": [str(outside) + ".started"]}},
        "outputs": outputs,
        "features": {
            f"f{number}": {
                "use": {"model": "openai/m"},
                "output": name,
                "prompt": {"user": "{% include '/etc/passwd' %}", "system": {"file": "_schemas/pipe.json"}},
                "tools": {"servers": ["clock"]},
            }
            for number, name in enumerate(outputs)
        },
    }
    (root / "book.json").write_text(json.dumps(book), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process opened, connected to and started while it compiled a book full of traps."""
    base = tmp_path_factory.mktemp("watched")
    good, book = base / "good", trapped(base / "book", base / "outside.yaml")
    good.mkdir()
    warm = {"providers": {"openai": {}}, "outputs": {"o": {"schema": json.loads(SCHEMA % "#/$defs/x")}}}
    warm["features"] = {"f": {"use": {"model": "openai/m"}, "output": "o", "prompt": {"user": "{{ text }}"}}}
    (good / "book.json").write_text(json.dumps(warm), encoding="utf-8")
    command = [sys.executable, "-c", WATCHED, str(good), str(book)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout), "book": str(book), "outside": base / "outside.yaml"}


def test_compiling_opens_nothing_outside_the_book(watched: dict[str, Any]):
    ours = (watched["book"], sys.prefix, sys.base_prefix, str(ROOT / "src"))
    opened = [name for event, name in watched["events"] if event == "open"]

    assert any(name.endswith("book.json") for name in opened)
    by_path = [name for name in opened if not name.isdigit()]  # a number is a file that was opened before
    assert [name for name in by_path if not name.startswith(ours)] == []


def test_compiling_opens_no_pipe_and_no_device(watched: dict[str, Any]):
    opened = [Path(name).name for event, name in watched["events"] if event == "open"]

    assert {*opened} & {"pipe.yaml", "pipe.json", "zero", "zero.yaml", "zero.json", "stdin", "outside.yaml"} == set()


def test_compiling_opens_no_socket_and_starts_no_process(watched: dict[str, Any]):
    assert [event for event in watched["events"] if event[0] != "open"] == []
    assert not Path(f"{watched['outside']}.started").exists()


def test_each_trap_is_reported(watched: dict[str, Any]):
    said = [(code, path) for code, path, _ in watched["said"]]
    texts = "\n".join(message for _, _, message in watched["said"])

    assert {path for code, path in said if code == "RB107"} >= {"pipe.yaml", "zero.yaml", "out.yaml", "book.json"}
    assert sum(code == "RB404" for code, _ in said) >= 4
    assert "example.com" in texts
    assert "root:" not in texts


def test_a_stressed_run_is_told_apart():
    assert (os.environ.get("ROUTEBOOK_STRESS", "") not in ("", "0")) == IS_STRESS
