"""A tool server by hand: quick to start, each call in a thread of its own. `PID_DIR` is where it leaves its id."""

import json
import os
import sys
import threading
import time
from pathlib import Path

if "PID_DIR" in os.environ:
    (Path(os.environ["PID_DIR"]) / str(os.getpid())).touch()
if "fail" in sys.argv:
    sys.stderr.write(f"cannot open the ledger with {os.environ.get('LEDGER_TOKEN')}\n")
    sys.exit(4)
if "mute" in sys.argv:
    sys.stdin.read()
    sys.exit()

TOOLS = {
    "echo": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    "pid": {"type": "object"},
    "wait": {"type": "object", "properties": {"seconds": {"type": "number"}}},
    "long": {"type": "object"},
}
writing = threading.Lock()


def send(**message):
    with writing:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()


def call(number, name, arguments):
    if name == "wait":
        time.sleep(arguments["seconds"])
    said = {"echo": arguments.get("text"), "pid": str(os.getpid()), "long": "x" * 5000}.get(name, "done")
    send(id=number, result={"content": [{"type": "text", "text": said}]})


for line in sys.stdin:
    message = json.loads(line)
    method, params = message.get("method"), message.get("params") or {}
    if "id" not in message:
        continue
    if method == "initialize":
        info = {"name": "plain", "version": "1"}
        result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}
        send(id=message["id"], result=result)
    elif method == "tools/list":
        send(id=message["id"], result={"tools": [{"name": n, "inputSchema": s} for n, s in TOOLS.items()]})
    elif method == "tools/call":
        arguments = params.get("arguments") or {}
        threading.Thread(target=call, args=(message["id"], params["name"], arguments), daemon=True).start()
    else:
        send(id=message["id"], error={"code": -32601, "message": f"no method {method}"})
