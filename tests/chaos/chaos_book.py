"""The book of a chaos run: four providers, features of every sort; and the edits that are made while it is in use."""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

NAMES = ("alpha", "beta", "gamma", "delta")
"""The providers. `gamma` speaks Anthropic's messages, the others chat completions; `beta` goes down for a while."""

KEYS = {f"{name.upper()}_KEY": f"sk-platform-{name}" for name in NAMES}
"""The platform's keys, as the environment has them."""

CONCURRENCY = 10
RAISED_CONCURRENCY = 14
PROVIDER_CONCURRENCY = 16

Book = dict[str, Any]

PLAIN_TOOLS = str(Path(__file__).parent.parent / "engine" / "servers" / "plain_tools.py")
_CAPABILITIES = ["tools", "json_schema", "streaming"]
_ON_QUEUES = ["queue_timeout", "rate_limit", "overloaded", "timeout", "connection", "server_error"]


def chaos_book(urls: Mapping[str, str], transport: str, most_a_minute: int, pids: Path) -> Book:
    """Return the book. The model `meter` may be asked *most_a_minute*, tool servers leave their ids in *pids*."""
    return {
        "settings": {"transport": transport},
        "providers": {name: _provider(name, url) for name, url in urls.items()},
        "models": {
            "main": _model("alpha", limits={"concurrency": CONCURRENCY, "adaptive": True, "queue_timeout": "2s"}),
            "twin": _model("alpha", limits={"concurrency": CONCURRENCY + 4}),  # the same model on the wire
            "second": _model("beta"),
            "third": _model("gamma", limits={"concurrency": CONCURRENCY}),
            "fourth": _model("delta", id="vendor/fourth"),
            "narrow": _model("delta", id="vendor/narrow", limits={"concurrency": 1, "adaptive": False}),
            "meter": _model("delta", id="vendor/meter", limits=_per_minute(most_a_minute)),
            "vectors": _model("delta", id="vendor/vectors", capabilities=["embeddings"]),
            "spare-vectors": _model("beta", id="vendor/vectors", capabilities=["embeddings"]),
        },
        "mcp_servers": {
            "plain": {"command": sys.executable, "args": [PLAIN_TOOLS], "env": {"PID_DIR": str(pids)}},
        },
        "outputs": {
            "number": {
                "schema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
                "repair": {"attempts": 1},
            }
        },
        "features": {
            "chat": _feature("main", "second", "third", deadline="8s"),
            "twin": _feature("twin", "fourth", deadline="8s"),
            "agent": _feature("third", "fourth", deadline="8s", tools={"servers": ["plain"], "max_turns": 3}),
            "number": _feature("second", "main", "third", deadline="8s", output="number"),
            "memory": _feature("vectors", "spare-vectors", deadline="8s", needs=["embeddings"]),
            "hurried": _feature("main", "second", deadline="60ms"),
            "metered": {**_feature("meter", deadline="8s"), "fallbacks": [{"model": "fourth", "on": _ON_QUEUES}]},
            "single": _feature("narrow", "fourth", deadline="8s"),
            "owned": _feature("main", "second", "third", deadline="8s", credentials="caller"),
        },
    }


def wire_ids(book: Book) -> dict[str, str]:
    """Return what each model is called on the wire."""
    return {name: model["id"] for name, model in book["models"].items()}


def write(root: Path, book: Book) -> None:
    """Write *book*, a file for each section; one whose content stays is not touched."""
    root.mkdir(exist_ok=True)
    for section, definitions in book.items():
        path, text = root / f"{section}.yaml", yaml.safe_dump({section: definitions})
        if not path.exists() or path.read_text() != text:
            beside = root / f".{section}.new"
            beside.write_text(text)
            beside.replace(path)


def cheaper(book: Book) -> Book:
    """The main model costs less."""
    return _edited(book, "models", "main", "price", {"input": 1.0, "output": 2.0})


def other_way_round(book: Book) -> Book:
    """A chat falls back in another order."""
    return _edited(book, "features", "chat", "fallbacks", [{"model": "third"}, {"model": "second"}])


def more_patient(book: Book) -> Book:
    """A provider has more time, so its client is made anew."""
    return _edited(book, "providers", "delta", "timeout", {**_TIMEOUT, "total": "12s"})


def with_higher_limits(book: Book) -> Book:
    """More may be asked of the main model at a time."""
    raised = _edited(book, "models", "main", "limits", "concurrency", RAISED_CONCURRENCY)
    return _edited(raised, "models", "twin", "limits", "concurrency", RAISED_CONCURRENCY + 4)


def broken(book: Book) -> Book:
    """A chat goes to a model that nobody knows."""
    return _edited(book, "features", "chat", "use", {"model": "nobody"})


def _edited(book: Book, *path_and_value: Any) -> Book:
    *path, last, value = path_and_value
    edited = inner = copy.deepcopy(book)
    for name in path:
        inner = inner[name]
    inner[last] = value
    return edited


_TIMEOUT = {"connect": "3s", "first_token": "1s", "idle": "700ms", "total": "10s"}


def _provider(name: str, url: str) -> Book:
    is_anthropic = name == "gamma"
    return {
        "api": "anthropic" if is_anthropic else "openai-chat",
        "base_url": url if is_anthropic else f"{url}/v1",
        "api_key": {"env": f"{name.upper()}_KEY"},
        "timeout": _TIMEOUT,
        "retry": {"attempts": 3, "backoff": "40ms", "max_backoff": "200ms"},
        "breaker": {"failures": 6, "open": "400ms"},
        "limits": {"concurrency": PROVIDER_CONCURRENCY, "adaptive": False},
    }


def _model(provider: str, **more: Any) -> Book:
    price = {"input": 3.0, "output": 15.0}
    named = {"id": f"vendor/{provider}", "capabilities": _CAPABILITIES, "price": price, "max_output_tokens": 500}
    return {"provider": provider, **named, **more}


def _per_minute(most: int) -> Book:
    return {"requests_per_minute": most, "queue_timeout": "400ms"}


def _feature(model: str, *fallbacks: str, **more: Any) -> Book:
    return {"use": {"model": model}, "fallbacks": [{"model": each} for each in fallbacks], **more}
