"""Conversations for every API: canonical requests that each adapter encodes and each vendor's own types must accept.

A conversation says by its parts and options what an API must be able to carry; `carried_by` picks those that it can.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from routebook.canonical.chat import ChatRequest, OutputFormat
from routebook.canonical.message import Message
from routebook.canonical.options import option_paths
from routebook.canonical.part import AudioPart, FilePart, ImagePart, ReasoningPart, RefusalPart, TextPart
from routebook.canonical.tool import ToolCall, ToolDefinition, ToolResult
from routebook.routing.traits import ApiTraits

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR").decode()
WAV = base64.b64encode(b"RIFF\x24\x00\x00\x00WAVEfmt ").decode()
PDF = base64.b64encode(b"%PDF-1.7\n%%EOF").decode()

CLOCK = ToolDefinition(
    "clock__now",
    "clock.now",
    "The time in a zone.",
    {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]},
)
SEARCH = ToolDefinition(
    "notes__search",
    "notes.search",
    "Finds notes.",
    {
        "type": "object",
        "properties": {
            "query": {"type": "string"},
            "limit": {"type": "integer", "minimum": 1},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["query"],
    },
)
BARE = ToolDefinition("ping", "net.ping", "", {})

FOLDER = {
    "type": "object",
    "properties": {"folder_id": {"type": "string"}, "confidence": {"type": "number"}},
    "required": ["folder_id", "confidence"],
    "additionalProperties": False,
}
LOOSE = {"type": "object", "properties": {"name": {"type": "string", "default": "x"}, "age": {"type": "integer"}}}

NOW = ToolCall("call_1", "clock__now", {"zone": "Europe/Berlin"})
NOON = ToolResult("call_1", "clock.now", (TextPart("12:00"),))


@dataclass(frozen=True)
class Conversation:
    """A request by its name, with the capabilities that an API must not lack."""

    name: str
    request: ChatRequest
    needs: frozenset[str] = frozenset()

    def carried_by(self, traits: ApiTraits) -> bool:
        """Whether an API has a place for all of it; values that it does not know are left to its own tests."""
        options = self.request.options
        paths = option_paths(options)
        known = all(
            path not in traits.rules.values or _value(options, path) in traits.rules.values[path] for path in paths
        )
        return not self.needs & traits.lacks and {*paths} <= traits.options_in(traits.api_version) and known


def _value(options: object, path: str) -> object:
    for key in path.split("."):
        options = options[key]
    return options


def _ask(*messages: Message, tools: tuple[ToolDefinition, ...] = (), output: OutputFormat | None = None, **options):
    return ChatRequest("vendor/model-1", messages, tools, options, output, feature="f", target="luna")


def _user(*parts: object) -> Message:
    return Message("user", [TextPart(part) if isinstance(part, str) else part for part in parts])


def _answer(*parts: object) -> Message:
    return Message("assistant", [TextPart(part) if isinstance(part, str) else part for part in parts])


def _results(*results: ToolResult) -> tuple[Message, ...]:
    return tuple(Message("tool", (result,)) for result in results)


HELLO = _user("What time is it?")
RULES = Message("system", "Be brief.")
IMAGE = ImagePart(data=PNG, media_type="image/png")

CONVERSATIONS = tuple(
    Conversation(name, request, frozenset(needs))
    for name, request, *needs in (
        # words
        ("one-message", _ask(HELLO)),
        ("system-first", _ask(RULES, HELLO)),
        ("two-systems", _ask(RULES, Message("system", "Answer in German."), HELLO)),
        ("system-in-the-middle", _ask(HELLO, _answer("Noon."), Message("system", "Now shorter."), _user("And now?"))),
        ("several-turns", _ask(RULES, HELLO, _answer("Noon."), _user("Sure?"), _answer("Yes."), _user("Why?"))),
        ("two-users-in-a-row", _ask(_user("First."), _user("Second."))),
        ("two-answers-in-a-row", _ask(HELLO, _answer("It is"), _answer("noon."), _user("Sure?"))),
        ("text-in-parts", _ask(_user("What", " time ", "is it?"))),
        ("any-letters", _ask(_user('ünï “quotes” \\ \x7f \u2028 😀 </s> {"json": [1]}\n\ttab'))),
        ("long", _ask(_user("word " * 4000))),
        ("a-refusal-before", _ask(HELLO, _answer(RefusalPart("I cannot say.")), _user("Please."))),
        ("an-empty-answer-before", _ask(HELLO, _answer(""), _user("Hello?"))),
        # options
        ("sampling", _ask(HELLO, temperature=0.0, top_p=0.5)),
        ("top-k", _ask(HELLO, top_k=40)),
        ("limit", _ask(HELLO, max_output_tokens=64)),
        ("stop-sequences", _ask(HELLO, stop=["END", "\n\n"])),
        ("seed", _ask(HELLO, seed=7)),
        ("penalties", _ask(HELLO, presence_penalty=0.5, frequency_penalty=-0.5)),
        ("several-choices", _ask(HELLO, n=3)),
        ("probabilities", _ask(HELLO, logprobs=5)),
        ("tier", _ask(HELLO, service_tier="auto")),
        ("headers-and-time", _ask(HELLO, extra_headers={"X-Title": "Demo"}, timeout={"total": 5.0})),
        ("cache-key", _ask(RULES, HELLO, prompt_cache={"key": "agent"})),
        ("cache-for-30-minutes", _ask(RULES, HELLO, prompt_cache={"retention": 1800.0})),
        ("cache-for-a-day", _ask(RULES, HELLO, prompt_cache={"retention": 86400.0})),
        ("cache-for-5-minutes", _ask(RULES, HELLO, prompt_cache={"retention": 300.0})),
        ("cache-for-an-hour", _ask(RULES, HELLO, tools=(CLOCK,), prompt_cache={"retention": 3600.0})),
        *(
            (f"effort-{effort}", _ask(HELLO, reasoning={"effort": effort}, max_output_tokens=4096), "reasoning")
            for effort in ("none", "minimal", "low", "medium", "high", "xhigh", "max")
        ),
        ("thinking-budget", _ask(HELLO, reasoning={"budget_tokens": 2048}, max_output_tokens=8192), "reasoning"),
        # tools
        ("a-tool", _ask(HELLO, tools=(CLOCK,)), "tools"),
        ("several-tools", _ask(HELLO, tools=(CLOCK, SEARCH, BARE)), "tools"),
        ("choice-auto", _ask(HELLO, tools=(CLOCK,), tool_choice="auto"), "tools"),
        ("choice-none", _ask(HELLO, tools=(CLOCK,), tool_choice="none"), "tools"),
        ("choice-required", _ask(HELLO, tools=(CLOCK, SEARCH), tool_choice="required"), "tools"),
        ("choice-of-one", _ask(HELLO, tools=(CLOCK, SEARCH), tool_choice="notes.search"), "tools"),
        ("one-call-at-a-time", _ask(HELLO, tools=(CLOCK,), parallel_tool_calls=False), "tools"),
        ("calls-side-by-side", _ask(HELLO, tools=(CLOCK,), parallel_tool_calls=True), "tools"),
        ("a-call-answered", _ask(HELLO, _answer(NOW), *_results(NOON), tools=(CLOCK,)), "tools"),
        ("words-and-a-call", _ask(HELLO, _answer("Let me see.", NOW), *_results(NOON), tools=(CLOCK,)), "tools"),
        (
            "two-calls-answered",
            _ask(
                HELLO,
                _answer(NOW, ToolCall("call_2", "notes__search", {"query": "time", "tags": ["a", "b"]})),
                *_results(NOON, ToolResult("call_2", "notes.search", (TextPart("none"), TextPart("at all")))),
                tools=(CLOCK, SEARCH),
            ),
            "tools",
        ),
        (
            "a-loop-of-two-turns",
            _ask(
                RULES,
                HELLO,
                _answer(NOW),
                *_results(NOON),
                _answer("Again.", ToolCall("call_2", "clock__now", {"zone": "UTC"})),
                *_results(ToolResult("call_2", "clock.now", (TextPart("11:00"),))),
                tools=(CLOCK,),
            ),
            "tools",
        ),
        (
            "a-result-and-a-question",
            _ask(HELLO, _answer(NOW), *_results(NOON), _user("In words, please."), tools=(CLOCK,)),
            "tools",
        ),
        (
            "a-failed-call",
            _ask(
                HELLO,
                _answer(NOW),
                *_results(ToolResult("call_1", "clock.now", (TextPart("Error: no such zone"),), is_error=True)),
                tools=(CLOCK,),
            ),
            "tools",
        ),
        ("an-empty-result", _ask(HELLO, _answer(NOW), *_results(ToolResult("call_1", "clock.now", ()))), "tools"),
        (
            "a-result-with-an-image",
            _ask(
                HELLO,
                _answer(NOW),
                *_results(ToolResult("call_1", "clock.now", (TextPart("A dial:"), IMAGE))),
                tools=(CLOCK,),
            ),
            "tools",
            "image_input",
        ),
        (
            "a-call-without-a-name",
            _ask(
                HELLO,
                _answer(ToolCall("call_1", None, None, "[1]")),
                *_results(ToolResult("call_1", "", (TextPart("Error: no such tool"),), is_error=True)),
                tools=(CLOCK,),
            ),
            "tools",
        ),
        (
            "a-call-of-another-api",
            _ask(
                HELLO,
                _answer(ToolCall("tool-use:ü/1", "clock.now", {})),
                *_results(ToolResult("tool-use:ü/1", "clock.now", (TextPart("12:00"),))),
                tools=(CLOCK,),
            ),
            "tools",
        ),
        (
            "the-last-turn-without-tools",
            _ask(HELLO, _answer(NOW), *_results(NOON), tool_choice="auto", parallel_tool_calls=True),
            "tools",
        ),
        # thoughts
        (
            "thoughts-of-another-api",
            _ask(HELLO, _answer(ReasoningPart("hm", "c2ln", api="nobody"), "Noon."), _user("Sure?")),
        ),
        ("thoughts-alone", _ask(HELLO, _answer(ReasoningPart("hm", "c2ln", api="nobody")), _user("Well?"))),
        # structured output
        ("schema", _ask(HELLO, output=OutputFormat("folder_assignment", FOLDER)), "json_schema"),
        ("loose-schema", _ask(HELLO, output=OutputFormat("person.v2", LOOSE)), "json_schema"),
        ("schema-and-tools", _ask(HELLO, tools=(CLOCK,), output=OutputFormat("folder", FOLDER)), "json_schema"),
        (
            "schema-and-thought",
            _ask(HELLO, output=OutputFormat("folder", FOLDER), reasoning={"effort": "low"}, max_output_tokens=4096),
            "json_schema",
            "reasoning",
        ),
        ("json-mode", _ask(_user("Answer in JSON."), output=OutputFormat("anything")), "json_object"),
        # pictures, sound, documents
        ("an-image", _ask(_user("What is this?", IMAGE)), "image_input"),
        ("an-image-by-address", _ask(_user(ImagePart(url="https://example.com/a.png"), "What?")), "image_input"),
        ("two-images", _ask(_user("Compare", IMAGE, "with", IMAGE)), "image_input"),
        ("only-an-image", _ask(_user(IMAGE)), "image_input"),
        ("sound", _ask(_user("What is said?", AudioPart(WAV, "audio/wav"))), "audio_input"),
        (
            "a-document",
            _ask(_user(FilePart(data=PDF, media_type="application/pdf", name="offer.pdf"), "Sum up.")),
            "file_input",
        ),
    )
)
