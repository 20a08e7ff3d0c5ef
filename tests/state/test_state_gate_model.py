"""Gate against a model of it: whatever happens in whatever order, the same calls are under way and the same wait."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from gate_callers import Caller, gate
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_time import now, play, settle

from routebook.routing.provider_spec import Limits
from routebook.state.gate import Gate


@dataclass
class Model:
    """A gate of which only the concurrency is bounded, in the plainest words."""

    most: int | None
    allowed: int | None = None
    falls: int = 0
    successes: int = 0
    queue: deque[int] = field(default_factory=deque)
    inside: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.allowed = self.most

    def let_in(self) -> None:
        while self.queue and (self.allowed is None or len(self.inside) < self.allowed):
            self.inside[self.queue.popleft()] = self.falls

    def configure(self, most: int | None) -> None:
        has_fallen = self.allowed != self.most
        kept = has_fallen and self.allowed is not None and most is not None
        self.most, self.allowed = most, min(self.allowed, most) if kept else most

    def fall(self, name: int) -> None:
        if self.allowed is not None and self.inside[name] == self.falls:
            self.allowed, self.falls, self.successes = max(1, self.allowed * 3 // 4), self.falls + 1, 0

    def succeed(self) -> None:
        if self.allowed is not None and self.allowed < self.most:
            self.successes += 1
            if self.successes == 25:
                self.successes, self.allowed = 0, self.allowed + 1


COMING = st.tuples(st.just("come"), st.integers(1, 5))
LEAVING = st.tuples(st.just("leave"), st.integers(0, 99))
GIVING_UP = st.tuples(st.just("give up"), st.integers(0, 99))
FALLING = st.tuples(st.just("fall"), st.integers(0, 99))
SUCCEEDING = st.tuples(st.just("succeed"), st.integers(1, 40))
EDITING = st.tuples(st.just("edit"), st.one_of(st.none(), st.integers(1, 9)))
OPERATIONS = st.lists(
    st.one_of(COMING, COMING, COMING, LEAVING, LEAVING, GIVING_UP, FALLING, SUCCEEDING, EDITING), max_size=60
)


class Played:
    """A gate and its model, to which the same is done."""

    def __init__(self, most: int | None) -> None:
        self.gate = gate(most, adaptive=True)
        self.model = Model(most)
        self.callers: list[Caller] = []

    def do(self, what: str, which: int | None) -> None:
        """Do it to both; *which* picks one of those that it can be done to."""
        model = self.model
        if what == "come":
            for _ in range(which):
                model.queue.append(len(self.callers))
                self.callers.append(Caller(self.gate))
        elif what == "edit":
            model.configure(which)
            self.gate.configure(Limits(which, adaptive=True))
        elif what == "succeed":
            for _ in range(which):
                model.succeed()
                self.gate.succeed()
        elif what == "give up" and model.queue:
            name = model.queue[which % len(model.queue)]
            model.queue.remove(name)
            self.callers[name].give_up()
        elif model.inside and what in {"leave", "fall"}:
            name = list(model.inside)[which % len(model.inside)]
            if what == "fall":
                model.fall(name)
                self.gate.fall(self.callers[name].entered)
            else:
                del model.inside[name]
                self.callers[name].leave()
        model.let_in()

    def check(self) -> None:
        """See that both stand alike."""
        state, model = self.gate.state(), self.model
        assert (state.running, state.waiting) == (len(model.inside), len(model.queue))
        assert (state.concurrency, state.most) == (model.allowed, model.most)
        assert [name for name, caller in enumerate(self.callers) if caller.waits] == list(model.queue)
        assert {name: self.callers[name].entered for name in model.inside} == model.inside

    async def drain(self) -> None:
        """Let everyone leave who is in, until nobody is left."""
        while self.model.inside:
            self.do("leave", 0)
            await settle()
            self.check()
        assert self.gate.state().running == self.gate.state().waiting == 0
        assert all(not caller.waits for caller in self.callers)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.none(), st.integers(1, 9)), OPERATIONS)
def test_a_gate_does_what_its_model_says_and_drains(most, operations):
    async def scenario():
        played = Played(most)
        for what, which in operations:
            played.do(what, which)
            await settle()
            played.check()
        await played.drain()

    play(scenario)


RATES = st.fixed_dictionaries(
    {
        "concurrency": st.one_of(st.none(), st.integers(1, 4)),
        "requests_per_minute": st.one_of(st.none(), st.integers(1, 20)),
        "tokens_per_minute": st.one_of(st.none(), st.integers(1, 200)),
    }
)
VISITS = st.lists(
    st.tuples(
        st.floats(0, 30),  # comes, after the one before it
        st.integers(0, 300),  # tokens that it thinks it takes
        st.integers(0, 300),  # and that it takes
        st.floats(0, 20),  # stays
        st.one_of(st.none(), st.floats(0, 40)),  # gives up, if it does
        st.booleans(),  # is never made, after all
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(RATES, VISITS)
def test_what_is_let_through_keeps_all_bounds_in_order_and_in_the_end_all_is_given_back(rates, visits):
    async def visit(at: Gate, name, visited, log, under_way):
        _, estimate, used, stay, patience, is_made = visited
        try:
            async with asyncio.timeout(patience):
                await at.enter(estimate, 1e6)
        except TimeoutError:
            return
        log.append((now(), name))
        under_way.add(name)
        assert rates["concurrency"] is None or len(under_way) <= rates["concurrency"]
        if is_made:
            await asyncio.sleep(stay)
            at.settle(estimate, used)
        else:
            at.give_back(estimate)
        under_way.remove(name)
        at.leave()

    async def scenario():
        at, log, under_way = Gate(Limits(**rates), now), [], set()
        async with asyncio.TaskGroup() as group:
            for name, visited in enumerate(visits):
                await asyncio.sleep(visited[0])
                group.create_task(visit(at, name, visited, log, under_way))
        assert (at.state().running, at.state().waiting) == (0, 0)
        assert [name for _, name in log] == sorted(name for _, name in log)
        check_requests([moment for moment, name in log if visits[name][5]])
        await asyncio.sleep(60 * 300 * 25)  # what was taken too much fills up again, too
        assert at.is_idle()

    def check_requests(moments):
        bound = rates["requests_per_minute"]
        for index, first in enumerate(moments):
            for count, last in enumerate(moments[index:], 1):
                assert bound is None or count <= bound + (last - first) * bound / 60 + 1e-3

    play(scenario)
