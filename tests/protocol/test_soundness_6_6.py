"""Ways in which a judge could accuse somebody innocent under 6.6; and that who may be near is found."""

from collections.abc import Callable
from itertools import cycle
from math import atan2, cos, degrees, hypot, radians, sin
from random import Random
from typing import Any

import pytest

from protocol.bounds import Fix, offset_m
from protocol.clauses.cells import Cells
from protocol.verdicts import Outcome
from tests.protocol.traffic import A_TEXT, A, B, Sender

DEGREE_M = 110_940


class _Meeting:
    """100001, which may aim, and 200001, which flies straight west; both at 200 m/s, 20,000 ft."""

    def __init__(
        self,
        monitor: Any,
        lost: Callable[[], bool] = lambda: False,
        error: Callable[[], float] = lambda: 0.0,
        above_ft: int = 0,
    ):
        self.monitor, self.lost, self.error, self.above_ft = monitor, lost, error, above_ft
        self.senders = Sender(monitor, A), Sender(monitor, B)

    def fly(self, steer: Callable[[int, float, float], float], other: tuple[float, float], until_s: int = 60) -> None:
        """`steer`: the track at a second, from the one before and the bearing of the other; `other`: where that begins,
        in metres north and east."""
        x, y, track = (0.0, 0.0), other, 0.0
        for t in range(until_s):
            track = steer(t, track, degrees(atan2(y[1] - x[1], y[0] - x[0])))
            self._report(0, t + 0.1, x, track)
            self._report(1, t + 0.3, (y[0], y[1] - 40), 270.0)
            x, y = _flown(x, track), _flown(y, 270.0)
        self.monitor.close(until_s + 1.0)

    def _report(self, which: int, at_s: float, at: tuple[float, float], track: float) -> None:
        self.senders[which].report(
            at_s,
            lost=self.lost(),
            baro_altitude_ft=20_000 + which * self.above_ft,
            latitude_deg=35 + (at[0] + 130 * self.error()) / DEGREE_M,
            longitude_deg=36 + (at[1] + 130 * self.error()) / DEGREE_M / cos(radians(35)),
            velocity_north_mps=round(200 * cos(radians(track)) + 5 * self.error(), 1),
            velocity_east_mps=round(200 * sin(radians(track)) + 5 * self.error(), 1),
        )


def _flown(at: tuple[float, float], track: float) -> tuple[float, float]:
    return at[0] + 200 * cos(radians(track)), at[1] + 200 * sin(radians(track))


def _aims(t: int, track: float, bearing: float) -> float:
    return bearing


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.2])
def test_who_turns_after_another_is_found(monitor: Any, loss: float) -> None:
    random = Random(5)
    _Meeting(monitor, lambda: random.random() < loss).fly(_aims, (9000.0, 5000.0))
    assert ("6.6", A_TEXT) in monitor.fails()
    assert monitor.outcomes("6.6", "200001") == [Outcome.PASS]


def _every_other_report_of_the_other() -> Callable[[], bool]:
    """Lost are the second, fourth and so on of those of 200001, who reports after 100001."""
    turn = cycle((False, False, False, True))
    return lambda: next(turn)


def test_the_others_next_report_tells_as_well_as_its_last_one(monitor: Any) -> None:
    """1,500 ft above, it may be out of the height by a report that is 1.8 s old, and is not by one 0.2 s later."""
    _Meeting(monitor, _every_other_report_of_the_other(), above_ft=1_500).fly(_aims, (9000.0, 5000.0))
    assert ("6.6", A_TEXT) in monitor.fails()


@pytest.mark.parametrize("aside_deg", [-12.0, 25.0])
@pytest.mark.parametrize("lost", [_every_other_report_of_the_other, lambda: lambda: False])
def test_who_looks_aside_now_and_then_attacks_nobody(
    monitor: Any, lost: Callable[[], Callable[[], bool]], aside_deg: float
) -> None:
    """Every eighth of its reports, whether or not the other's report before it was heard, is off the other."""
    meeting = _Meeting(monitor, lost(), above_ft=1_500)
    meeting.fly(lambda t, track, bearing: bearing + (aside_deg if t % 8 == 6 else 0.0), (9000.0, 5000.0))
    assert ("6.6", A_TEXT) not in monitor.fails()


