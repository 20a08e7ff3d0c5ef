"""Says a lot, a secret among it, and exits before it speaks."""

import os
import sys

from raw import note_pid

note_pid()
for number in range(40):
    sys.stderr.write(f"line {number}\n")
sys.stderr.write(f"\x1b[31mkey {os.environ['API_KEY']} is refused\x1b[0m\n")
sys.exit(3)
