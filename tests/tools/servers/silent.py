"""Never says anything, and does not mind that nobody listens."""

import time

from raw import note_pid

note_pid()
time.sleep(60)
