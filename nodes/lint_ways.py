"""Where the stations of a plan are, sampled. Pure functions over arrays; no checks."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nodes.motion import Motion
from protocol.agreement import Area
from protocol.units import FT_M, seconds_ns
from radio.geodesy import ecef_m

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAST_STEP_S = 1.0
MOST_PLACES = 200_000
"""Of all stations together: a second of work. Long flights of many are sampled less often."""


class Way(NamedTuple):
    """One station at each sample, `times_s` after the start, a second apart or more. Where it is not there: NaN.

    `place_m` is earth-centred and n x 3, `level_m` the same at sea level.
    """

    times_s: Floats
    there: Bools
    airborne: Bools
    latitude_deg: Floats
    longitude_deg: Floats
    height_m: Floats
    place_m: Floats
    level_m: Floats

    @property
    def step_s(self) -> float:
        """How much time a sample stands for."""
        return float(self.times_s[1] - self.times_s[0]) if len(self.times_s) > 1 else LEAST_STEP_S

    def in_area(self, area: Area | None) -> Bools:
        """At which samples it is there and inside the area; no area is everywhere."""
        if area is None:
            return self.there
        across = (area.south_deg <= self.latitude_deg) & (self.latitude_deg <= area.north_deg)
        along = (area.west_deg <= self.longitude_deg) & (self.longitude_deg <= area.east_deg)
        return self.there & across & along


def sample_times(duration_s: float, stations: int) -> Floats:
    """Instants at which to look at so many stations, in seconds from the start."""
    step_s = max(LEAST_STEP_S, duration_s * max(stations, 1) / MOST_PLACES)
    return np.arange(int(duration_s / step_s) + 1, dtype=np.float64) * np.float64(step_s)


def way_of(motion: Motion, start_ns: int, times_s: Floats) -> Way:
    """A motion, sampled."""
    found = [motion.at(start_ns + seconds_ns(t)) for t in times_s.tolist()]
    rows = [(p.latitude_deg, p.longitude_deg, p.altitude_ft * FT_M) if p else (np.nan,) * 3 for p in found]
    latitude, longitude, height = np.array(rows, dtype=np.float64).T
    return Way(
        times_s=times_s,
        there=np.array([p is not None for p in found]),
        airborne=np.array([p is not None and p.airborne for p in found]),
        latitude_deg=latitude,
        longitude_deg=longitude,
        height_m=height,
        place_m=ecef_m(latitude, longitude, height),
        level_m=ecef_m(latitude, longitude, 0.0),
    )


def straight_m(a: Way, b: Way) -> Floats:
    """The straight line between two stations at each sample; NaN where one of them is not there."""
    return np.asarray(np.linalg.norm(a.place_m - b.place_m, axis=1))


def level_m(a: Way, b: Way) -> Floats:
    """The distance without the difference in height: a straight line at sea level, good to 0.1 % up to 500 km."""
    return np.asarray(np.linalg.norm(a.level_m - b.level_m, axis=1))


def seconds_of(samples: Bools, way: Way) -> float:
    """How much time so many samples stand for."""
    return float(np.count_nonzero(samples)) * way.step_s
