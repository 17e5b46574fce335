"""Ways in which a judge could accuse somebody innocent under 5.2 and 5.3. Each was tried; none may work."""

from collections.abc import Callable, Iterator
from math import cos, radians, sin
from random import Random
from typing import Any

import pytest

from protocol.messages import Intent, IntentKind, TrajectoryPoint
from protocol.verdicts import Outcome, Verdict
from tests.protocol.traffic import A_TEXT, A, Sender

SPEED_MPS = 200.0
LEGS = ((0, 90.0), (90, 40.0), (180, 130.0), (270, 130.0))
"""From when on it flies on which track; each is declared as a serial of its own, 15 s before."""


def _declared(at_s: float, number: int) -> Intent:
    """The leg of that number as said at an instant: from where it begins, or from the next tens of seconds on."""
    begin_s, track = LEGS[number]
    end_s = LEGS[number + 1][0]
    points = (begin_s, end_s) if at_s <= begin_s else (at_s + 10, min(at_s + 40, end_s))
    if points[0] >= points[1]:
        return Intent(number + 1, IntentKind.TRANSIT, 100, 20_000, track, SPEED_MPS)
    first, second = (TrajectoryPoint(*_place(s), 20_000, round(s - at_s)) for s in points)
    return Intent(number + 1, IntentKind.TRANSIT, 100, 20_000, track, SPEED_MPS, first, second)


def _place(at_s: float) -> tuple[float, float]:
    """Where it is: it turns on the spot."""
    north = east = 0.0
    for i, (begin_s, track) in enumerate(LEGS):
        end_s = LEGS[i + 1][0] if i + 1 < len(LEGS) else at_s
        run = SPEED_MPS * max(min(at_s, end_s) - begin_s, 0)
        north, east = north + run * cos(radians(track)), east + run * sin(radians(track))
    return 35.0 + north / 110_940, 36.0 + east / 91_290


def _honest(until_s: int = 260) -> Iterator[tuple[float, int, Any]]:
    """(when, the serial in force, what): INTENTs 15 s before each leg and every 10 s, and reports."""
    serial = 0
    for t in range(until_s):
        now = next((i for i, (begin_s, _) in enumerate(LEGS[:3]) if begin_s - 15 <= t < LEGS[i + 1][0] - 15), 2)
        if now + 1 != serial or t % 10 == 2:
            serial = now + 1
            yield t + 0.05, serial, _declared(t + 0.05, now)
        flown = next(track for begin_s, track in reversed(LEGS) if begin_s <= t)
        latitude, longitude = _place(t + 0.6)
        yield (
            t + 0.6,
            serial,
            {
                "latitude_deg": latitude,
                "longitude_deg": longitude,
                "velocity_north_mps": round(SPEED_MPS * cos(radians(flown)), 1),
                "velocity_east_mps": round(SPEED_MPS * sin(radians(flown)), 1),
            },
        )


def _fly(monitor: Any, lost: Callable[[], bool], spoil: Callable[[float, Any], Any] = lambda _, what: what) -> None:
    a = Sender(monitor, A)
    for at_s, serial, what in _honest():
        a.intent = serial
        said = spoil(at_s, what)
        if isinstance(said, dict):
            a.report(at_s, lost=lost(), **said)
        else:
            a.send(at_s, said, lost=lost())
    monitor.close(270.0)


def _decided(monitor: Any, clause: str) -> float:
    tally = monitor.judge.tallies[clause, A_TEXT]
    return tally.decided or 0.0


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.2, 0.5])
@pytest.mark.parametrize("seed", range(6))
def test_an_honest_flight_is_never_accused_whatever_is_lost(monitor: Any, seed: int, loss: float) -> None:
    random = Random(f"{seed} {loss}")
    _fly(monitor, lambda: random.random() < loss)
    assert not {clause for clause, _ in monitor.fails()} & {"5.2", "5.3"}
    assert monitor.verdict("5.3", A_TEXT) >= Verdict.PASS
    assert _decided(monitor, "5.3") >= 0.9
    assert loss or _decided(monitor, "5.3") == 1.0
    assert loss or monitor.outcomes("5.2", A_TEXT) == [Outcome.PASS] * 2
    assert loss > 0.1 or _decided(monitor, "5.2") >= 0.5


@pytest.mark.parametrize("loss", [0.0, 0.2])
def test_a_flight_beside_its_path_is_found_among_losses(monitor: Any, loss: float) -> None:
    random = Random(7)

    def aside(at_s: float, what: Any) -> Any:
        return what | {"latitude_deg": what["latitude_deg"] + 0.05} if isinstance(what, dict) and at_s > 60 else what

    _fly(monitor, lambda: random.random() < loss, aside)
    assert ("5.3", A_TEXT) in monitor.fails()
    assert Outcome.PASS in monitor.outcomes("5.3", A_TEXT)


