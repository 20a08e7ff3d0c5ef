"""Lexicon: how one API says no, as tables of its codes, statuses and words → faults.

Pure. The provider's own code and type are asked first, the status second, and where the status says little, the
words. Words are matched only against the sentence that a person would read. Where an API puts its code and its
sentence is its own: that, and the tables, are in its `faults.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import FaultKind
from .answer import Answer
from .fault import LONGEST_MATCHED, Fault, kind_of_status, read_retry_after, redirect, say, status_phrase
from .sentence import parse_json, read_sentence, sentence_of

Words = tuple[tuple[FaultKind, tuple[int, ...], str], ...]
"""What words make of a status that says little: a kind, the statuses, and a pattern. The first that matches counts."""

_STATUS = re.compile(r"[45][0-9]{2}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What stands in a refusal: the `names` given to it, codes and types, the most telling first; those that may stand
    for a status; the sentence; headers that a router passes on from the provider behind it.
    """

    names: Iterable[Any]
    status_names: Iterable[Any]
    sentence: str | None
    passed_on: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Reads the refusals of one API. `find` finds its parts in plain data, beside the sentence that is known already.

    `kinds` and `statuses` are asked by names in lower case, `statuses` only where the answer's own status is a
    success; `unnamed_status` is what such an answer then has whose names say nothing, if not its own.
    """

    find: Callable[[Any, str | None], Refusal]
    kinds: Mapping[str, FaultKind]
    statuses: Mapping[str, int]
    words: Words
    unnamed_status: int | None = None

    def read_fault(self, answer: Answer) -> Fault:
        """Return what a refusal says: an answer whose status is no success.

        The message has at most 500 characters, is never JSON and holds no secret.
        """
        if 300 <= answer.status < 400:
            return Fault("malformed_response", say(redirect(answer.headers), answer.secrets))
        parsed, _ = parse_json(answer.body)
        return self._fault(self.find(parsed, read_sentence(answer.body)), answer)

    def fault_of_error(self, error: Any, answer: Answer) -> Fault:
        """Return what an `error` says that stands in an answer of any status, a success included."""
        return self._fault(self.find({"error": error}, sentence_of(error)), answer)

    def _fault(self, refusal: Refusal, answer: Answer) -> Fault:
        status = self._meant_status(refusal.status_names, answer.status)
        sentence = refusal.sentence or status_phrase(status)
        retry_after = read_retry_after({**refusal.passed_on, **answer.headers}, answer.now, status)
        return Fault(self._kind(refusal.names, sentence, status), say(sentence, answer.secrets), retry_after)

    def _meant_status(self, names: Iterable[Any], status: int) -> int:
        """Return *status*, or the one that *names* stand for where the HTTP status tells of a success."""
        if status >= 300:
            return status
        for name in names:
            text = str(name).lower()
            if _STATUS.fullmatch(text):
                return int(text)
            if text in self.statuses:
                return self.statuses[text]
        return self.unnamed_status or status

    def _kind(self, names: Iterable[Any], sentence: str, status: int) -> FaultKind:
        for name in names:
            if isinstance(name, str) and name.lower() in self.kinds:
                return self.kinds[name.lower()]
        matched = sentence[:LONGEST_MATCHED]
        for kind, statuses, words in self.words:
            if (status in statuses or status < 300) and re.search(words, matched, re.IGNORECASE):
                return kind
        return kind_of_status(status)
