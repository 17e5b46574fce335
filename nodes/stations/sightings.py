"""Unknown contacts: addresses that are heard and stand in no register."""

from collections.abc import Iterator, Set

from nodes.stations.effects import Send
from nodes.stations.ledger import Ledger
from nodes.stations.machine import Machine
from nodes.stations.procedures import UNKNOWN
from protocol.messages import Sensor, Sighting
from protocol.units import NS_PER_S

EVERY_NS = 20 * NS_PER_S
FORGOTTEN_NS = 30 * NS_PER_S
WITHIN_M = 500
AGE_MOST_S = 25.0
"""The message has no room for more."""


class Sightings:
    """Of one session. `known` are the addresses in the register."""

    def __init__(self, known: Set[int]):
        self._known = known
        self._contacts: dict[int, tuple[Machine, int]] = {}
        """For each unknown address: how it stands, and when it was last told."""

    def tick(self, now_ns: int, peers: Ledger, channel: int) -> Iterator[Send]:
        """What is to be told now."""
        for row, address in enumerate(peers.address.tolist()):
            if address in self._known or not peers.is_placed(row):
                continue
            heard_ns = int(peers.heard_ns[row])
            machine, told_ns = self._contacts.get(address, (Machine(UNKNOWN), 0))
            age_s = (now_ns - heard_ns) / NS_PER_S
            if now_ns - heard_ns > FORGOTTEN_NS:
                machine.on("no more heard")
            elif age_s <= AGE_MOST_S and (machine.state == "unseen" or now_ns - told_ns >= EVERY_NS):
                machine.on("heard" if machine.state == "unseen" else "time")
                told_ns = now_ns
                if sighting := _sighting(peers, row, address, len(self._contacts), age_s):
                    yield Send(sighting, channel)
            self._contacts[address] = machine, told_ns


def _sighting(peers: Ledger, row: int, address: int, contact: int, age_s: float) -> Sighting | None:
    place = complex(peers.place[row])
    if not abs(place.real) <= 90:
        return None  # it is on the ground, or does not know where it is
    north_mps, east_mps, _, altitude_ft = peers.said(row)
    return Sighting(
        subject=address,
        contact=contact & 0xFF,
        sensor=Sensor.OTHER,
        latitude_deg=place.real,
        longitude_deg=place.imag,
        within_m=WITHIN_M,
        age_s=round(age_s, 1),
        altitude_ft=altitude_ft,
        velocity_north_mps=north_mps,
        velocity_east_mps=east_mps,
    )
