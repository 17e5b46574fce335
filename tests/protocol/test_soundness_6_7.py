"""Ways in which a judge could accuse somebody innocent under 6.7. Each was tried; none may work."""

from collections.abc import Callable
from math import atan2, cos, degrees, hypot, radians, sin
from random import Random
from typing import Any

import pytest

from protocol.messages import LinkPoint, LostLink, Procedure
from protocol.verdicts import Outcome, Verdict
from tests.protocol.traffic import Sender

DRONE, DRONE_TEXT = 0x100003, "100003"
POINT = LinkPoint(35.0, 36.0, None, 2000)
LOST_S = 10
"""When the link is lost."""


class _Drone:
    """It flies north at 80 m/s, loses its link at 10 s, says so every 10 s from 20 s on, and acts 5 s after that."""

    def __init__(self, monitor: Any, lost: Callable[[], bool] = lambda: False, number: int = 0):
        self.monitor, self.lost = monitor, lost
        self.sender = Sender(monitor, DRONE, number=number)

    def fly(
        self,
        procedure: Procedure = Procedure.RETURN,
        *,
        turns: bool = True,
        said_s: int = 20,
        until_s: int = 150,
        restored_s: int = 1000,
        from_m: float = 9000.0,
    ) -> None:
        north, east, track = from_m, 0.0, 0.0
        for t in range(until_s):
            if turns and t >= said_s + 5 and t < restored_s:
                home = _home(north, east)
                track += max(min((home - track + 180) % 360 - 180, 3.0), -3.0)
            north, east = north + 80 * cos(radians(track)), east + 80 * sin(radians(track))
            place = {"latitude_deg": 35 + north / 110_940, "longitude_deg": 36 + east / 91_290}
            speed = {"velocity_north_mps": 80 * cos(radians(track)), "velocity_east_mps": 80 * sin(radians(track))}
            self.sender.report(t + 0.1, lost=self.lost(), **place | speed)
            if t == restored_s:
                self.sender.send(t + 0.5, LostLink(Procedure.LINK_RESTORED, 0, 0), lost=self.lost())
            elif said_s <= t < restored_s and (t - said_s) % 10 == 0:
                act_s = max(said_s + 5 - t, 0)
                self.sender.send(t + 0.5, LostLink(procedure, t - LOST_S, act_s, POINT), lost=self.lost())
        self.monitor.close(until_s + 1.0)

    def accused(self) -> bool:
        return ("6.7", DRONE_TEXT) in self.monitor.fails()


def _home(north: float, east: float) -> float:
    """The track to the point; around it, within 1.5 km."""
    away = hypot(north, east)
    straight = _degrees(-north, -east)
    return straight if away > 1500 else straight + 90


def _degrees(north: float, east: float) -> float:
    return degrees(atan2(east, north))


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.2, 0.5])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("procedure", [Procedure.RETURN, Procedure.HOLD, Procedure.ORBIT])
def test_who_says_so_and_returns_is_never_accused(monitor: Any, procedure: Procedure, seed: int, loss: float) -> None:
    random = Random(f"{seed} {loss}")
    drone = _Drone(monitor, lambda: random.random() < loss)
    drone.fly(procedure)
    assert not drone.accused()
    tally = monitor.judge.tallies["6.7", DRONE_TEXT]
    assert (tally.decided or 0.0) >= (0.9 if loss < 0.5 else 0.8)
    assert loss or tally.verdict is Verdict.PASS


@pytest.mark.parametrize("loss", [0.0, 0.02, 0.05])
def test_who_flies_on_under_its_procedure_is_found(monitor: Any, loss: float) -> None:
    random = Random(3)
    drone = _Drone(monitor, lambda: random.random() < loss)
    drone.fly(turns=False)
    assert drone.accused()


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.2, 0.5])
@pytest.mark.parametrize("seed", range(6))
def test_who_has_its_link_again_flies_where_it_likes(monitor: Any, seed: int, loss: float) -> None:
    """The frame that says so may not be heard."""
    random = Random(seed)
    drone = _Drone(monitor, lambda: random.random() < loss)
    drone.fly(turns=False, restored_s=26)
    assert not drone.accused()


@pytest.mark.parametrize("begin", [0, 5000])
def test_a_late_word_is_proved_by_every_number_since(monitor: Any, begin: int) -> None:
    drone = _Drone(monitor, number=begin)
    drone.fly(said_s=60)
    assert monitor.outcomes("6.7", DRONE_TEXT)[0] is Outcome.FAIL


def test_one_number_that_was_not_heard_may_have_been_the_word(monitor: Any) -> None:
    sent = iter(range(1000))
    drone = _Drone(monitor, lambda: next(sent) == 30)
    drone.fly(said_s=60)
    assert monitor.outcomes("6.7", DRONE_TEXT)[0] is Outcome.INCONCLUSIVE
    assert not drone.accused()


def test_a_word_in_time_may_have_been_before_the_recording(monitor: Any) -> None:
    """It lost its link 20 s before it was first heard."""
    drone = _Drone(monitor)
    drone.sender.send(0.05, LostLink(Procedure.CONTINUE, 40, 0))
    monitor.close(10.0)
    assert not drone.accused()


def test_a_session_begun_anew_is_not_held_to_what_the_one_before_said(monitor: Any) -> None:
    drone = _Drone(monitor)
    drone.fly(until_s=40)
    again = Sender(monitor, DRONE, session=2)
    for t in range(60):
        again.report(41 + t + 0.1, latitude_deg=35.1 + t * 0.001, velocity_north_mps=111.0)
    monitor.close(120.0)
    assert not drone.accused()


def test_trouble_of_the_emulator_keeps_a_word_back(monitor: Any) -> None:
    monitor.judge.host_trouble(DRONE, monitor.judge.world.from_ns, None)
    drone = _Drone(monitor)
    drone.fly(said_s=60)
    assert not drone.accused()
