"""Flights that are steered: smooth, and where and how fast they say."""

from itertools import pairwise
from math import cos, hypot, radians

import pytest

from nodes.guided import Guided
from nodes.motion import Kinematics, Waypoints
from nodes.stations.effects import Steer
from protocol.units import NS_PER_S

PATH = [(0.0, 35.0, 36.0, 20_000.0), (300.0, 35.0, 36.6, 20_000.0)]
NM_M = 1852.0


def steered(**detour: float) -> Guided:
    motion = Guided(Waypoints(0, PATH))
    motion.steer(Steer(50 * NS_PER_S, 60 * NS_PER_S, **detour))
    return motion


def at(motion: Guided, seconds: float) -> Kinematics:
    here = motion.at(round(seconds * NS_PER_S))
    assert here is not None
    return here


def test_it_flies_its_own_path_until_the_detour_and_beside_it_afterwards() -> None:
    own, motion = Guided(Waypoints(0, PATH)), steered(north_m=5 * NM_M, up_ft=1_500.0)
    assert at(motion, 50) == at(own, 50)
    assert (own.version, motion.version) == (0, 1)
    after, plain = at(motion, 110), at(own, 110)
    assert (after.latitude_deg - plain.latitude_deg) * 60 == pytest.approx(5, rel=0.01)
    assert after.altitude_ft - plain.altitude_ft == pytest.approx(1_500)
    assert after.heading_deg == pytest.approx(plain.heading_deg)


def test_its_velocity_is_that_of_its_place_all_the_time() -> None:
    motion = steered(north_m=-4 * NM_M, east_m=2 * NM_M, up_ft=-900.0)
    for a, b in pairwise(at(motion, 45 + i / 10) for i in range(800)):
        north = (b.latitude_deg - a.latitude_deg) * 110_950 * 10
        east = (b.longitude_deg - a.longitude_deg) * 111_600 * cos(radians(35)) * 10
        off = hypot(
            north - (a.velocity_north_mps + b.velocity_north_mps) / 2,
            east - (a.velocity_east_mps + b.velocity_east_mps) / 2,
        )
        assert off < 2.0
        assert hypot(b.velocity_north_mps - a.velocity_north_mps, b.velocity_east_mps - a.velocity_east_mps) < 2.0
