"""Clock: the bounds on one exchange, each with the sentence that says which was crossed."""

from __future__ import annotations

import asyncio

from ...routing.provider_spec import Timeouts


class Clock:
    """Says, while an exchange goes on, when its present wait has to end.

    Until its content begins, that is `first_token` after its turn came; from then on `idle` after each wait began; and
    never later than `total` after the clock was made. Seconds of the running loop's own time.
    """

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._now = asyncio.get_running_loop().time
        self._end = self._now() + timeouts.total
        self._first = self._end
        self._has_begun = False

    @property
    def connect_s(self) -> float:
        """How long connecting may take."""
        return self._timeouts.connect

    def begin(self) -> None:
        """Say that a connection is there for the request: `first_token` runs from now on."""
        self._first = self._now() + self._timeouts.first_token

    def begin_content(self) -> None:
        """Say that the first content is there."""
        self._has_begun = True

    def deadline(self) -> float:
        """Return when a wait that begins now has to end."""
        return min(self._now() + self._timeouts.idle if self._has_begun else self._first, self._end)

    @property
    def sentence(self) -> str:
        """Why the wait that was cut off was too long."""
        if self._now() >= self._end:
            return f"no complete answer within {self._timeouts.total:g} s"
        if self._has_begun:
            return f"the answer stalled: no further byte within {self._timeouts.idle:g} s"
        return f"no answer within {self._timeouts.first_token:g} s"
