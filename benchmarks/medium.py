"""The medium alone: what it settles in a second of processor time, into arrays and into Python callables.

python -m benchmarks.medium            everybody in range: 50, 100, 200 stations
python -m benchmarks.medium density    constant density: 250 to 2,000 stations, and the memory they take
"""

import resource
import sys
from collections.abc import Callable
from importlib import import_module
from random import Random
from time import process_time
from typing import NamedTuple

from radio.frames import CODE
from radio.geodesy import ecef_m
from radio.medium import Channel, Equipment, Medium, Outcome, Settled, Transmission

SECOND_NS = 1_000_000_000
DURATION_S = 60
FRAME = bytes(40)
CHANNEL = Channel(number=1, frequency_hz=1.09e9, bandwidth_hz=2e6, bit_rate_bps=1e6)


class Measured(NamedTuple):
    """One run: processor time, and what it gave."""

    spent_s: float
    frames: int
    outcomes: int
    received: int

    @property
    def received_a_second(self) -> float:
        return self.received / self.spent_s


class World(NamedTuple):
    """Stations by address, on a square of latitude and longitude; all fly."""

    places: list[tuple[float, float, float]]
    power_dbm: float


def in_range(stations: int) -> World:
    """A square of 20 NM, at 9 km: everybody hears everybody."""
    random = Random(1)
    return World([(random.uniform(35, 35.33), random.uniform(36, 36.4), 9000.0) for _ in range(stations)], 40.0)


def spread_out(stations: int, neighbours: int = 50) -> World:
    """A square so large that each has about so many stations within its radio horizon: 101 km, for all fly at 150 m."""
    random = Random(1)
    half_deg = 101 * (3.1416 * stations / neighbours) ** 0.5 / 2 / 111.2
    places = [
        (random.uniform(-half_deg, half_deg), random.uniform(36 - half_deg, 36 + half_deg), 150.0)
        for _ in range(stations)
    ]
    return World(places, 40.0)


def fly(world: World, take: Callable[[Settled], int]) -> Measured:
    """Each sends 40 bytes once a second at an instant of its own, and is placed once a second, as in a run."""
    random = Random(2)
    ways_m = [
        [ecef_m(latitude, longitude + 0.002 * second, height_m) for second in range(DURATION_S)]
        for latitude, longitude, height_m in world.places
    ]
    begin = process_time()
    medium = Medium([CHANNEL], seed=1)
    offsets_ns = [random.randrange(SECOND_NS) for _ in world.places]
    for address in range(len(world.places)):
        medium.join(Equipment(address=address, power_dbm=world.power_dbm), frozenset({1}), 0)
    frames = outcomes = received = 0
    for second in range(DURATION_S):
        at_ns = second * SECOND_NS
        for address, (_, _, height_m) in enumerate(world.places):
            medium.place(address, at_ns, ways_m[address][second], (0.0, 180.0, 0.0), height_m)
            sent = Transmission(address, 0, second, 1, at_ns + offsets_ns[address], FRAME)
            medium.transmit(sent)
        settled = medium.settle(at_ns + SECOND_NS)
        frames += len(settled)
        outcomes += len(settled.receiver)
        received += take(settled)
    return Measured(process_time() - begin, frames, outcomes, received)


def in_arrays(settled: Settled) -> int:
    """Only look at the array of outcomes."""
    return int((settled.outcome == CODE[Outcome.RECEIVED]).sum())


class Callables:
    """A Python callable for each station, called with each frame that it receives, its power and its arrival."""

    def __init__(self, stations: int) -> None:
        self.heard = [0] * stations
        self.callables = [self._callable(address) for address in range(stations)]

    def _callable(self, address: int) -> Callable[[Transmission, int, int], None]:
        def hear(sent: Transmission, power_tenths: int, arrival_ns: int) -> None:
            self.heard[address] += 1

        return hear

    def __call__(self, settled: Settled) -> int:
        got = settled.outcome == CODE[Outcome.RECEIVED]
        frames = settled.frame[got].tolist()
        sent, call = settled.transmissions, self.callables
        columns = (settled.receiver[got].tolist(), settled.power_tenths[got].tolist(), settled.arrival_ns[got].tolist())
        for frame, receiver, power_tenths, arrival_ns in zip(frames, *columns, strict=True):
            call[receiver](sent[frame], power_tenths, arrival_ns)
        return len(frames)


def main() -> None:
    """Print a line for each number of stations."""
    import_module("scipy.spatial")  # the medium does so at need, once: not to be counted
    if sys.argv[1:] == ["density"]:
        before = None
        for stations in (250, 500, 1000, 2000):
            one = fly(spread_out(stations), in_arrays)
            each_us = one.spent_s / one.frames * 1e6
            grown = "" if before is None else f", {each_us / before:.2f} times the one before"
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
            print(
                f"{stations:5} stations: {each_us:6.1f} us a transmission{grown}; "
                f"{one.outcomes / one.frames:.0f} in range, {one.received / one.outcomes:.1%} received, {memory} MiB"
            )
            before = each_us
        return
    for stations in (50, 100, 200):
        arrays, calls = fly(in_range(stations), in_arrays), fly(in_range(stations), Callables(stations))
        print(
            f"{stations:4} stations, received frames a CPU-second: {arrays.received_a_second:10,.0f} in arrays, "
            f"{calls.received_a_second:10,.0f} to callables; {arrays.spent_s / arrays.frames * 1e6:.1f} us a frame"
        )


if __name__ == "__main__":
    main()
