"""Has a tool that ends the process in the middle of a call, and one that tells the process's id."""

import os

from raw import ANY_OBJECT, serve, text


def call(name, arguments):
    if name == "die":
        os._exit(7)
    return text(str(os.getpid()))


serve(lambda cursor: {"tools": [{"name": name, "inputSchema": ANY_OBJECT} for name in ("die", "pid")]}, call)
