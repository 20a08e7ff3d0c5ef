"""Greets on its output, blank line and all, before it speaks as it should."""

from raw import ANY_OBJECT, serve, text

print("Listening ...\n", flush=True)
serve(lambda cursor: {"tools": [{"name": "hello", "inputSchema": ANY_OBJECT}]}, lambda name, arguments: text("hello"))
