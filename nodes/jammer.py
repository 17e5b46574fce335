"""A jammer: a station that only disturbs. It says no more than when it puts power on which channels."""

from collections.abc import Sequence

from nodes.flight import Flight
from nodes.flight_events import jamming
from nodes.scenario import StationEntry
from protocol.units import NS_PER_MS
from radio.envelope import Jam
from radio.hub import WINDOW_NS

AHEAD_NS = 2 * WINDOW_NS
"""It hands over as early as places are told."""
LONGEST_NS = 2 * WINDOW_NS
"""What lasts longer is told in pieces: each uses the place at its own start, and is told when that is known."""


class Jammer:
    """What a jammer does, as long as its events let it. Instants are medium time: a jammer needs no clock."""

    def __init__(self, entry: StationEntry, flight: Flight, now_ns: int) -> None:
        assert entry.jam is not None
        self._channels = entry.jam.channels
        self._on = jamming(entry, flight)
        if entry.jam.on_ms is None or entry.jam.period_ms is None:
            self._pulse_ns, self._period_ns = LONGEST_NS, LONGEST_NS
        else:
            self._pulse_ns = round(entry.jam.on_ms * NS_PER_MS)
            self._period_ns = round(entry.jam.period_ms * NS_PER_MS)
        self._start_ns = flight.start_ns
        self._told_ns = now_ns
        """Everything before this has been said."""

    def start(self, now_ns: int) -> list[Jam]:
        """Its first words."""
        return self.wake(now_ns)

    def next_wake_ns(self) -> int | None:
        """When it must say more."""
        return self._told_ns - AHEAD_NS if any(until_ns > self._told_ns for _, until_ns in self._on) else None

    def wake(self, now_ns: int) -> list[Jam]:
        """What it does next; of what would begin within a window it can say nothing any more."""
        from_ns = max(self._told_ns, now_ns + WINDOW_NS)
        self._told_ns = max(self._told_ns, now_ns + AHEAD_NS) + LONGEST_NS
        return [
            Jam(begin_ns, channel, end_ns - begin_ns)
            for on_ns, off_ns in self._on
            for begin_ns, end_ns in self._pulses(max(on_ns, from_ns), min(off_ns, self._told_ns))
            for channel in self._channels
        ]

    def _pulses(self, from_ns: int, until_ns: int) -> Sequence[tuple[int, int]]:
        """Pulses within an interval; they keep time with the start of the flight."""
        first = (from_ns - self._start_ns) // self._period_ns
        last = (until_ns - self._start_ns) // self._period_ns
        pulses = []
        for number in range(first, last + 1):
            begin_ns = self._start_ns + number * self._period_ns
            pulse = max(begin_ns, from_ns), min(begin_ns + self._pulse_ns, until_ns)
            if pulse[0] < pulse[1]:
                pulses.append(pulse)
        return pulses
