"""Whether one truly flew at another as 6.6 forbids, by their motions alone."""

from math import atan2, cos, degrees, hypot, radians, sin

from nodes.closeness import PIECE_NS, Away, away
from nodes.motion import Kinematics, Motion
from protocol.terms import AttackTerms
from protocol.units import FT_M, KT_MPS, NM_M, NS_PER_S, seconds_ns

EARLIER_NS = NS_PER_S
"""A judge sees it with the reports, which come so much later at most."""


def aimed(own: Motion, other: Motion, until_ns: int, terms: AttackTerms) -> bool:
    """Whether for the agreed time or longer, until an instant, it held its nose on the other, near and closing, by
    turning: the turn may have been at the beginning of it."""
    return any(
        _aimed_until(own, other, end_ns, terms) for end_ns in range(until_ns - 2 * EARLIER_NS, until_ns + 1, PIECE_NS)
    )


def _aimed_until(own: Motion, other: Motion, end_ns: int, terms: AttackTerms) -> bool:
    begin_ns, enough_ns = end_ns, end_ns - seconds_ns(terms.for_s)
    while _aims(own, other, begin_ns, terms):
        if begin_ns <= enough_ns and _by_turning(own, other, begin_ns, end_ns, terms):
            return True
        begin_ns -= PIECE_NS
    return False


def _aims(own: Motion, other: Motion, at_ns: int, terms: AttackTerms) -> bool:
    here, there, line = own.at(at_ns), other.at(at_ns), away(own, other, at_ns)
    if here is None or there is None or line is None:
        return False
    north, east, up = line
    level_m = hypot(north, east)
    closing_mps = (
        (here.velocity_north_mps - there.velocity_north_mps) * north
        + (here.velocity_east_mps - there.velocity_east_mps) * east
    ) / max(level_m, 1.0)
    near = level_m < terms.within_nm * NM_M and abs(up) < terms.within_ft * FT_M
    return near and closing_mps > terms.closing_kt * KT_MPS and _off_deg(here.heading_deg, line) < terms.nose_deg


def _by_turning(own: Motion, other: Motion, begin_ns: int, end_ns: int, terms: AttackTerms) -> bool:
    """Whether it turned towards where the other would have drifted off to."""
    begin, end = own.at(begin_ns), own.at(end_ns)
    first, line = away(own, other, begin_ns), away(own, other, end_ns)
    if begin is None or end is None or first is None or line is None:
        return False
    north, east = _carried_on(begin, own, begin_ns, end_ns)
    drifted = _turn_deg(degrees(atan2(first[1], first[0])), (line[0] - north, line[1] - east, line[2]))
    turned = (end.heading_deg - begin.heading_deg + 180) % 360 - 180
    return drifted * turned > 0 and min(abs(drifted), abs(turned)) > terms.drift_deg


def _carried_on(begin: Kinematics, own: Motion, begin_ns: int, end_ns: int) -> tuple[float, float]:
    """Where it would be, had it flown straight on, as seen from where it is."""
    flown = away(_At(own, begin_ns), _At(own, end_ns), 0)
    assert flown is not None
    seconds = (end_ns - begin_ns) / NS_PER_S
    speed_mps, track = hypot(begin.velocity_north_mps, begin.velocity_east_mps), radians(begin.heading_deg)
    return speed_mps * cos(track) * seconds - flown[0], speed_mps * sin(track) * seconds - flown[1]


class _At:
    """A motion that stays where it was at an instant."""

    def __init__(self, motion: Motion, at_ns: int):
        self._there = motion.at(at_ns)

    def at(self, at_ns: int) -> Kinematics | None:
        return self._there


def _off_deg(track_deg: float, line: Away) -> float:
    return abs(_turn_deg(track_deg, line))


def _turn_deg(track_deg: float, line: Away) -> float:
    return (degrees(atan2(line[1], line[0])) - track_deg + 180) % 360 - 180
