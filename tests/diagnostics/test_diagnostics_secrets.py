"""A literal secret in a route file is in no rendering of what is said about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import routebook
from routebook import RouteFileError
from routebook.book import compile_mapping, read_book
from routebook.diagnostics.github import render_github
from routebook.diagnostics.json import render_json
from routebook.diagnostics.source import mask
from routebook.diagnostics.text import render_text

CANARY = "canary0hunter2"

BAD_LINES = {
    "api_key": "providers: {openai: {api_key: CANARY}}",
    "api_key on its own line": "providers:\n  openai:\n    api_key: CANARY",
    "api_key on the next line": "providers:\n  openai:\n    api_key:\n      CANARY",
    "api_key in quotes": "providers:\n  openai:\n    'api_key' : \"CANARY\"",
    "api_key as a block": "providers:\n  openai:\n    api_key: |\n      CANARY",
    "api_key as a folded block": "providers:\n  openai:\n    api_key: >-\n      CANARY",
    "api_key as a list": "providers:\n  openai:\n    api_key: [CANARY]",
    "api_key as a block list": "providers:\n  openai:\n    api_key:\n      - CANARY",
    "api_key with a value": "providers:\n  openai:\n    api_key:\n      value: CANARY",
    "api_key with a default": "providers:\n  openai:\n    api_key: {env: KEY, default: CANARY}",
    "api_key with a default below": "providers:\n  openai:\n    api_key:\n      env: KEY\n      default: CANARY",
    "api_key as the variable's name": "providers: {openai: {api_key: {env: sk-CANARY}}}",
    "api_key twice": "providers:\n  openai:\n    api_key: {env: A}\n    api_key: CANARY",
    "api_key after a tab": "providers:\n  openai:\n\tapi_key: CANARY",
    "api_key without a colon": "providers:\n  openai:\n    api_key CANARY",
    "api_key without a space": "providers:\n  openai:\n    api_key:CANARY",
    "api_key with an equals sign": "providers:\n  openai:\n    api_key=CANARY",
    "api_key in an open quote": "providers:\n  openai:\n    api_key: 'CANARY",
    "apikey": "providers: {openai: {apikey: CANARY}}",
    "api-key": "providers: {openai: {api-key: CANARY}}",
    "apiKey": "providers: {openai: {apiKey: CANARY}}",
    "API_KEY": "providers: {openai: {API_KEY: CANARY}}",
    "api_keys": "providers: {openai: {api_keys: CANARY}}",
    "apy_key": "providers: {openai: {apy_key: CANARY}}",
    "key": "providers: {openai: {key: CANARY}}",
    "secret": "providers: {openai: {secret: CANARY}}",
    "token": "providers: {openai: {token: CANARY}}",
    "password": "providers: {openai: {password: CANARY}}",
    "bearer": "providers: {openai: {bearer: CANARY}}",
    "credential": "providers: {openai: {credential: CANARY}}",
    "auth": "providers: {openai: {auth: CANARY}}",
    "auth as a mapping": "providers: {openai: {auth: {token: CANARY}}}",
    "apikey among other mistakes": "providers: {openai: {apikey: CANARY, bse_url: x, timeout: soon}}",
    "header": "providers: {openai: {headers: {Authorization: Bearer CANARY}}}",
    "two headers": "providers: {openai: {headers: {X-Auth-Key: CANARY, X-Other-Key: CANARY}}}",
    "headers in lines": "providers:\n  openai:\n    headers:\n      X-Auth-Key: CANARY\n      Cookie: CANARY",
    "header with another mistake": "providers: {openai: {headers: {X-Title: 5, X-Auth-Key: CANARY}}}",
    "header as a mapping": "providers: {openai: {headers: {X-Api-Key: {value: CANARY}}}}",
    "header misspelt": "providers: {openai: {heders: {Authorization: Bearer CANARY}}}",
    "options header": "features: {f: {use: {model: a/b, options: {extra_headers: {X-Api-Key: CANARY}}}}}",
    "address with a user": "providers: {openai: {base_url: https://me:CANARY@llm.example.com/v1}}",
    "address with a password only": "providers: {openai: {base_url: https://:CANARY@llm.example.com/v1}}",
    "address with an @ in it": "providers: {openai: {base_url: https://me:p@CANARY@llm.example.com/v1}}",
    "address of another scheme": "providers: {openai: {base_url: ftp://me:CANARY@llm.example.com/v1}}",
    "address with a query": "providers: {openai: {base_url: https://llm.example.com/v1?api_key=CANARY}}",
    "misspelt address": "providers: {openai: {base_ulr: https://me:CANARY@llm.example.com/v1}}",
    "server variable on a line with a mistake": "mcp_servers: {s: {command: s, env: {NOTES_TOKEN: CANARY}, cdw: x}}",
    "server variable of a bad name": "mcp_servers: {S: {command: s, env: {NOTES_TOKEN: CANARY}}}",
    "server variable twice": "mcp_servers: {s: {command: s, env: {A_SECRET: x, A_SECRET: CANARY}}}",
    "server reference with a default": "mcp_servers: {s: {command: s, env: {A: {env: B, default: CANARY}}}}",
    "unknown section": "provider: {openai: {api_key: CANARY}}",
    "a vendor's key anywhere": "features: {f: {use: {modle: sk-proj-CANARY123456}}}",
}


def renderings(error: RouteFileError) -> str:
    diagnostics = error.diagnostics
    return "\n".join(
        [
            str(error),
            repr(error),
            repr(diagnostics),
            render_text(diagnostics, colour=True),
            render_json(diagnostics),
            render_github(diagnostics, "routes"),
            *(str(diagnostic.to_dict()) for diagnostic in diagnostics),
        ]
    )


@pytest.mark.parametrize("case", BAD_LINES)
def test_a_literal_secret_is_not_repeated(case: str, tmp_path: Path):
    (tmp_path / "book.yaml").write_text(BAD_LINES[case].replace("CANARY", CANARY) + "\n")

    with pytest.raises(RouteFileError) as caught:
        routebook.compile(tmp_path)

    assert caught.value.diagnostics
    assert CANARY not in renderings(caught.value)


JSON_BOOKS = [
    {"providers": {"openai": {"api_key": CANARY}}},
    {"providers": {"openai": {"apikey": CANARY}}},
    {"providers": {"openai": {"api_key": {"env": "A", "default": CANARY}}}},
    {"providers": {"openai": {"headers": {"X-Auth-Key": CANARY, "X-Other-Key": CANARY}}}},
    {"providers": {"openai": {"base_url": f"https://me:{CANARY}@llm.example.com/v1"}}},
    {"mcp_servers": {"s": {"command": 1, "env": {"MY_TOKEN": CANARY}}}},
]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("book", JSON_BOOKS, ids=[json.dumps(book) for book in JSON_BOOKS])
def test_a_literal_secret_in_a_json_file_is_not_repeated(book: object, indent: int | None, tmp_path: Path):
    (tmp_path / "book.json").write_text(json.dumps(book, indent=indent))

    with pytest.raises(RouteFileError) as caught:
        routebook.compile(tmp_path)

    assert CANARY not in renderings(caught.value)


@pytest.mark.parametrize("written", ["api_key: 8231645199", "headers: {X-Auth-Key: 8231645199}", "auth: 8231645199"])
def test_a_secret_of_digits_is_not_repeated_either(written: str, tmp_path: Path):
    (tmp_path / "book.yaml").write_text(f"providers: {{openai: {{{written}}}}}\n")

    with pytest.raises(RouteFileError) as caught:
        routebook.compile(tmp_path)

    assert "8231645199" not in renderings(caught.value)


@pytest.mark.parametrize("field", ["timeout", "base_url", "preset", "auth"])
def test_the_value_of_a_variable_that_does_not_fit_is_not_repeated(field: str, tmp_path: Path):
    (tmp_path / "book.yaml").write_text(f"providers: {{openai: {{{field}: {{env: SECRET_ONE}}}}}}\n")

    report = read_book(
        tmp_path, {"SECRET_ONE": f"https://me:{CANARY}@x.example/?{CANARY}" if field == "base_url" else CANARY}
    )

    if field != "preset":  # a name is looked up, and an unknown one has to be said
        assert CANARY not in renderings(RouteFileError(report.diagnostics))
    assert report.table is None


@pytest.mark.parametrize(
    "line",
    [
        "  f: {use: {modle: big}, fallbaks: [{model: small}]}",
        "  max_output_tokens: 500",
        "  tokens_per_minute: 2000000",
        "  api_key: {env: OPENAI_API_KEY}",
        "  api_key: { file: /run/secrets/key }",
        '  "api_key": {"env": "OPENAI_API_KEY"}, "base_url": "https://llm.example.com/v1"',
        "  auth: none",
        "  skills_classification: {use: {model: big}}",
        "  credentials: prefer_caller",
        "  author: me",
        "  key: user",
        "  monkey: banana",
        "  base_url: https://llm.example.com/v1",
        "  model: openrouter/openai/gpt-5.6-luna-preview-2026",
    ],
)
def test_a_line_without_a_secret_is_shown_as_it_is(line: str):
    assert mask(line) == line


def test_a_masked_line_is_as_long_as_it_was():
    for line in ("api_key: sk-abc", "x: {X-Api-Key: a, b: c}", "u: https://a:b@c/d", "- ghp_0123456789abcdef"):
        masked = mask(line)
        assert len(masked) == len(line)
        assert "*" in masked


def test_a_vendors_key_in_the_place_of_a_name_is_masked_in_the_message():
    key = "sk-canary-0123456789abcdef"

    with pytest.raises(RouteFileError) as caught:
        compile_mapping({"models": {"m": {"provider": key}}})

    assert key not in str(caught.value)
    assert "names provider '****" in str(caught.value)


def test_the_text_of_a_broken_book_is_its_errors():
    with pytest.raises(RouteFileError) as caught:
        compile_mapping({"providers": {"openai": {}}, "features": {"f": {"use": {"model": "openai/m"}, "output": "o"}}})

    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["RB504", "RB301"]
    assert "RB504" not in str(caught.value)
