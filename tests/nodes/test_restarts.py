"""A station that is started again in flight: its sessions go on, whatever it had begun before."""

from dataclasses import replace

import pytest

from nodes.flight import Flight, load
from nodes.node import Node
from nodes.seat import random_of
from nodes.shipped import scenario
from nodes.tracks import Track
from protocol.units import NS_PER_S
from radio.envelope import Transmit

SEED = 1


def with_gaps(address: int) -> tuple[Flight, int]:
    """The quiet scenario, in which a station is there in three pieces: 0 to 15, 20 to 35, 40 to 60 s."""
    flight = load(scenario("quiet"))
    own = flight.motions[address]
    start_ns = flight.start_ns

    class Piece:
        def __init__(self, from_s: int, to_s: int):
            self.start_ns, self.end_ns = start_ns + from_s * NS_PER_S, start_ns + to_s * NS_PER_S

        def at(self, at_ns: int) -> object:
            return own.at(at_ns) if self.start_ns <= at_ns <= self.end_ns else None

    pieces = tuple(Piece(*piece) for piece in ((0, 15), (20, 35), (40, 60)))
    track = Track(icao24="155001", call_sign="SOKOL 1", pieces=pieces, dropped=(), held_lines=())  # type: ignore[arg-type]
    return replace(flight, motions={**flight.motions, address: track}), start_ns


def sessions(flight: Flight, address: int, from_ns: int, until_ns: int, life: int) -> list[int]:
    """Those in which it sends, in order, counted from the first that its seed gives."""
    entry = next(s for s in flight.stations if s.address == address)
    node = Node(entry, flight, SEED, from_ns, life)
    found: dict[int, None] = {}
    first = _first(address)
    for told in node.run(until_ns):
        if isinstance(told, Transmit):
            found[(told.session - first) % 255] = None
    return list(found)


def _first(address: int) -> int:
    random = random_of(SEED, address)
    for _ in range(4):
        random.uniform(-1, 1)  # its errors
    return random.randrange(255)


@pytest.mark.parametrize("killed_s", [5, 14.9, 17, 21, 30, 38, 40.5, 50])
def test_no_session_is_used_twice_and_none_goes_back(killed_s: float) -> None:
    address = 0x155001
    flight, start_ns = with_gaps(address)
    killed_ns = start_ns + round(killed_s * NS_PER_S)
    before = sessions(flight, address, start_ns, killed_ns, 0)
    after = sessions(flight, address, killed_ns, flight.end_ns, 1)
    again = sessions(flight, address, start_ns + 55 * NS_PER_S, flight.end_ns, 2)
    used = before + after + again
    assert len(set(used)) == len(used)
    assert used == sorted(used)
    assert used[-1] < 128, "a judge takes what is further ahead for what is behind"
