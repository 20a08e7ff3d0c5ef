"""Says what is no message, and stays."""

import time

from raw import note_pid

note_pid()
print("Welcome to the garbage server!", flush=True)
time.sleep(60)
