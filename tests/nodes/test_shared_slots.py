"""A shared slot is one at random of those that begin within a time and are not taken."""

from random import Random

from hypothesis import given, strategies as st

from nodes.stations.effects import Send
from nodes.transmitter import Access, Transmitter
from protocol.messages import Watch
from radio.slots import SlotPlan

PLAN = SlotPlan(slot_ns=10, slots_per_period=12, shared=(1, 4, 5, 11))


def one_after_the_other(earliest_ns: int, within_ns: int, taken: set[int]) -> list[int]:
    """The slots it may be, found the slow way."""
    starts: list[int] = []
    at = PLAN.slot_start(earliest_ns, PLAN.shared)
    while not starts or at < earliest_ns + within_ns:
        if at not in taken:
            starts.append(at)
        at = PLAN.slot_start(at + 1, PLAN.shared)
    return starts


@given(st.integers(0, 500), st.integers(1, 400), st.sets(st.integers(0, 100).map(lambda n: n * 10)), st.integers(0, 9))
def test_a_shared_slot_is_chosen_among_all_that_are_free(
    earliest_ns: int, within_ns: int, taken: set[int], seed: int
) -> None:
    transmitter = Transmitter(1, 0, {1: Access(channel=1, plan=PLAN, airtime_ns=5)}, Random(seed), lead_ns=0)
    transmitter._calls = [(at, Send(Watch(frozenset(), 0, 0, 0, None), 1)) for at in sorted(taken)]
    chosen = transmitter._shared_slot(PLAN, earliest_ns, within_ns)
    assert chosen == Random(seed).choice(one_after_the_other(earliest_ns, within_ns, taken))
