"""Greets on its output, blank line and all, before it speaks as it should."""

import sys

from raw import ANY_OBJECT, serve, text

sys.stdout.write("Listening ...\n\n")
serve(lambda cursor: {"tools": [{"name": "hello", "inputSchema": ANY_OBJECT}]}, lambda name, arguments: text("hello"))
