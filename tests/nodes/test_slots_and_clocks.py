"""Reserved slots, kept by clocks: good ones never collide, one that drifts does from where arithmetic says."""

import numpy as np

from nodes.clock import Clock
from radio.medium import Channel, Equipment, Medium, Outcome, Transmission
from radio.slots import SlotPlan, airtime_ns

MS, SECOND = 1_000_000, 1_000_000_000
T0 = 1_445_418_000 * SECOND
VHF = Channel(number=1, frequency_hz=127.5e6, bandwidth_hz=25e3, bit_rate_bps=31_500)
PLAN = SlotPlan(slot_ns=20 * MS, slots_per_period=50)
FRAME = bytes(64)
SLACK_NS = PLAN.slot_ns - airtime_ns(len(FRAME), VHF.bit_rate_bps)
LISTENER = 99


def fly(clocks: list[Clock], seconds: int) -> list[int]:
    """Each station sends once a second, in the slot of its number by its own clock. Returns the seconds with losses."""
    medium = Medium([VHF], seed=1)
    for address in (*range(len(clocks)), LISTENER):
        medium.join(Equipment(address=address, listens=address == LISTENER), frozenset({1}), T0)
        medium.place(address, T0, (6.4e6, 0.0, 100.0 * (address != LISTENER)), (0.0, 0.0, 0.0), 9_000.0)
    lost = []
    for second in range(seconds):
        for address, clock in enumerate(clocks):
            slot_ns = PLAN.slot_start(clock.local_ns(T0) + (second + 1) * SECOND, [address])
            start_ns = clock.medium_ns(slot_ns)
            medium.transmit(Transmission(address, 0, second & 0xFFFF, 1, start_ns, FRAME))
        settled = medium.settle(T0 + (second + 1) * SECOND)
        if settled.counts().keys() - {Outcome.RECEIVED}:
            lost.append(second)
    return lost


def test_good_clocks_never_collide_in_an_hour():
    clocks = [Clock(offset_ns=(-1) ** n * 400_000, start_ns=T0) for n in range(40)]
    assert fly(clocks, 3600) == []


def test_a_clock_that_drifts_collides_from_where_arithmetic_says():
    """Slow by 10 us a second, in slot 0: it reaches into slot 1 once it is late by more than the slack of 3.7 ms."""
    slow = Clock(offset_ns=0, start_ns=T0, drift_ppb=-10_000)
    good = Clock(offset_ns=0, start_ns=T0)
    lost = fly([slow, good, good], 1000)
    # in the n-th second it sends at T0 + n s by its own clock, which is n s x 10 us later by the true one
    first = next(n for n in range(10_000) if n * 10_000 > SLACK_NS)
    assert SLACK_NS == 3_746_031
    assert abs(lost[0] + 1 - first) <= 1, "the seconds are counted by when a frame is settled"
    assert lost == list(range(lost[0], 1000)), "and from then on always"


def test_a_clock_there_and_back():
    for drift_ppb in (0, 1, -1, 17_000, -10_000_000, 10_000_000):
        clock = Clock(offset_ns=-123_456_789, start_ns=T0, drift_ppb=drift_ppb)
        for at_ns in (T0 - SECOND, T0, T0 + 1, T0 + 3_600 * SECOND + 7):
            local_ns = clock.local_ns(at_ns)
            back_ns = clock.medium_ns(local_ns)
            assert clock.local_ns(back_ns) >= local_ns > clock.local_ns(back_ns - 1)
            column = clock.column_ns(np.array([at_ns, at_ns + 1]))
            assert column.tolist() == [local_ns, clock.local_ns(at_ns + 1)]
