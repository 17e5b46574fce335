"""When two are truly close, against ways that can be worked out by hand and against looking very often."""

from math import hypot

import pytest
from hypothesis import given, settings, strategies as st

from nodes.closeness import away, close_spans, longest_s
from nodes.motion import Kinematics, Motion, Waypoints
from protocol.units import NS_PER_S

LEVEL_M, HEIGHT_M = 9260.0, 304.8
FAST = 250.0
DEGREE_M = 111_319.49
"""Of longitude, on the equator at sea level."""


class Straight:
    """East along the equator, at even speed; there from `from_s` to `to_s`."""

    def __init__(self, at_m: float, mps: float, up_ft: float = 0.0, from_s: float = 0, to_s: float = 1000):
        self.at_m, self.mps, self.up_ft, self.from_s, self.to_s = at_m, mps, up_ft, from_s, to_s

    def at(self, at_ns: int) -> Kinematics | None:
        t = at_ns / NS_PER_S
        if not self.from_s <= t <= self.to_s:
            return None
        longitude = (self.at_m + self.mps * t) / DEGREE_M
        return Kinematics(0.0, (longitude + 180) % 360 - 180, self.up_ft, 0.0, self.mps, 0.0, 90.0, True)


def spans_s(a: Motion, b: Motion, until_s: float = 200) -> list[tuple[float, float]]:
    spans = close_spans(a, b, 0, round(until_s * NS_PER_S), LEVEL_M, HEIGHT_M)
    return [(begin / NS_PER_S, end / NS_PER_S) for begin, end in spans]


@pytest.mark.parametrize("east", [0.0, 180 * DEGREE_M - 40_000], ids=["at 0", "over the 180th meridian"])
def test_head_on_they_are_close_from_one_edge_to_the_other(east: float) -> None:
    one, other = Straight(east, FAST), Straight(east + 40_000, -FAST)
    ((begin, end),) = spans_s(one, other)
    assert begin == pytest.approx((40_000 - LEVEL_M) / (2 * FAST), abs=1e-3)
    assert end == pytest.approx((40_000 + LEVEL_M) / (2 * FAST), abs=1e-3)


def test_far_enough_apart_in_height_they_are_never_close() -> None:
    assert spans_s(Straight(0, FAST), Straight(0, FAST, up_ft=1001)) == []
    assert spans_s(Straight(0, FAST), Straight(0, FAST, up_ft=999)) == [(0, 200)]


def test_who_is_not_there_is_not_close() -> None:
    assert spans_s(Straight(0, FAST), Straight(0, FAST, from_s=50.017, to_s=80.1)) == [(50.017, 80.1)]
    assert longest_s(close_spans(Straight(0, 0), Straight(0, 0, to_s=-1), 0, NS_PER_S, LEVEL_M, HEIGHT_M)) == 0


ways = st.lists(
    st.tuples(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1), st.floats(20_000, 22_000)), min_size=3, max_size=3
).map(lambda places: Waypoints(0, [(30.0 * i, *place) for i, place in enumerate(places)]))


@settings(max_examples=40, deadline=None)
@given(ways, ways)
def test_it_says_what_looking_very_often_says(a: Waypoints, b: Waypoints) -> None:
    step_ns = NS_PER_S // 50
    spans = close_spans(a, b, 0, 60 * NS_PER_S, LEVEL_M, HEIGHT_M)
    for at_ns in range(0, 60 * NS_PER_S, step_ns):
        there = away(a, b, at_ns)
        assert there is not None
        level, height = hypot(*there[:2]) - LEVEL_M, abs(there[2]) - HEIGHT_M
        inside = any(begin <= at_ns <= end for begin, end in spans)
        if max(level, height) < -2:
            assert inside
        if max(level, height) > 2:
            assert not inside
