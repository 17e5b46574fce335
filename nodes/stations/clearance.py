"""Keeping clear: who will come too close if both fly on, and what is done about it. The station's own geometry."""

from math import atan2, cos, degrees, hypot, radians, sin
from typing import NamedTuple

from nodes.motion import Kinematics
from nodes.stations.effects import Steer
from nodes.stations.ledger import Ledger
from nodes.stations.machine import Machine
from nodes.stations.procedures import KEEPING_CLEAR
from protocol.agreement import Agreement
from protocol.units import FT_M, NM_M, NS_PER_S, seconds_ns

METRES_A_DEGREE = 111_195
SLACK = 1.3
"""Distances a little above the limits count as well: the other's instruments may differ."""
NOTICE_NS = 4 * NS_PER_S
"""A manoeuvre begins so much later than 5.2 asks for: its INTENT is seen to be due within a second, and waits for a
slot."""
ASIDE_NM, TAKES_S = 5.5, 100.0
"""It flies so far beside its path, reached in so long."""
MEETS_M, AHEAD_DEG = 500.0, 45.0
ASK_S = 110.0
"""Whoever stands on asks the other to keep clear when the loss is no further ahead: it should have acted by itself."""
ASK_AGAIN_NS = 70 * NS_PER_S
"""And again after this time: by then it is seen whether the other does what it promised, and nobody takes it for the
same call (6.4)."""


class Meeting(NamedTuple):
    """A peer that will be too close if both fly on: in `loss_s`; its bearing, clockwise from the nose; and how far to
    the right it will be when it is nearest."""

    loss_s: float
    bearing_deg: float
    passes_right_m: float

    @property
    def gives_way(self) -> bool:
        """Whether it is the one that has the other on its right (ICAO Annex 2, 3.2.2.3)."""
        return 0.0 < self.bearing_deg < 180.0

    @property
    def side(self) -> int:
        """To which side it is best turned: 1 right, -1 left. Away from where the other will pass; if they would meet,
        away from where it is now, or to the right if that is ahead (ICAO Annex 2, 3.2.2.2)."""
        if abs(self.passes_right_m) > MEETS_M:
            return -1 if self.passes_right_m > 0 else 1
        is_ahead = not AHEAD_DEG < self.bearing_deg < 360 - AHEAD_DEG
        return 1 if is_ahead or not self.gives_way else -1


class KeepingClear:
    """Of one session; None of it without 6.5."""

    def __init__(self, agreement: Agreement):
        terms = agreement.clause
        self.terms, apart = terms.c6_5, terms.c6_1
        self._notice_ns = seconds_ns(terms.c5_2.notice_s if terms.c5_2 else 0.0) + NOTICE_NS
        self._level_m = apart.safe_distance_nm * NM_M * SLACK if apart else 0.0
        self._height_m = apart.safe_altitude_ft * FT_M * SLACK if apart else 0.0
        self.look_s = self.terms.look_s if self.terms else 0.0
        self.peers: dict[int, Machine] = {}
        """How it stands with each."""
        self._asked_ns: dict[int, int] = {}
        """When each was last asked to keep clear."""
        self._turns_until_ns = 0

    def event(self, address: int, meeting: Meeting, now_ns: int) -> str | None:
        """What a meeting is in the procedure; None: nothing yet."""
        if meeting.gives_way:
            return "give way"
        if meeting.loss_s > ASK_S:
            return None
        if self.of(address).state != "standing on":
            return "stand on"
        return "time" if now_ns - self._asked_ns[address] >= ASK_AGAIN_NS else None

    def asked(self, address: int, now_ns: int) -> None:
        """It is asked to keep clear now."""
        self._asked_ns[address] = now_ns

    def of(self, address: int) -> Machine:
        if address not in self.peers:
            self.peers[address] = Machine(KEEPING_CLEAR)
        return self.peers[address]

    def meeting(self, here: Kinematics, peers: Ledger, row: int, now_ns: int) -> Meeting | None:
        """Whether a peer will be too close within the look-ahead, if both fly straight on, by what was heard of it."""
        place = complex(peers.place[row])
        north_mps, east_mps, up_mps, altitude_ft = peers.said(row)
        if north_mps is None or east_mps is None or altitude_ft is None:
            return None
        old_s = (now_ns - int(peers.heard_ns[row])) / NS_PER_S
        narrow = cos(radians(here.latitude_deg))
        north = (place.real - here.latitude_deg) * METRES_A_DEGREE + north_mps * old_s
        east = ((place.imag - here.longitude_deg + 180) % 360 - 180) * METRES_A_DEGREE * narrow + east_mps * old_s
        up = (altitude_ft - here.altitude_ft) * FT_M + (up_mps or 0.0) * old_s
        v = north_mps - here.velocity_north_mps, east_mps - here.velocity_east_mps
        level = _inside(north, east, *v, self._level_m)
        height = _inside(up, 0.0, (up_mps or 0.0) - here.velocity_up_mps, 0.0, self._height_m)
        loss_s = max(level[0], height[0], 0.0)
        if loss_s > min(level[1], height[1], self.look_s):
            return None
        bearing = degrees(atan2(east, north)) - here.heading_deg
        nearest_s, right = (
            max(-(north * v[0] + east * v[1]) / max(v[0] ** 2 + v[1] ** 2, 1e-9), 0.0),
            radians(here.heading_deg + 90),
        )
        passes_right_m = (north + v[0] * nearest_s) * cos(right) + (east + v[1] * nearest_s) * sin(right)
        return Meeting(loss_s, bearing % 360, passes_right_m)

    def turn(self, now_ns: int, here: Kinematics, side: int) -> Steer | None:
        """Aside, and it stays there; not while it still turns."""
        if now_ns < self._turns_until_ns:
            return None
        self._turns_until_ns = now_ns + self._notice_ns + seconds_ns(TAKES_S)
        right = radians(here.heading_deg + 90)
        aside_m = ASIDE_NM * NM_M * side
        return Steer(now_ns + self._notice_ns, seconds_ns(TAKES_S), aside_m * cos(right), aside_m * sin(right))


def _inside(x: float, y: float, vx: float, vy: float, limit: float) -> tuple[float, float]:
    """From when until when, in seconds from now, something that moves straight is nearer than a limit."""
    speed2 = vx * vx + vy * vy
    if speed2 < 1e-9:
        return (0.0, float("inf")) if hypot(x, y) < limit else (float("inf"), 0.0)
    nearest_s = -(x * vx + y * vy) / speed2
    nearest2 = (x + vx * nearest_s) ** 2 + (y + vy * nearest_s) ** 2
    if nearest2 >= limit * limit:
        return float("inf"), 0.0
    half_s = ((limit * limit - nearest2) / speed2) ** 0.5
    return nearest_s - half_s, nearest_s + half_s
