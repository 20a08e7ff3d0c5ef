"""Items: the items of a streamed responses call, told apart while they come.

Pure. An event names its item by id and by index; some servers leave one out, give new ids with each event, or do not
say that an item begins.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ...canonical.event import ModelEvent
from .pieces import Item, Pieces, kind_of
from .wire import WireEvent


class Items:
    """The items of one answer, in the order in which they began."""

    def __init__(self) -> None:
        self._items: list[Pieces] = []
        self._by_id: dict[str, Pieces] = {}
        self._by_index: dict[int, Pieces] = {}
        self._calls = 0

    def add(self, item: Item, index: int | None, events: list[ModelEvent]) -> None:
        """Take an item that begins. What is encrypted of a thought is not whole before it ends."""
        if kind_of(item) == "reasoning":
            item = {name: value for name, value in item.items() if name != "encrypted_content"}
        known = self._by_id.get(_id_of(item)) or self._unnamed(index)
        if known is None or known.kind != kind_of(item):
            known = self._begin(item, index)
        known.begin(item, events)

    def end(self, item: Item, event: WireEvent, events: list[ModelEvent]) -> None:
        """Take an item that has ended."""
        known = self._by_id.get(_id_of(item)) or self._find(event)
        if known is None or known.kind != kind_of(item):
            known = self._begin(item, event.output_index)
        known.end(item, events)

    def known(self, event: WireEvent, kind: str) -> Pieces:
        """Return the item of that *kind* that *event* goes on with, or begins."""
        found = self._find(event)
        if found is None or found.kind != kind:
            item = {"type": kind, **({"id": event.item_id} if event.item_id else {})}
            found = self._begin(item, event.output_index)
        return found

    def whole(self, output: Sequence[Item], events: list[ModelEvent]) -> list[Item]:
        """Return the items of the answer, *output* those of its last event, and tell what was not told of them."""
        if not output:
            return [pieces.ended(pieces.item, events) for pieces in self._items]
        waiting: dict[str, deque[Pieces]] = {}
        for pieces in self._items:
            waiting.setdefault(pieces.kind, deque()).append(pieces)
        return [self._last(item, waiting.get(kind_of(item), deque())).ended(item, events) for item in output]

    def _last(self, item: Item, waiting: deque[Pieces]) -> Pieces:
        """Return the pieces that *item* ends: those of its id, else the first of its kind that *waiting* has left."""
        known = self._by_id.get(_id_of(item))
        while known is None and waiting:
            first = waiting.popleft()
            known = None if first.is_over else first
        return self._begin(item, None) if known is None or known.kind != kind_of(item) else known

    def _begin(self, item: Item, index: int | None) -> Pieces:
        call = -1
        if kind_of(item) == "function_call":
            call = self._calls
            self._calls += 1
        pieces = Pieces(item, call)
        self._items.append(pieces)
        if _id_of(item):
            self._by_id[_id_of(item)] = pieces
        if index is not None:
            self._by_index[index] = pieces
        return pieces

    def _unnamed(self, index: int | None) -> Pieces | None:
        """Return the item at *index*, if more of it came before it was said which one it is."""
        found = None if index is None else self._by_index.get(index)
        return None if found is None or found.is_given else found

    def _find(self, event: WireEvent) -> Pieces | None:
        found = self._by_id.get(event.item_id or "")
        if found is None and event.output_index is not None:
            return self._by_index.get(event.output_index)
        return found or (self._items[-1] if self._items and event.output_index is None else None)


def _id_of(item: Item) -> str:
    found = item.get("id")
    return found if isinstance(found, str) else ""
