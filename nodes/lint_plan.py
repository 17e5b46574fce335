"""What the checks of `plan_lint` look at: an agreement's terms, and a scenario that is to fly under them. No checks."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path

import numpy as np

from nodes.flight import Flight
from nodes.lint_ways import Way, sample_times, way_of
from nodes.problems import Problem
from nodes.scenario import StationEntry
from nodes.seat import MAX_CLOCK_ERROR_US
from protocol.agreement import Agreement, Area, Channel
from protocol.messages import MAX_FRAME_BYTES
from protocol.units import LIGHT_MPS, NM_M
from radio.geodesy import ecef_m

RARE = 1e-3
"""How often chance may break a limit before it is worth a warning: once in a thousand gaps."""
DRAWN_CLOCK_MS = MAX_CLOCK_ERROR_US / 1000
"""How wrong the clock of a station can be whose `errors` are left out."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """An agreement and, if it is known, the area that it is to hold in; `file` is the agreement's."""

    agreement: Agreement
    file: str
    area: Area | None = None

    def warning(self, key: str, found: float | str, text: str) -> Problem:
        """A warning about a key of the agreement."""
        return _warning(self.file, key, found, text)

    @property
    def main(self) -> tuple[int, Channel]:
        """The channel that aircraft of ours talk on, and its place in the file: the first that has slots to own."""
        channels = list(enumerate(self.agreement.channel))
        return next(((i, c) for i, c in channels if c.access == "tdma"), channels[0])

    @property
    def range_m(self) -> tuple[float, str]:
        """The greatest distance from a sender to a hearer, and the key that bounds it."""
        heard_m = self.agreement.bounds.range_nm * NM_M
        across_m = area_diagonal_m(self.area) if self.area else heard_m
        return (across_m, "area") if across_m < heard_m else (heard_m, "bounds.range_nm")

    @property
    def delay_ms(self) -> float:
        """How long a frame takes over the greatest distance."""
        return self.range_m[0] / LIGHT_MPS * 1000

    @property
    def margin_ms(self) -> float | None:
        """How far outside its slot a frame may reach by 3.1; None if it is switched off."""
        slots = self.agreement.clause.c3_1
        return slots.margin_ms if slots else None

    def slack_ms(self, channel: Channel) -> float:
        """What a slot has left when the longest frame has reached everybody; negative if it is too short."""
        assert channel.slot_ms is not None
        return channel.slot_ms - airtime_ms(MAX_FRAME_BYTES, channel) - self.delay_ms


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A scenario and its terms; `file` is the scenario's."""

    terms: Terms
    flight: Flight
    file: str

    def warning(self, key: str, found: float | str, text: str) -> Problem:
        """A warning about a key of the scenario."""
        return _warning(self.file, key, found, text)

    @classmethod
    def of(cls, flight: Flight, path: Path) -> "Plan":
        """The plan of a flight whose scenario came from `path`."""
        area, file = flight.scenario.area, str(path.parent / flight.scenario.agreement)
        return cls(terms=Terms(agreement=flight.agreement, file=file, area=area), flight=flight, file=str(path))

    @cached_property
    def flying(self) -> tuple[StationEntry, ...]:
        """The stations that the agreement is about."""
        return tuple(s for s in self.flight.stations if s.flies)

    @cached_property
    def ways(self) -> dict[int, Way]:
        """Where the stations are, by address; without those that fly themselves and do not say where."""
        known = [s for s in self.flight.stations if s.address in self.flight.motions]
        times_s = sample_times(self.flight.scenario.duration_s, len(known))
        return {s.address: way_of(self.flight.motions[s.address], self.flight.start_ns, times_s) for s in known}

    def at_once(self) -> int:
        """How many stations fly at the same time at most; who does not say where it is counts all the time."""
        ways = [self.ways[s.address].there for s in self.flying if s.address in self.ways]
        unknown = len(self.flying) - len(ways)
        return unknown + (int(np.sum(ways, axis=0).max()) if ways else 0)

    def opposed(self) -> Iterator[tuple[StationEntry, StationEntry]]:
        """Pairs of stations of different parties whose ways are known, the party that calls first named first."""
        first = self.flight.agreement.party[0].name
        known = [s for s in self.flying if s.address in self.ways and s.party is not None]
        return product([s for s in known if s.party == first], [s for s in known if s.party != first])


def _warning(file: str, key: str, found: float | str, text: str) -> Problem:
    return Problem(file, key, found if isinstance(found, str) else f"{found:g}", text, "warning")


def airtime_ms(n_bytes: int, channel: Channel) -> float:
    """How long so many bytes take on a channel."""
    return n_bytes * 8000 / channel.bit_rate_bps


def area_diagonal_m(area: Area) -> float:
    """The longest straight line between two places of an area, at sea level, in metres."""
    nearest_equator = min(max(0.0, area.south_deg), area.north_deg)
    width_deg = min(area.east_deg - area.west_deg, 180.0)
    latitudes = np.array([area.south_deg, area.north_deg, nearest_equator])
    west, east = ecef_m(latitudes, 0.0, 0.0), ecef_m(latitudes, width_deg, 0.0)
    return float(np.linalg.norm(west[:, None, :] - east[None, :, :], axis=2).max())
