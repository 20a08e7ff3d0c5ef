"""Gives every kind of answer, one tool each."""

import os

from raw import ANY_OBJECT, serve, text

PIXEL = "iVBORw0KGgo="
ANSWERS = {
    "echo": None,
    "huge": text("ä" * 50_000),
    "image": {
        "content": [{"type": "text", "text": "a dot"}, {"type": "image", "data": PIXEL, "mimeType": "image/png"}]
    },
    "structured": {"content": [], "structuredContent": {"name": "Jürgen", "age": 7}},
    "both": {"content": [{"type": "text", "text": "seven"}], "structuredContent": {"value": 7}},
    "mismatch": {"content": [{"type": "text", "text": "seven"}], "structuredContent": {"value": "seven"}},
    "failed": {"content": [{"type": "text", "text": "the shop is closed"}], "isError": True},
    "resources": {
        "content": [
            {"type": "resource_link", "uri": "file:///notes/1", "name": "one"},
            {"type": "resource", "resource": {"uri": "file:///notes/2", "text": "two"}},
            {"type": "resource", "resource": {"uri": "file:///notes/3", "blob": "AAAA"}},
            {"type": "audio", "data": "AAAA", "mimeType": "audio/wav"},
        ]
    },
    "nothing": {"content": []},
    "refused": {"error": {"code": -32602, "message": "not on a Sunday"}},
    "indiscreet": {"error": {"code": -32602, "message": f"the key {os.environ.get('API_KEY')} is refused"}},
    "nonsense": {"content": "seven"},
}
OUTPUT = {"type": "object", "properties": {"value": {"type": "integer"}}, "required": ["value"]}


def call(name, arguments):
    return text(repr(arguments)) if name == "echo" else ANSWERS[name]


def list_tools(cursor):
    return {"tools": [{"name": name, "inputSchema": ANY_OBJECT, "outputSchema": OUTPUT} for name in ANSWERS]}


serve(list_tools, call)
