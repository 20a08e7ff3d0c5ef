"""Says a lot, a secret among it, and exits before it speaks."""

import os
import sys

from raw import note_pid

note_pid()
for number in range(40):
    print(f"line {number}", file=sys.stderr)
print(f"\x1b[31mkey {os.environ['API_KEY']} is refused\x1b[0m", file=sys.stderr)
sys.exit(3)
