"""Gates: one for each provider, model and payer, kept over edits; those that nobody needs are forgotten."""

from __future__ import annotations

import asyncio

import pytest
from gate_callers import Caller
from virtual_time import now, play, settle

from routebook.routing.provider_spec import NO_LIMITS, Limits
from routebook.state.gates import BookLimits, Gates

HOUSE = ("house", None, "")
MODEL = ("house", "m", "")


def book(provider: Limits = NO_LIMITS, model: Limits | None = None) -> BookLimits:
    return BookLimits({"house": provider}, {} if model is None else {("house", "m"): model})


@pytest.fixture
def gates() -> Gates:
    gates = Gates(now)
    gates.use(book(Limits(4), Limits(2)))
    return gates


def test_a_provider_its_models_and_each_payer_have_gates_of_their_own(gates):
    async def scenario():
        keys = [HOUSE, MODEL, ("house", "n", ""), ("house", None, "caller"), ("house", "m", "caller")]
        made = [gates.gate(key, book()) for key in keys]

        assert len(set(map(id, made))) == len(keys)
        assert [gates.gate(key, book()) for key in keys] == made
        assert [gate.limits.concurrency for gate in made] == [4, 2, None, 4, 2]
        assert dict(gates).keys() == set(keys)

    play(scenario)


def test_a_provider_that_left_the_book_keeps_the_limits_of_the_run_that_still_calls_it(gates):
    async def scenario():
        gates.use(BookLimits({"other": NO_LIMITS}, {}))

        assert gates.gate(HOUSE, book(Limits(9))).limits.concurrency == 9
        assert gates.gate(("other", None, ""), book()).limits == NO_LIMITS

    play(scenario)


def test_an_edit_changes_the_limits_of_gates_in_use_and_nothing_of_their_state(gates):
    async def scenario():
        gate = gates.gate(MODEL, book())
        inside = [Caller(gate) for _ in range(3)]
        await settle()
        assert [caller.is_in for caller in inside] == [True, True, False]

        gates.use(book(Limits(4), Limits(3)))
        await settle()

        assert gates.gate(MODEL, book()) is gate
        assert [caller.is_in for caller in inside] == [True, True, True]
        gates.use(book())
        assert gate.limits == NO_LIMITS
        assert gate.state().running == 3

    play(scenario)


def test_gates_of_a_provider_that_left_the_book_stay_as_they_are(gates):
    async def scenario():
        gate = gates.gate(MODEL, book())
        gates.use(BookLimits({}, {}))

        assert gates.gate(MODEL, book()) is gate
        assert gate.limits.concurrency == 2

    play(scenario)


def test_of_callers_without_end_only_the_gates_that_hold_something_are_kept(gates):
    async def scenario():
        busy = gates.gate(HOUSE, book())
        Caller(busy)
        cooling = gates.gate(MODEL, book())
        cooling.cool_down(1e6)
        full = gates.gate(("house", None, "full"), book())
        for _ in range(4):
            await Caller(full).until_in()
        waiter = Caller(full)
        fallen = gates.gate(("house", None, "fallen"), book())
        fallen.configure(Limits(4, adaptive=True))
        fallen.fall(0)
        used = gates.gate(("house", None, "used"), book())
        used.configure(Limits(requests_per_minute=1))
        await Caller(used).until_in()
        used.leave()
        await settle()

        for number in range(50_000):
            gates.gates("house", "m", f"caller {number}", book())

        kept = dict(gates)
        assert len(kept) <= 1024
        for payer, gate in {"": busy, "full": full, "fallen": fallen, "used": used}.items():
            assert kept["house", None, payer] is gate
        assert kept[MODEL] is cooling
        full.leave()
        await settle()
        assert waiter.is_in

    play(scenario)


def test_gates_of_callers_that_were_refused_and_came_no_more_are_forgotten_in_time(gates):
    async def scenario():
        gates.use(book(Limits(4, adaptive=True)))

        async def refuse(payer):
            for gate in gates.gates("house", "m", payer, book()):
                gate.fall(await gate.enter(0, 0))
                gate.leave()

        for number in range(3000):
            await refuse(f"early {number}")
        assert len(dict(gates)) > 3000
        await asyncio.sleep(300)
        for number in range(3000):
            await refuse(f"late {number}")

        kept = {payer for _, model, payer in dict(gates) if model is None}
        assert not any(payer.startswith("early") for payer in kept)
        assert "late 2999" in kept

    play(scenario)


def test_gates_that_are_all_in_use_are_all_kept_and_looked_at_seldom(gates):
    async def scenario():
        callers = []
        for number in range(5000):
            callers.append(Caller(gates.gates("house", "m", str(number), book())[1]))
            await settle()

        assert all(caller.is_in for caller in callers)
        assert sum(model is None for _, model, _ in dict(gates)) == 5000
        for caller in callers:
            caller.leave()
        for number in range(10_000):
            gates.gates("house", "m", f"late {number}", book())
        assert len(dict(gates)) < 10_000  # of 20,000 that were asked for

    play(scenario)
