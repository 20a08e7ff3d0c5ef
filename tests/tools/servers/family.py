"""Has a child. With `stubborn`, both ignore SIGTERM and the end of their input; else only the child stays behind."""

import signal
import subprocess
import sys
import time

from raw import ANY_OBJECT, serve, text

stubborn = "stubborn" in sys.argv
if stubborn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
# The child inherits the pipes, and with them what was ignored.
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
serve(
    lambda cursor: {"tools": [{"name": name, "inputSchema": ANY_OBJECT} for name in ("child", "wait")]},
    lambda name, arguments: text(str(child.pid)) if name == "child" else time.sleep(60),
)
if stubborn:
    time.sleep(60)