def test_what_is_said_otherwise_under_one_serial_is_judged_by_the_kindest(monitor: Any) -> None:
    """It repeats serial 1 with points further on its way, on another line: whoever hears one only has heard both."""
    a = Sender(monitor, A, intent=1)
    ways = [
        [TrajectoryPoint(35.0, 36.0 + 0.1 * k, None, 10), TrajectoryPoint(35.2, 36.0 + 0.1 * k, None, 120)]
        for k in range(2)
    ]
    for k, at_s in ((0, 0.1), (1, 0.3)):
        a.send(at_s, Intent(1, IntentKind.TRANSIT, 300, first=ways[k][0], second=ways[k][1]))
    for t in range(20, 60):
        a.report(t + 0.1, latitude_deg=35.0 + (t - 10) * 0.2 / 110, longitude_deg=36.0)
    monitor.close(70.0)
    assert monitor.verdict("5.3", A_TEXT) is Verdict.PASS


def test_a_path_across_the_edge_of_the_map_is_straight(monitor: Any) -> None:
    a = Sender(monitor, A, intent=1)
    first, second = TrajectoryPoint(35.0, 179.9, None, 0), TrajectoryPoint(35.0, -179.9, None, 90)
    a.send(0.1, Intent(1, IntentKind.TRANSIT, 300, first=first, second=second))
    for t in range(1, 90):
        a.report(t + 0.1, longitude_deg=(179.9 + 0.2 * t / 90 + 180) % 360 - 180)
    monitor.close(95.0)
    assert monitor.verdict("5.3", A_TEXT) is Verdict.PASS


def test_trouble_of_the_emulator_is_no_breach(monitor: Any) -> None:
    """It could not say that it went another way."""
    monitor.judge.host_trouble(A, int(monitor.judge.world.from_ns), None)

    def aside(at_s: float, what: Any) -> Any:
        return what | {"latitude_deg": 36.0} if isinstance(what, dict) and at_s > 60 else what

    _fly(monitor, lambda: False, aside)
    assert not {clause for clause, _ in monitor.fails()} & {"5.2", "5.3"}
    assert Outcome.INCONCLUSIVE in monitor.outcomes("5.3", A_TEXT)


@pytest.mark.parametrize("loss", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("seed", range(6))
def test_who_declares_a_turn_as_it_begins_is_found_if_enough_was_heard(monitor: Any, seed: int, loss: float) -> None:
    """The same flight, its serials 15 s later: the turns begin with them."""
    random, sent = Random(seed), [e for e in _honest() if not isinstance(e[2], Intent)]
    a = Sender(monitor, A)
    for at_s, _, what in sent:
        leg = max(i for i, (begin_s, _) in enumerate(LEGS[:3]) if begin_s <= at_s)
        if a.intent != leg + 1 or int(at_s) % 10 == 5:
            a.intent = leg + 1
            a.send(
                at_s - 0.5,
                Intent(leg + 1, IntentKind.TRANSIT, 100, track_deg=LEGS[leg][1]),
                lost=random.random() < loss,
            )
        a.report(at_s, lost=random.random() < loss, **what)
    monitor.close(270.0)
    assert loss or monitor.outcomes("5.2", A_TEXT) == [Outcome.FAIL] * 2
    assert loss > 0.2 or ("5.2", A_TEXT) in monitor.fails()


def test_an_avoidance_that_was_heard_only_when_it_was_said_again_needs_no_notice(monitor: Any) -> None:
    a = Sender(monitor, A, intent=1)
    a.send(0.1, Intent(1, IntentKind.TRANSIT, 300, track_deg=0.0))
    a.reports(0.6, 20.0, velocity_north_mps=200.0)
    a.intent = 2
    a.send(20.1, Intent(2, IntentKind.AVOID, 60), lost=True)
    a.reports(20.6, 35.0, velocity_east_mps=200.0)
    a.send(35.1, Intent(2, IntentKind.AVOID, 45))
    a.reports(35.6, 50.0, velocity_east_mps=200.0)
    monitor.close(60.0)
    assert monitor.outcomes("5.2", A_TEXT) == [Outcome.EXCUSED]


def test_a_serial_that_was_said_in_advance_was_said_in_time(monitor: Any) -> None:
    """It says INTENT 2 long before it is in force, and names 1 until then."""
    a = Sender(monitor, A, intent=1)
    a.send(0.1, Intent(1, IntentKind.TRANSIT, 300, track_deg=0.0))
    a.send(5.1, Intent(2, IntentKind.TRANSIT, 300, track_deg=90.0))
    a.reports(5.6, 30.0, velocity_north_mps=200.0)
    a.intent = 2
    a.reports(30.6, 50.0, velocity_east_mps=200.0)
    monitor.close(60.0)
    assert ("5.2", A_TEXT) not in monitor.fails()


def test_a_restart_is_no_change_of_serial(monitor: Any) -> None:
    a = Sender(monitor, A, intent=1)
    a.send(0.1, Intent(1, IntentKind.TRANSIT, 300, track_deg=0.0))
    a.reports(0.6, 20.0, velocity_north_mps=200.0)
    again = Sender(monitor, A, session=2, intent=2)
    again.reports(20.6, 40.0, velocity_east_mps=200.0)
    monitor.close(60.0)
    assert ("5.2", A_TEXT) not in monitor.fails()
