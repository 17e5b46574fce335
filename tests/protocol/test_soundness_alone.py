"""Ways in which a judge could accuse somebody innocent of what one station does (1.x to 5.x). None may work."""

from collections.abc import Callable
from itertools import combinations_with_replacement, pairwise
from typing import Any

import pytest

from protocol.messages import (
    Intent,
    IntentKind,
)
from protocol.verdicts import Outcome
from tests.protocol.traffic import A_TEXT, A, Sender, ident, position

# ------------------------------------------------------------------ 1.4


def test_a_busy_station_does_not_hide_that_it_is_anonymous(monitor: Any) -> None:
    for i in range(700):
        monitor.hear(i / 10, A, i, position())
    assert ("1.4", A_TEXT) in monitor.fails()


def test_256_idents_leave_the_same_count(monitor: Any) -> None:
    monitor.hear(0.1, A, 0, position(idents=3))
    monitor.hear(70.1, A, 257, position(idents=3))
    monitor.close(71.0)
    assert ("1.4", A_TEXT) not in monitor.fails()
    assert monitor.outcomes("1.4", A_TEXT)[0] is Outcome.INCONCLUSIVE


# ------------------------------------------------------------------ 2.1


@pytest.mark.parametrize("serial", [0, 4])
def test_under_an_older_agreement_the_channel_may_have_been_an_agreed_one(monitor: Any, serial: int) -> None:
    """Recorded at any time before, and sent again."""
    monitor.hear(1.0025, A, 0, position())
    monitor.hear(2.0025, A, 1, Intent(4, IntentKind.TRANSIT, 120), intent=4)
    monitor.hear(30.1, A, 9, position(), intent=serial, channel=9, sent_s=5.1)
    monitor.close(31.0)
    assert monitor.fails() == []
    assert monitor.outcomes("2.1", "unattributed") == [Outcome.INCONCLUSIVE]


# ------------------------------------------------------------------ 3.1


def test_a_frame_heard_before_with_another_time_is_not_first(monitor: Any) -> None:
    """Its clock is 100 ms fast; sent in its own slot at 8.000, and by somebody again when its time says so."""
    monitor.hear(0.0025, A, 0, position())
    monitor.hear(8.0025, A, 8, position(), sent_s=8.1025)
    monitor.hear(8.1035, A, 8, position(), sent_s=8.1025)
    monitor.close(20.0)
    assert monitor.fails() == [("4.3", A_TEXT), ("4.2", "unattributed")]


def test_a_stranger_has_no_slots_to_keep(make_monitor: Callable[..., Any]) -> None:
    """Slots are still in the table for an address that was struck off the register."""
    monitor = make_monitor()
    monitor.judge.world.annexes.slots[0x300001] = {1: (8,)}
    monitor.hear(1.25, 0x300001, 0, position())
    monitor.close(2.0)
    assert monitor.fails() == [("1.1", "unattributed")]


def test_a_breach_of_slots_stands_when_no_copy_was_heard(monitor: Any) -> None:
    monitor.hear(0.0025, A, 0, position())
    monitor.hear(8.1025, A, 8, position())
    monitor.hear(9.0025, A, 9, position())
    monitor.hear(300.0025, A, 300, position())
    assert monitor.fails() == []
    monitor.hear(700.0025, A, 700, position())
    assert monitor.fails() == [("3.1", A_TEXT)]
    monitor.close(701.0)
    assert monitor.fails().count(("3.1", A_TEXT)) == 1


# ------------------------------------------------------------------ 4.1


@pytest.mark.parametrize("unheard", range(5))
@pytest.mark.parametrize("others", range(4))
def test_silence_is_proved_exactly_when_no_placing_fills_it(
    make_monitor: Callable[..., Any], unheard: int, others: int
) -> None:
    """Against all placings on a grid of half a second: `unheard` frames, `others` of them proved to be IDENTs."""
    for length_s in (6, 9, 11, 14, 16, 19, 21, 26):
        for ident_at in (None, 3, 8):
            monitor = make_monitor()
            heard_ident = ident_at is not None and ident_at < length_s
            monitor.hear(0.0, A, 0, position())
            numbers = _split(unheard, length_s, ident_at if heard_ident else None)
            if heard_ident:
                monitor.hear(float(ident_at or 0), A, 1 + numbers[0][2], ident())
            last = unheard + 1 + heard_ident
            monitor.hear(float(length_s), A, last, position(idents=others + heard_ident))
            possible = unheard - others if others <= unheard else unheard
            filled = any(
                _filled([0.0, *places, float(length_s)])
                for count in range(possible + 1)
                for places in combinations_with_replacement([x / 2 for x in range(2 * length_s + 1)], count)
                if all(sum(low <= p <= high for p in places) <= room for low, high, room in numbers)
            )
            assert (("4.1", A_TEXT) in monitor.fails()) is not filled, (length_s, ident_at)