@pytest.mark.parametrize("seed", range(40))
def test_who_flies_straight_attacks_nobody(monitor: Any, seed: int) -> None:
    """Whatever the others do, and its instruments: also straight at somebody."""
    random = Random(seed)
    place = random.uniform(5000, 14000), random.uniform(-9000, 9000)
    aim = random.choice([degrees(atan2(place[1], place[0])), random.uniform(-30, 30)])
    meeting = _Meeting(monitor, lambda: random.random() < 0.1, lambda: random.uniform(-1, 1))
    meeting.fly(lambda t, track, bearing: aim, place)
    assert ("6.6", A_TEXT) not in monitor.fails()


@pytest.mark.parametrize("seed", range(20))
def test_who_turns_past_another_attacks_nobody(monitor: Any, seed: int) -> None:
    """A steady turn at 3 deg a second, the nose passing over the other."""
    random = Random(seed)
    begin, rate = random.uniform(-60, 60), random.choice([-3.0, 3.0])
    place = random.uniform(5000, 14000), random.uniform(-9000, 9000)
    _Meeting(monitor).fly(lambda t, track, bearing: begin + rate * t, place)
    assert ("6.6", A_TEXT) not in monitor.fails()


@pytest.mark.parametrize("limits", [(10, 2000), (3, 500)])
def test_everybody_near_is_a_neighbour(limits: tuple[int, int]) -> None:
    """Against a comparison of all with all, across the edge of the map too."""
    random, level_m, height_m = Random(1), limits[0] * 1852, limits[1] * 0.3048
    cells = Cells(level_m, height_m, lambda a, b: a % 2 != b % 2)
    fixes: dict[int, Fix] = {}
    for _ in range(4000):
        who = random.randrange(60)
        if random.random() < 0.05:
            cells.drop(who)
            fixes.pop(who, None)
            continue
        east = 180 + random.uniform(-0.6, 0.6)
        place = random.choice([35.0, -0.1, 80.0]) + random.uniform(-0.3, 0.3), (east + 180) % 360 - 180
        fix = Fix(None, 0, 0, *place, random.uniform(5000, 7000), 0, 0, 0, 0, 0, 0, 0)  # type: ignore[arg-type]
        fixes[who] = fix
        near = cells.put(who, fix)
        for other, its in fixes.items():
            assert fix.altitude_m is not None
            assert its.altitude_m is not None
            close = hypot(*offset_m(fix, its)) <= level_m and abs(fix.altitude_m - its.altitude_m) <= height_m
            if close and who % 2 != other % 2:
                assert other in near
                assert who in cells.near[other]


@pytest.mark.parametrize("turn_deg", [-1.5, -0.6, 1.5])
def test_a_small_correction_is_no_attack(monitor: Any, turn_deg: float) -> None:
    """The other is 7 degrees off the nose from the start, on a constant bearing: nothing drifts."""
    off = radians(7.0)
    mine, its = [0.0, 0.0], [15_500 * cos(off), 15_500 * sin(off)]
    its_velocity = 250 - 450 * cos(off), -450 * sin(off)
    a, b = Sender(monitor, A), Sender(monitor, B)
    for t in range(25):
        turned = radians(turn_deg if t >= 8 else 0.0)
        velocity = 250 * cos(turned), 250 * sin(turned)
        for who, place, flown, at_s in ((a, mine, velocity, t + 0.1), (b, its, its_velocity, t + 0.12)):
            who.report(
                at_s,
                nic=10,
                nacv=3,
                latitude_deg=35 + place[0] / DEGREE_M,
                longitude_deg=36 + place[1] / (DEGREE_M * cos(radians(35))),
                velocity_north_mps=round(flown[0], 1),
                velocity_east_mps=round(flown[1], 1),
            )
            place[0], place[1] = place[0] + flown[0], place[1] + flown[1]
    monitor.close(30.0)
    assert ("6.6", A_TEXT) not in monitor.fails()
