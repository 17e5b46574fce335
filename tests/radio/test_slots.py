"""Slot arithmetic by example, and against a search through every slot."""

from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from radio.slots import SlotPlan, airtime_ns

MS = 1_000_000
SECOND = 1_000 * MS
PLAN = SlotPlan(slot_ns=20 * MS, slots_per_period=50, shared=(0, 25))


def test_a_period_is_all_its_slots():
    assert PLAN.period_ns == SECOND


@pytest.mark.parametrize(
    ("at_ns", "number"),
    [(0, 0), (20 * MS - 1, 0), (20 * MS, 1), (SECOND - 1, 49), (1_444_000_000 * SECOND + 500 * MS, 25)],
)
def test_slot_of(at_ns, number):
    assert PLAN.slot_of(at_ns) == number


@pytest.mark.parametrize(
    ("at_ns", "slots", "start_ns"),
    [
        (0, {0}, 0),
        (1, {0}, SECOND),
        (1, {0, 25}, 500 * MS),
        (500 * MS, {0, 25}, 500 * MS),
        (500 * MS + 1, {0, 25}, SECOND),
        (7 * SECOND + 981 * MS, {49, 3}, 8 * SECOND + 60 * MS),
    ],
)
def test_slot_start(at_ns, slots, start_ns):
    assert PLAN.slot_start(at_ns, slots) == start_ns


@given(
    st.integers(1, 50), st.integers(1, 12), st.integers(0, 10_000), st.sets(st.integers(0, 11), min_size=1, max_size=4)
)
def test_slot_start_against_a_search(slot_ns, number_of_slots, at_ns, slots):
    plan = SlotPlan(slot_ns=slot_ns, slots_per_period=number_of_slots)
    slots = {number % number_of_slots for number in slots}
    start_ns = at_ns
    while start_ns % slot_ns or start_ns // slot_ns % number_of_slots not in slots:
        start_ns += 1
    assert plan.slot_start(at_ns, slots) == start_ns
    assert plan.slot_of(start_ns) in slots


@pytest.mark.parametrize("slots", [set(), {50}, {-1}])
def test_slots_the_plan_has_not(slots):
    with pytest.raises(ValueError, match=r"0\.\.49"):
        PLAN.slot_start(0, slots)


@pytest.mark.parametrize(
    "bad", [{"slot_ns": 0}, {"slots_per_period": 0}, {"shared": (50,)}, {"shared": (2, 1)}, {"shared": (1, 1)}]
)
def test_a_plan_that_does_not_fit_together(bad):
    with pytest.raises(ValueError, match=r"slot"):
        SlotPlan(**{"slot_ns": MS, "slots_per_period": 50, **bad})


def test_airtime_is_rounded_up():
    assert airtime_ns(40, 1e6) == 320_000
    assert airtime_ns(64, 31_500) == 16_253_969  # 16,253,968.25 ns
    assert airtime_ns(0, 31_500) == 0


@given(st.integers(0, 10**6), st.floats(1.0, 1e10))
def test_airtime_is_the_exact_ceiling(n_bytes, bit_rate_bps):
    exact_ns = Fraction(8 * n_bytes * SECOND) / Fraction(bit_rate_bps)
    assert 0 <= airtime_ns(n_bytes, bit_rate_bps) - exact_ns < 1