def _split(unheard: int, length_s: int, ident_at: int | None) -> list[tuple[float, float, int]]:
    """The stretches in which unheard numbers lie, and how many in each: all but one after a heard IDENT."""
    if ident_at is None:
        return [(0.0, float(length_s), unheard)]
    first = min(1, unheard)
    return [(0.0, ident_at - 0.25, first), (ident_at + 0.25, float(length_s), unheard - first)]


def _filled(times: list[float]) -> bool:
    return all(b - a <= 5.0 for a, b in pairwise(times))


def test_counts_that_leave_no_room_prove_nothing(monitor: Any) -> None:
    """Counts that fell show 250 IDENTs where 9 numbers are: something else happened."""
    monitor.hear(0.1, A, 0, position(idents=10))
    monitor.hear(10.1, A, 10, position(idents=4))
    monitor.close(11.0)
    assert monitor.outcomes("4.1", A_TEXT)[0] is Outcome.INCONCLUSIVE


def test_who_may_have_left_the_area_owes_nothing(make_monitor: Callable[..., Any]) -> None:
    monitor = make_monitor(south_deg=34.0, north_deg=36.0, west_deg=35.0, east_deg=37.0)
    for number, (at_s, nic) in enumerate(((0.1, 8), (20.1, 8), (40.1, 0), (60.1, 0))):
        where = 35.99 if nic else 35.0
        monitor.hear(at_s, A, number, position(where, nic=nic))
    monitor.close(61.0)
    assert [s for c, s in monitor.fails() if c == "4.1"] == []


# ------------------------------------------------------------------ 4.4


@pytest.mark.parametrize("nic", [8, 11])
def test_flying_over_a_pole_is_no_teleport(monitor: Any, nic: int) -> None:
    metres = 111_694.0  # in a degree of latitude near a pole
    for t in range(-10, 11):
        north = 250.0 * t + 100.0
        latitude, longitude = 90 - abs(north) / metres, 0.0 if north < 0 else 180.0
        speed = 250.0 if north < 0 else -250.0
        monitor.hear(t + 10.1, A, t + 10, position(latitude, longitude, nic=nic, velocity_north_mps=speed))
    monitor.close(25.0)
    assert ("4.4", A_TEXT) not in monitor.fails()


def test_far_north_the_shorter_way_counts(monitor: Any) -> None:
    """Across the pole's neighbourhood at 1,900 kt: 586 km in 600 s, where the circle of latitude is longer."""
    monitor.hear(0.1, A, 0, position(84.99, -31.8))
    monitor.hear(599.1, A, 1, position(84.99, 31.8))
    monitor.close(600.0)
    assert ("4.4", A_TEXT) not in monitor.fails()


# ------------------------------------------------------------------ 5.1


def test_validity_is_written_in_whole_seconds(monitor: Any) -> None:
    """Declared at 0 s for 80 s; heard only when it said 40.5 s again at 39.5, rounded down to 40."""
    a = Sender(monitor, A, intent=1)
    a.send(0.05, Intent(1, IntentKind.TRANSIT, 80), lost=True)
    a.reports(0.1, 39.0)
    a.send(39.55, Intent(1, IntentKind.TRANSIT, 40))
    for i in range(82):
        a.report(39.6 + i * 0.5)
    monitor.close(81.0)
    assert ("5.1", A_TEXT) not in monitor.fails()


def test_who_flies_along_the_edge_may_have_entered_just_now(make_monitor: Callable[..., Any]) -> None:
    monitor = make_monitor(south_deg=34.0, north_deg=35.001, west_deg=35.0, east_deg=37.0)
    Sender(monitor, A).reports(0.1, 50.0)
    monitor.close(51.0)
    assert ("5.1", A_TEXT) not in monitor.fails()
