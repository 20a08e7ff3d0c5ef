"""Workers: the threads that do for an event loop what would block it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

_LONGEST_JOIN_S = 1.0


class Workers(ThreadPoolExecutor):
    """An executor that is not waited for without end."""

    def __init__(self) -> None:
        self._begun: list[threading.Thread] = []
        super().__init__(thread_name_prefix="routebook-worker", initializer=self._note)

    def end(self) -> None:
        """Take no more work, and wait for the threads, a moment: one of them may wait for the thread that ends them."""
        self.shutdown(wait=False, cancel_futures=True)
        give_up = time.monotonic() + _LONGEST_JOIN_S
        for thread in self._begun:
            thread.join(max(0.0, give_up - time.monotonic()))

    def _note(self) -> None:
        self._begun.append(threading.current_thread())
