"""Says what is no message, and stays."""

import sys
import time

from raw import note_pid

note_pid()
sys.stdout.write("Welcome to the garbage server!\n")
sys.stdout.flush()
time.sleep(60)
