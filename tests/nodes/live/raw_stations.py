"""Stations that speak the link protocol by hand, in real time: what no honest handle would do can be done with them."""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence

import zmq

from nodes.flight import Flight
from protocol import codec
from protocol.messages import Frame, Position, stamp
from protocol.units import FT_M, NS_PER_MS, seconds_ns
from radio.envelope import (
    Alive,
    FromStation,
    Hello,
    Place,
    Time,
    Transmit,
    Welcome,
    pack,
    unpack_from_hub,
)
from radio.hub import WINDOW_NS
from radio.slots import SlotPlan


class Raw:
    """A DEALER that says what it is told to, in real time; it reads when it is asked to."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", endpoint: str, address: int, **options: int):
        self.address, self.welcomes, self.now_ns = address, 0, 0
        self.told_ns: set[int] = set()
        self._socket = context.socket(zmq.DEALER)
        for name, value in options.items():
            self._socket.setsockopt(getattr(zmq, name), value)
        self._socket.connect(endpoint)

    def say(self, *messages: FromStation) -> None:
        """Say something; a hub that takes nothing does not get it."""
        with contextlib.suppress(zmq.Again):
            for message in messages:
                self._socket.send(pack(message), zmq.DONTWAIT)

    def hear(self) -> None:
        """Take everything that has come."""
        with contextlib.suppress(zmq.Again):
            while True:
                said = unpack_from_hub(self._socket.recv(zmq.DONTWAIT))
                self.welcomes += isinstance(said, Welcome)
                if isinstance(said, Time):
                    self.told_ns.add(said.until_ns)
                    self.now_ns = max(self.now_ns, said.until_ns)

    def close(self) -> None:
        self._socket.close(linger=0)

    async def hello(self) -> None:
        """Ask to take part, or only ask: when the answer is there, what was said before has been dealt with."""
        before = self.welcomes
        self.say(Hello(self.address, granted=False))
        while self.welcomes == before:
            self.hear()
            await asyncio.sleep(0.005)


def reports(flight: Flight, address: int, seconds: Iterable[float], *, first: int = 0) -> list[FromStation]:
    """A place, and POSITIONs in the station's own slots, the next ones after these instants, numbered in order."""
    (channel, own), *_ = flight.annexes.slots[address].items()
    terms = next(c for c in flight.agreement.channel if c.number == channel)
    assert terms.slot_ms is not None
    assert terms.slots is not None
    slots = SlotPlan(slot_ns=round(terms.slot_ms * NS_PER_MS), slots_per_period=terms.slots)
    said: list[FromStation] = []
    for number, second in enumerate(seconds, first):
        start_ns = slots.slot_start(flight.start_ns + seconds_ns(second), own)
        here = flight.motions[address].at(start_ns)
        assert here is not None
        velocity = (here.velocity_north_mps, here.velocity_east_mps, here.velocity_up_mps)
        position = Position(
            here.latitude_deg, here.longitude_deg, round(here.altitude_ft), None, *velocity, nic=8, nacp=8, nacv=2
        )
        frame = Frame(address, 7, number, channel, 0, 3, stamp(start_ns), position._replace(age_s=0.0))
        if not said:
            place = (here.latitude_deg, here.longitude_deg, here.altitude_ft * FT_M)
            said.append(Place(flight.start_ns, *place, *velocity))
        said.append(Transmit(start_ns, channel, 7, number, codec.encode(frame)))
    return said


class Noise:
    """Stations that fill channel 9 together: no one may hand over much ahead."""

    FRAMES = 12
    """Of each in each window."""

    def __init__(self, raws: Sequence[Raw]):
        self._raws = raws
        self._from_ns = self._number = 0

    def __call__(self) -> None:
        for raw in self._raws:
            raw.say(Alive())
            raw.hear()
        now_ns = max(raw.now_ns for raw in self._raws)
        from_ns = now_ns - now_ns % WINDOW_NS + 4 * WINDOW_NS
        if not now_ns or from_ns <= self._from_ns:
            return
        self._from_ns = from_ns
        many = self.FRAMES * len(self._raws)
        for n in range(many):
            start_ns = from_ns + n * WINDOW_NS // many
            self._raws[n % len(self._raws)].say(Transmit(start_ns, 9, 0, self._number + n, bytes(255)))
        self._number += many
