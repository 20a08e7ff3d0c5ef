"""What people are shown of worst cases: the arithmetic of one decision, and the ranking of features."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import wrap

from ..routing.bounds.arithmetic import Arithmetic
from ..routing.bounds.call_cost import CallCost, Gap
from ..routing.bounds.load import Load
from ..routing.bounds.loop import Loop
from ..routing.bounds.ranking import Peak
from .output import table_text

_WIDTH = 80
_HEADINGS = ("feature", "calls", "time", "dollars", "comes from")


def arithmetic_text(shown: Arithmetic) -> str:
    """Return the arithmetic of a decision as lines of at most 80 characters."""
    lines = ["  bounds", f"    {_whole(shown)}"]
    lines += _named("models", _rounds(shown.loop))
    for number, load in enumerate(shown.loads, start=1):
        lines.append(f"    {number}. {load.model} at {load.provider}")
        for name, text in _attempt(load, shown.loop.rounds):
            lines += _wrapped(f"       {name:<9} ", text)
    for name, text in _rest(shown):
        lines += _named(name, text)
    for note in shown.notes:
        lines += _wrapped("    - ", note)
    return "\n".join(lines)


def ranking_text(peaks: Iterable[Peak]) -> str:
    """Return features with their worst cases as a table."""
    return table_text(_HEADINGS, [_cells(peak) for peak in peaks])


def _whole(shown: Arithmetic) -> str:
    bounds = shown.bounds
    seconds = "no bound in time" if bounds.seconds is None else f"{_number(bounds.seconds)} s"
    calls = _count(bounds.calls, "call")
    return f"at most {calls} of {_count(bounds.providers, 'provider')}, {seconds}, {_dollars(bounds.usd, shown.gap)}"


def _rounds(loop: Loop) -> str:
    turns = _count(loop.turns, "turn")
    turns = f"({turns} + 1 to finish)" if loop.finish else turns
    return f"{turns} x (1 + {_count(loop.repairs, 'repair')}) = asked {_count(loop.rounds, 'time')}"


def _attempt(load: Load, rounds: int) -> Iterator[tuple[str, str]]:
    calls = rounds * load.tries
    yield "calls", f"{rounds:,} x {load.tries:,} {'try' if load.tries == 1 else 'tries'} = {calls:,}"
    call = f"{_number(load.call_s)} s"
    call = f"({call} + {_number(load.queue_s)} s in a queue)" if load.queue_s else call
    pauses = f" + {rounds:,} x {_number(load.pauses_s)} s of pauses" if load.pauses_s else ""
    yield "seconds", f"{calls:,} x {call}{pauses} = {_number(rounds * load.seconds)} s"
    if load.cost.usd is None or load.usd is None:
        yield "dollars", str(load.cost.gap)
    elif load.cost.usd == 0.0:
        yield "dollars", "none"
    else:
        yield "a call", f"{_tokens(load.cost)} = {_usd(load.cost.usd)}"
        yield "dollars", f"{calls:,} x {_usd(load.cost.usd)} = {_usd(rounds * load.usd)}"


def _tokens(cost: CallCost) -> str:
    answers = f"{cost.answers} x " if cost.answers > 1 else ""
    into = f"{cost.input_tokens or 0:,} in x ${_number(cost.input_price)}"
    return f"({into} + {answers}{cost.output_tokens or 0:,} out x ${_number(cost.output_price)}) / 1M"


def _rest(shown: Arithmetic) -> Iterator[tuple[str, str]]:
    tools = shown.loop.tools
    if tools.start_s:
        waves = f" + {_count(tools.waves, 'wave')} of calls x {_number(tools.wave_s)} s" if tools.waves else ""
        yield "tools", f"{_number(tools.start_s)} s to start{waves} = {_seconds(tools.seconds)}"
    if shown.loop.deadline_s is not None:
        yield "deadline", f"{_number(shown.loop.deadline_s)} s, instead of {_seconds(shown.seconds)}"
    if shown.counted_usd is not None:
        failed = f" + {_usd(shown.failed_usd)} of failed tries" if shown.failed_usd else ""
        once = _usd(shown.each.usd)
        total = _usd(shown.counted_usd + shown.failed_usd + shown.each.usd)
        yield "budget", f"{_usd(shown.counted_usd)}{failed} + {once}, asked once more = {total}"
    if shown.shadow is not None:
        target, cost = shown.shadow, shown.shadow.cost
        yield "shadow", f"{target.model} at {target.provider}, one call: {_dollars(cost.usd, cost.gap)}"


def _cells(peak: Peak) -> list[str]:
    seconds = peak.seconds.bounds.seconds
    return [
        peak.feature.name,
        f"{peak.calls.bounds.calls:,}",
        "unbounded" if seconds is None else _seconds(seconds),
        _dollars(peak.usd.bounds.usd, peak.gap),
        _places(peak),
    ]


def _places(peak: Peak) -> str:
    """Return where the dollars come from, then where the other figures do that come from elsewhere."""
    others = (("calls", peak.calls.place), ("time", peak.seconds.place))
    return "; ".join([peak.usd.place, *(f"{name}: {place}" for name, place in others if place != peak.usd.place)])


def _named(name: str, text: str) -> list[str]:
    return _wrapped(f"    {name:<9} ", text)


def _wrapped(start: str, text: str) -> list[str]:
    return wrap(text, _WIDTH, initial_indent=start, subsequent_indent=" " * len(start), break_long_words=False)


def _count(number: int, of: str) -> str:
    return f"{number:,} {of}" if number == 1 else f"{number:,} {of}s"


def _seconds(seconds: float | None) -> str:
    return "no bound" if seconds is None else f"{_number(seconds)} s"


def _dollars(usd: float | None, gap: Gap | None) -> str:
    return str(gap) if usd is None else _usd(usd)


def _usd(usd: float) -> str:
    return "<$0.000001" if 0 < usd < 0.000001 else f"${_number(usd)}"


def _number(number: float) -> str:
    """Return *number* with up to six places, as many as it needs."""
    text = f"{number:,.6f}"
    return text.rstrip("0").rstrip(".")
