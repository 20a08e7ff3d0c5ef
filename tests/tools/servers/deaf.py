"""Shakes hands, and reads nothing more once a tool is called."""

import time

from raw import ANY_OBJECT, serve

serve(lambda cursor: {"tools": [{"name": "any", "inputSchema": ANY_OBJECT}]}, lambda name, arguments: time.sleep(60))
