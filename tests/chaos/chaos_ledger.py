"""What is kept of a chaos run, on both sides, and whether both sides agree: the runs in short, what the engine's
listener heard of them, and the providers' logs.

Every attempt that was `sent` is a request that a provider read whole, run by run. Runs that were cancelled before they
said their id are compared all together, by feature and by what each of them asked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chaos_asks import Ask, Told

from routebook import ProviderError
from routebook.records.attempt import Attempt
from routebook.records.ended import AttemptEnded, EngineRecord

Log = Sequence[Mapping[str, Any]]

_Tally = Counter[tuple[str, str]]
"""Requests, by provider and model on the wire."""

_LAG_S = 1.0
"""How much later than it was let through a request may arrive."""


@dataclass(frozen=True)
class Short:
    """A run in short: how it ended, how many attempts its result has, how long its table waits for `delta`."""

    ask: Ask
    run_id: str | None
    ended: str
    attempts: int | None
    patience_s: float | None


def short(told: Told) -> Short:
    """Return a run in short."""
    ended = "left" if told.has_left else type(told.error).__name__ if told.error else "result"
    if isinstance(told.error, ProviderError):
        ended = told.error.kind
    if told.result is None:
        return Short(told.ask, told.run_id, ended, None, None)
    table = told.tables.get(told.result.decision.table)
    patience_s = None if table is None else table.providers["delta"].timeout.total
    return Short(told.ask, told.run_id, ended, len(told.result.attempts), patience_s)


@dataclass
class Heard:
    """What the engine's listener was told: the attempts of each run by its id, and whose run it was."""

    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    features: dict[str, str] = field(default_factory=dict)
    refused_connections: int = 0

    def __call__(self, record: EngineRecord) -> None:
        if isinstance(record, AttemptEnded):
            self.attempts.setdefault(record.run_id, []).append(record.attempt)
            self.features[record.run_id] = record.feature
            self.refused_connections += record.attempt.kind == "connection" and not record.attempt.sent


def disagreements(
    shorts: Iterable[Short], heard: Heard, logs: Mapping[str, Log], wire_ids: Mapping[str, str]
) -> Iterator[str]:
    """Yield where the runs, what was heard of them, and the providers' logs differ."""
    logged: dict[str, _Tally] = defaultdict(Counter)
    for provider, log in logs.items():
        for entry in log:
            logged[entry["marker"]][provider, entry["model"]] += 1
    sent = {run_id: _sent(attempts, wire_ids) for run_id, attempts in heard.attempts.items()}
    nameless: Counter[tuple[str, frozenset[Any]]] = Counter()
    for run in shorts:
        asked = logged.pop(run.ask.marker, Counter())
        if run.run_id is None:
            nameless[run.ask.feature, frozenset(asked.items())] += bool(asked)
            continue
        said = sent.pop(run.run_id, Counter())
        if said != asked:
            yield f"{run.ask.marker} ({run.ended}): sent {dict(said)}, logged {dict(asked)}"
        if run.attempts is not None and run.attempts != len(heard.attempts.get(run.run_id, ())):
            yield f"{run.ask.marker} ({run.ended}): its result has {run.attempts} attempts, others were heard of"
    left = Counter((heard.features[run_id], frozenset(said.items())) for run_id, said in sent.items() if said)
    if left != +nameless:
        yield f"of runs without an id, sent {left - nameless} and logged {nameless - left} have no counterpart"
    if logged:
        yield f"the providers were asked what nobody asked: {dict(logged)}"


def wrong_keys(shorts: Iterable[Short], logs: Mapping[str, Log]) -> Iterator[str]:
    """Yield the requests that came with another key than its caller's, or the platform's where it pays."""
    asks = {run.ask.marker: run.ask for run in shorts}
    for provider, log in logs.items():
        for entry in log:
            if entry["key"] != asks[entry["marker"]].keys.get(provider):
                yield f"{entry['marker']} came to {provider} with {entry['key']!r}"


def crowds(log: Log, model: str, bounds: Mapping[float, int], most_of_key: int) -> Iterator[str]:
    """Yield the requests that came while too many others were open: of *model*, more than the latest of *bounds* (by
    the moment from which they hold) says; of all models, more than *most_of_key*; each key by itself.
    """
    for entry in log:
        bound = max((since, most) for since, most in bounds.items() if since <= entry["at"])[1]
        if entry["model"] == model and entry["open_of_model"] > bound:
            yield f"{entry['open_of_model']} requests of {model} were open at once, {bound} may be: {entry}"
        if entry["open_of_key"] > most_of_key:
            yield f"{entry['open_of_key']} requests were open at once, {most_of_key} may be: {entry}"


def rushes(log: Log, model: str, most_a_minute: int) -> Iterator[str]:
    """Yield the stretches in which more requests of *model* came than a minute's worth and what was filled up since."""
    moments = sorted(entry["at"] for entry in log if entry["model"] == model)
    for first, begin in enumerate(moments):
        for last in range(first + most_a_minute, len(moments)):
            stretch_s = moments[last] - begin + _LAG_S
            if last - first + 1 > most_a_minute * (1 + stretch_s / 60):
                yield f"{last - first + 1} requests of {model} came within {moments[last] - begin:.3f} s"


def connections_shared(shorts: Iterable[Short], log: Log) -> tuple[int, int]:
    """Return over how many connections runs went by one client's configuration alone, and over how many by both."""
    patience = {run.ask.marker: run.patience_s for run in shorts if run.patience_s is not None}
    lines: dict[int, set[float]] = defaultdict(set)
    for entry in log:
        if entry["marker"] in patience:
            lines[entry["line"]].add(patience[entry["marker"]])
    sizes = Counter(len(used) for used in lines.values())
    return sizes[1], sizes[2]


def _sent(attempts: Iterable[Attempt], wire_ids: Mapping[str, str]) -> _Tally:
    return Counter((attempt.provider, wire_ids[attempt.model]) for attempt in attempts if attempt.sent)
