"""A motion that can be changed in flight: its own path, and the detours that were steered since."""

from nodes.motion import METRES_PER_FOOT, Kinematics, Motion, heading_deg, metres_per_degree, wrapped
from nodes.stations.effects import Steer
from protocol.units import NS_PER_S


class Guided:
    """Its own path with detours beside it, each begun and ended smoothly: not even its acceleration steps."""

    def __init__(self, own: Motion):
        self._own = own
        self._detours: list[Steer] = []
        self.version = 0
        """How often it was steered: what was asked of its future before is no longer true."""

    def steer(self, detour: Steer) -> None:
        """From `detour.begin_ns` on, in medium time, it flies beside what its path would have been."""
        self._detours.append(detour)
        self.version += 1

    def at(self, at_ns: int) -> Kinematics | None:
        here = self._own.at(at_ns)
        if here is None or not self._detours:
            return here
        for detour in self._detours:
            here = _beside(here, detour, at_ns)
        return here


def smooth(x: float) -> tuple[float, float]:
    """From 0 to 1 while x goes from 0 to 1, and the slope: both its ends are without slope and curvature."""
    x = min(max(x, 0.0), 1.0)
    return x**3 * (10 - 15 * x + 6 * x * x), 30 * x * x * (1 - x) ** 2


def _beside(here: Kinematics, detour: Steer, at_ns: int) -> Kinematics:
    takes_s = detour.takes_ns / NS_PER_S
    part, slope = smooth((at_ns - detour.begin_ns) / detour.takes_ns)
    if not part:
        return here
    north_m, east_m = metres_per_degree(here.latitude_deg, here.altitude_ft)
    north_mps = here.velocity_north_mps + slope * detour.north_m / takes_s
    east_mps = here.velocity_east_mps + slope * detour.east_m / takes_s
    return Kinematics(
        here.latitude_deg + part * detour.north_m / north_m,
        wrapped(here.longitude_deg + part * detour.east_m / east_m),
        here.altitude_ft + part * detour.up_ft,
        north_mps,
        east_mps,
        here.velocity_up_mps + slope * detour.up_ft * METRES_PER_FOOT / takes_s,
        heading_deg(north_mps, east_mps),
        here.airborne,
    )
