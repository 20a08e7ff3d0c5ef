"""The library is imported when a call is made, and not before; what it does when it is imported is kept off."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from routebook import Engine, MissingExtra, compile_mapping
from routebook.canonical.embedding import EmbeddingRequest
from routebook.engine.dump import RequestTaken, Taking
from routebook.providers.litellm.client import LiteLLMClient
from routebook.providers.protocol import ClientConfig

BOOK = {
    "providers": {
        "lite": {"api": "litellm", "api_key": {"env": "LITE_KEY"}, "base_url": "https://llm.example.com/v1"},
        "found": {"api": "litellm", "region": "eu-central-1"},
    },
    "features": {
        "chat": {"use": {"model": "lite/mistral/mistral-large", "options": {"seed": 7}}},
        "cloud": {"use": {"model": "found/bedrock/m-1"}},
    },
}
KEY = "sk-canary-0123456789abcdef"
TEXTS = EmbeddingRequest("openai/e-1", ("a",))


def run(probe: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", probe],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PATH": "", "PYTHONPATH": ":".join(sys.path), **environment},
    )
    return done.stdout.strip()


def test_a_book_is_compiled_and_its_traits_are_read_without_the_library():
    probe = (
        f"import sys, routebook; routebook.compile_mapping({BOOK!r});"
        "from routebook.providers import registry; registry.traits(); registry.presets();"
        "import routebook.providers.litellm.client;"
        "print({'litellm', 'openai', 'aiohttp', 'tiktoken'} & set(sys.modules))"
    )
    assert run(probe) == "set()"


def test_a_client_is_made_without_the_library_and_a_dump_too():
    probe = (
        "import asyncio, sys, routebook\n"
        f"table = routebook.compile_mapping({BOOK!r})\n"
        "async def main():\n"
        f"    async with routebook.Engine(table, environment={{'LITE_KEY': {KEY!r}}}) as engine:\n"
        "        print((await engine.dump('chat', 'hello')).url)\n"
        "asyncio.run(main())\n"
        "print('litellm' in sys.modules)\n"
    )
    assert run(probe).split() == ["litellm.acompletion", "False"]


PROBE = """
import asyncio, os, sys
from routebook.canonical.chat import ChatRequest
from routebook.canonical.message import Message
from routebook.errors import ProviderError
from routebook.providers.litellm.client import LiteLLMClient
from routebook.providers.protocol import ClientConfig

asked = []

def hear(event, args):
    if event in ("socket.getaddrinfo", "socket.connect"):
        asked.append((event, args[0] if event == "socket.getaddrinfo" else args[1]))

async def main():
    sys.addaudithook(hear)
    client = LiteLLMClient(ClientConfig("house", "http://127.0.0.1:9/v1", "sk-1"))
    request = ChatRequest("anthropic/claude-sonnet-4-5", (Message("user", "Hi"),))
    try:
        await client.complete(request)
    except ProviderError as error:
        print(error.kind)
    await client.close()

asyncio.run(main())
print("litellm" in sys.modules, os.environ.get("OF_A_DOTENV"))
print([a for a in asked if "127.0.0.1" not in repr(a)])
"""


def test_the_first_call_imports_it_reads_no_dotenv_and_asks_nobody_on_the_internet(tmp_path):
    (tmp_path / ".env").write_text("OF_A_DOTENV=read\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        cwd=tmp_path,
        env={"PATH": "", "HOME": str(tmp_path), "PYTHONPATH": ":".join(path for path in sys.path if path)},
    )
    assert done.stdout.split("\n")[:3] == ["connection", "True None", "[]"]
    assert "sk-1" not in done.stderr


def test_what_the_environment_says_of_the_library_is_not_overridden():
    probe = (
        "import os; from routebook.providers.litellm.quiet import set_environment; set_environment();"
        "print(os.environ['LITELLM_MODE'], os.environ['LITELLM_LOCAL_MODEL_COST_MAP'])"
    )
    assert run(probe, LITELLM_MODE="DEV") == "DEV True"


@pytest.mark.parametrize("how", ["when the client is made", "at the first call"])
async def test_without_the_library_the_extra_is_named(monkeypatch, how):
    config = ClientConfig("house", "http://127.0.0.1:9/v1", KEY)
    if how == "when the client is made":
        monkeypatch.setitem(sys.modules, "litellm", None)
        with pytest.raises(MissingExtra) as caught:
            LiteLLMClient(config)
    else:
        client = LiteLLMClient(config)
        monkeypatch.setitem(sys.modules, "litellm", None)
        with pytest.raises(MissingExtra) as caught:
            await client.embed(TEXTS)
        await client.close()
    assert caught.value.extra == "litellm"
    assert "pip install 'routebook[litellm]'" in str(caught.value)
    assert "provider 'house'" in str(caught.value)


async def test_a_dump_shows_the_very_arguments_of_the_call_and_no_key():
    async with Engine(compile_mapping(BOOK), environment={"LITE_KEY": KEY}) as engine:
        whole = await engine.dump("chat", "hello")
        stream = await engine.dump("chat", "hello", stream=True)
        cloud = await engine.dump("cloud", "hello")
    assert (whole.method, whole.url, whole.headers["litellm-api-key"]) == ("POST", "litellm.acompletion", "[redacted]")
    assert json.loads(whole.body) == {
        "model": "mistral/mistral-large",
        "messages": [{"role": "user", "content": "hello"}],
        "seed": 7,
        "api_base": "https://llm.example.com/v1",
        "drop_params": False,
        "num_retries": 0,
        "max_retries": 0,
        "caching": False,
        "no-log": True,
    }
    assert json.loads(stream.body)["stream"] is True
    assert json.loads(cloud.body)["aws_region_name"] == "eu-central-1"
    assert KEY not in repr((whole, stream, cloud))


async def test_a_run_of_an_engine_goes_through_the_library(loopback):
    answer = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Noon."}}]}
    server = await loopback.start(
        loopback.answer(200, {**answer, "id": "c", "created": 1, "model": "m", "object": "x"})
    )
    book = {
        "providers": {"lite": {"api": "litellm", "api_key": {"env": "LITE_KEY"}, "base_url": f"{server.url}/v1"}},
        "features": {"chat": {"use": {"model": "lite/hosted_vllm/m-1", "options": {"seed": 7}}}},
    }
    async with Engine(compile_mapping(book), environment={"LITE_KEY": KEY}) as engine:
        result = await engine.run("chat", "When?")
    assert (result.text, result.usage.input) == ("Noon.", 0)
    assert (server.received[0].json["model"], server.received[0].json["seed"]) == ("m-1", 7)
    assert server.received[0].header("authorization") == [f"Bearer {KEY}"]


async def test_a_dump_needs_no_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "litellm", None)
    client = LiteLLMClient(ClientConfig("house", transport=Taking(), is_shown=True, finds_credentials=True))
    with pytest.raises(RequestTaken) as taken:
        await client.embed(TEXTS)
    assert taken.value.request.url == "litellm.aembedding"
    assert "found by litellm" in taken.value.request.headers["litellm-api-key"]
