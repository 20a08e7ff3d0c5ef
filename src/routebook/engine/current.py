"""Current: the table that runs begin with, and each edit of its book: it is taken or refused, and then told.

A good table becomes current in one assignment; a bad one leaves the last good one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import aclosing

from ..book import BookReport
from ..diagnostics.diagnostic import Diagnostic, has_errors
from ..errors import EngineClosed, RouteFileError
from ..routing.settled import Settled
from ..routing.table import RoutingTable
from .changes import Change, changes_between, reload_line
from .reload import LiveBook, Reading, Reload

_LOG = logging.getLogger("routebook")
_PAUSE_S = 1.0

ReloadListener = Callable[[Reload], object]


class Current:
    """Holds the table of one engine, `settled` with what is decided by it; None while it is not open.

    *swap* is called when another table has become current, *on_reload* after each edit that was taken or refused.
    `diagnostics` are those of the last reading, `loaded_at` is since when the table is current.
    """

    def __init__(self, swap: Callable[[RoutingTable], None], on_reload: ReloadListener | None) -> None:
        self.settled: Settled | None = None
        self.diagnostics: tuple[Diagnostic, ...] = ()
        self.loaded_at = 0.0
        self._swap = swap
        self._on_reload = on_reload
        self._book: LiveBook | None = None
        self._taken = 0
        self._telling = asyncio.Lock()
        self._watcher: asyncio.Task[None] | None = None

    @property
    def is_watched(self) -> bool:
        """Whether edits are taken as they are saved."""
        return self._watcher is not None and not self._watcher.done()

    def begin(self, report: BookReport) -> RoutingTable:
        """Make the first table current, and return it.

        Raises:
            RouteFileError: There is none.
        """
        if report.table is None:
            raise RouteFileError(report.diagnostics)
        self.settled, self.diagnostics, self.loaded_at = Settled(report.table), report.diagnostics, time.time()
        return report.table

    async def begin_with(self, book: LiveBook) -> RoutingTable:
        """Make the table of *book* current, and return it.

        Raises:
            RouteFileError: It is not good.
        """
        self._book, self._taken = book, 0
        try:
            reading = await book.read()
        except BaseException:
            await book.close()
            raise
        return self.begin(reading.report)

    def watch(self) -> None:
        """Take each edit of the book from now on."""
        if self._book is not None:
            self._watcher = asyncio.create_task(self._follow(self._book), name="routebook-watch")

    async def reload(self) -> tuple[Diagnostic, ...]:
        """Compile the book now and take the table if it is good; return all diagnostics.

        Raises:
            EngineClosed: The engine was closed meanwhile.
        """
        if self._book is None:
            return self.diagnostics
        reading = await self._book.read()
        if self.settled is None:
            raise EngineClosed("the engine was closed while its book was compiled")
        await self._take(reading)
        return reading.report.diagnostics

    async def close(self) -> None:
        """Take no more edits; whoever waits for a reload is told."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait([self._watcher])
        if self._book is not None:
            await self._book.close()

    async def _follow(self, book: LiveBook) -> None:
        """Take every edit; where following itself breaks, begin again after a pause, and say so once."""
        has_told = False
        while True:
            try:
                async with aclosing(book.edits()) as edits:
                    async for reading in edits:
                        await self._take(reading)
            except Exception:  # noqa: BLE001, an engine that watches does so to its end
                if not has_told:
                    _LOG.exception("edits of the book could not be followed; that begins again")
                has_told = True
            await asyncio.sleep(_PAUSE_S)

    async def _take(self, reading: Reading) -> None:
        """Take a good table, refuse a bad one, and tell what came of it.

        Readings may come twice and late: each is taken once, and none after a later one.
        """
        if self.settled is None or reading.number <= self._taken:
            async with self._telling:  # whoever asked for a reload goes on when it has been told
                return
        before, known, refused = self.settled.table, self.diagnostics, has_errors(self.diagnostics)
        report, self._taken = reading.report, reading.number
        self.diagnostics = report.diagnostics
        if report.table is not None:
            self.settled = Settled(report.table)
            if report.table != before:
                self.loaded_at = time.time()
                self._swap(report.table)
        if report.table is None and report.diagnostics == known:
            return
        if report.table is None or report.table != before or refused:
            await self._tell(before, report)

    async def _tell(self, before: RoutingTable, report: BookReport) -> None:
        """Log what came of an edit, and hand it to the listener."""
        after = report.table or before
        loaded_at = self.loaded_at
        async with self._telling:
            changes = await asyncio.to_thread(_changes, before, after)
            _log(before, report, changes)
            self._listen(Reload(after.digest, before.digest, loaded_at, report.diagnostics, changes))

    def _listen(self, reload: Reload) -> None:
        if self._on_reload is None:
            return
        try:
            self._on_reload(reload)
        except (Exception, asyncio.CancelledError):  # noqa: BLE001, a host's mistake is no reason to stop
            _LOG.exception("on_reload failed, which changes nothing")


def _log(before: RoutingTable, report: BookReport, changes: tuple[Change, ...]) -> None:
    if report.table is None:
        errors = [diagnostic for diagnostic in report.diagnostics if diagnostic.severity == "error"]
        text = str(RouteFileError(errors))
        _LOG.warning("the edited book does not compile, the last good table stays:\n%s", text)
    elif report.table != before:
        _LOG.info("%s", reload_line(report.table, changes))
    else:
        _LOG.info("the book is mended, table %s stays", before.digest[:12])


def _changes(before: RoutingTable, after: RoutingTable) -> tuple[Change, ...]:
    """Compare two tables; what cannot be compared keeps no table from being taken."""
    try:
        return changes_between(before, after)
    except Exception:  # noqa: BLE001, the table is current already
        _LOG.exception("the changed decisions could not be told")
        return ()
