"""When two aircraft are truly close, by their motions alone: neither what they say nor what a judge makes of it.

Motions are cut into short pieces that are flown as straight lines; within a piece the instants at which a pair comes
inside a distance are worked out exactly. At 2 g a piece of 0.25 s bends by 0.16 m.
"""

from math import inf, sqrt

from nodes.flight_events import Span
from nodes.motion import METRES_PER_FOOT, Motion, metres_per_degree
from protocol.units import NS_PER_S

PIECE_NS = NS_PER_S // 4
Away = tuple[float, float, float]
"""North, east and up, in metres."""


def close_spans(a: Motion, b: Motion, from_ns: int, until_ns: int, level_m: float, height_m: float) -> list[Span]:
    """The stretches in which both are there, nearer than `level_m` level and than `height_m` in height."""
    spans: list[Span] = []
    before, before_ns = away(a, b, from_ns), from_ns
    while before_ns < until_ns:
        at_ns = min(before_ns + PIECE_NS, until_ns)
        now = away(a, b, at_ns)
        begin, begin_ns, end, end_ns = before, before_ns, now, at_ns
        if begin is None and end is not None:
            begin_ns, begin = _edge(a, b, at_ns, before_ns)
        elif begin is not None and end is None:
            end_ns, end = _edge(a, b, before_ns, at_ns)
        if begin is not None and end is not None:
            first, last = _inside(begin, end, level_m, height_m)
            if first < last:
                length_ns = end_ns - begin_ns
                span = begin_ns + round(first * length_ns), begin_ns + round(last * length_ns)
                if spans and span[0] <= spans[-1][1]:
                    span = spans.pop()[0], span[1]
                spans.append(span)
        before, before_ns = now, at_ns
    return spans


def _edge(a: Motion, b: Motion, there_ns: int, gone_ns: int) -> tuple[int, Away | None]:
    """The last instant, from one at which both are there towards one at which they are not, at which they still are."""
    while abs(there_ns - gone_ns) > 1:
        middle_ns = (there_ns + gone_ns) // 2
        if away(a, b, middle_ns) is None:
            gone_ns = middle_ns
        else:
            there_ns = middle_ns
    return there_ns, away(a, b, there_ns)


def away(a: Motion, b: Motion, at_ns: int) -> Away | None:
    """Where `b` is as seen from `a`; None unless both are there."""
    x, y = a.at(at_ns), b.at(at_ns)
    if x is None or y is None:
        return None
    north_m, east_m = metres_per_degree((x.latitude_deg + y.latitude_deg) / 2, (x.altitude_ft + y.altitude_ft) / 2)
    east_deg = (y.longitude_deg - x.longitude_deg + 180) % 360 - 180
    up_m = (y.altitude_ft - x.altitude_ft) * METRES_PER_FOOT
    return (y.latitude_deg - x.latitude_deg) * north_m, east_deg * east_m, up_m


def longest_s(spans: list[Span]) -> float:
    """The longest of some stretches."""
    return max((until - begin for begin, until in spans), default=0) / NS_PER_S


def _inside(before: Away, now: Away, level_m: float, height_m: float) -> tuple[float, float]:
    """From which share of a piece to which a straight way is inside both distances; empty if the first is not less."""
    north, east, up = before
    to_north, to_east, to_up = now[0] - north, now[1] - east, now[2] - up
    level = _roots(to_north**2 + to_east**2, north * to_north + east * to_east, north**2 + east**2 - level_m**2)
    height = _roots(to_up**2, up * to_up, up**2 - height_m**2)
    return max(0.0, level[0], height[0]), min(1.0, level[1], height[1])


def _roots(square: float, half: float, constant: float) -> tuple[float, float]:
    """Between which two x `square`·x² + 2·`half`·x + `constant` is below zero; `square` is not negative."""
    if square < 1e-12:
        return (-inf, inf) if constant < 0 else (inf, -inf)
    under = half * half - square * constant
    if under <= 0:
        return inf, -inf
    return (-half - sqrt(under)) / square, (-half + sqrt(under)) / square
