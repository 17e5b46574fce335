"""What an aircraft declares: said again as it is, and anew in time before it flies otherwise."""

from math import hypot

import pytest

from nodes.guided import Guided
from nodes.motion import Waypoints
from nodes.stations.effects import Steer
from nodes.stations.intents import VALID_NS, Intents
from protocol.messages import Intent, IntentKind
from protocol.units import NS_PER_S

STRAIGHT = [(0.0, 35.0, 36.0, 20_000.0), (600.0, 35.0, 37.5, 20_000.0)]
TURNING = [(0.0, 35.0, 36.0, 20_000.0), (200.0, 35.0, 36.5, 20_000.0), (600.0, 36.0, 36.5, 20_000.0)]
CLIMBING = [(0.0, 35.0, 36.0, 20_000.0), (600.0, 35.0, 37.5, 30_000.0)]


def said(motion: Guided, seconds: int, steer: tuple[int, Steer] | None = None) -> list[tuple[int, Intent]]:
    """Every INTENT of a flight, with the second at which it is sent."""
    intents, messages = Intents(motion.at, None), []
    for second in range(seconds):
        if steer is not None and second == steer[0]:
            motion.steer(steer[1])
        here = motion.at(second * NS_PER_S)
        assert here is not None
        messages += [(second, message) for message, _ in intents.due(second * NS_PER_S, here)]
    return messages


def test_a_declaration_is_said_again_as_it_is() -> None:
    first, again = (message for _, message in said(Guided(Waypoints(0, STRAIGHT)), 11))
    assert again.serial == first.serial == 1
    assert (first.kind, again.kind) == (IntentKind.TRANSIT, IntentKind.TRANSIT)
    assert again.validity_s == first.validity_s - 10
    assert first.first is not None
    assert again.first is not None
    assert again.first == first.first._replace(time_over_s=first.first.time_over_s - 10)
    assert again.track_deg == first.track_deg


def test_a_turn_is_declared_before_any_declaration_of_straight_flight_is_untrue() -> None:
    motion = Guided(Waypoints(0, TURNING))
    messages = said(motion, 260)
    begins = next(s for s in range(600) if abs(motion.at(s * NS_PER_S).heading_deg - 90) > 3)  # type: ignore[union-attr]
    declared = min(second for second, message in messages if message.kind is IntentKind.TURN)
    assert declared <= begins - 10
    for second, message in messages:
        if message.kind is IntentKind.TRANSIT and second < begins:
            assert second + message.validity_s <= begins + 1


def test_what_is_steered_is_declared_at_once() -> None:
    steer = 40, Steer(54 * NS_PER_S, 100 * NS_PER_S, north_m=-10_000.0)
    messages = said(Guided(Waypoints(0, STRAIGHT)), 60, steer)
    assert min(second for second, message in messages if message.kind is IntentKind.TURN) in (40, 41)


@pytest.mark.parametrize("path", [STRAIGHT, TURNING, CLIMBING])
def test_the_declared_path_is_flown(path: list[tuple[float, float, float, float]]) -> None:
    """No place at its time is further than 1 NM and 300 ft from the line between the points."""
    motion = Guided(Waypoints(0, path))
    for second, message in said(motion, 300):
        a, b = message.first, message.second
        if a is None or b is None:
            continue
        for part in range(11):
            over_s = a.time_over_s + (b.time_over_s - a.time_over_s) * part / 10
            here = motion.at(round((second + over_s) * NS_PER_S))
            assert here is not None
            north = a.latitude_deg + (b.latitude_deg - a.latitude_deg) * part / 10 - here.latitude_deg
            east = a.longitude_deg + (b.longitude_deg - a.longitude_deg) * part / 10 - here.longitude_deg
            assert hypot(north * 60, east * 49) < 1.0
            assert a.altitude_ft is not None
            assert b.altitude_ft is not None
            up_ft = a.altitude_ft + (b.altitude_ft - a.altitude_ft) * part / 10 - here.altitude_ft
            assert abs(up_ft) < 300


def test_a_climb_is_declared_with_where_it_ends() -> None:
    _, message = said(Guided(Waypoints(0, CLIMBING)), 1)[0]
    assert message.kind is IntentKind.CLIMB
    assert message.selected_altitude_ft == pytest.approx(20_000 + 10_000 * VALID_NS / (600 * NS_PER_S), abs=30)
