"""Asks its client, as servers of the handshake era do, in which folders it may work, and tells what it heard."""

import json
import sys


def send(**message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


asked = None
for line in sys.stdin:
    message = json.loads(line)
    method, number = message.get("method"), message.get("id")
    if method == "initialize":
        info = {"name": "rooted", "version": "1"}
        result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}
        send(id=number, result=result)
    elif method == "tools/list":
        send(id=number, result={"tools": [{"name": "roots", "inputSchema": {"type": "object"}}]})
    elif method == "tools/call":
        asked = number
        send(id="folders", method="roots/list")
    elif number == "folders":
        heard = message["result"]["roots"] if "result" in message else message["error"]["message"]
        send(id=asked, result={"content": [{"type": "text", "text": json.dumps(heard)}]})
    elif method and number is not None:
        send(id=number, error={"code": -32601, "message": f"no method {method}"})
