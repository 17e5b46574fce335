"""One of our stations as both drivers run it: its seat, its way through the air, and what happens to it in a window.

Stations do not touch each other inside a window: what they send is handed over a window ahead, and what they receive is
known when the window begins. So each can run its window alone, here in turn or each in a process of its own.
"""

import traceback
from collections.abc import Callable, Iterable
from functools import lru_cache
from heapq import heappop, heappush
from typing import TypeVar

from nodes.flight import Flight
from nodes.motion import Motion
from nodes.scenario import StationEntry
from nodes.seat import motion_of, seat_of
from nodes.stations.effects import Hearing
from nodes.transmitter import Outgoing
from protocol import codec
from protocol.errors import DecodeError
from protocol.messages import Frame, Message
from protocol.units import FT_M, NS_PER_S
from radio.envelope import OffAir, Place, Reception, Transmit
from radio.hub import WINDOW_NS

PLACE_EVERY_NS = NS_PER_S
"""How often the medium is told where a station is; in between it moves on in a straight line."""
PLACE_AHEAD_NS = 2 * WINDOW_NS
"""Places, too, are told before the window they fall in is settled."""

Told = Transmit | Place | OffAir
_T = TypeVar("_T")


class StationFault(Exception):
    """A station's own code raised. The text says whose, in which call, what, and where."""

    def __init__(self, address: int, about: str):
        super().__init__(about)
        self.address, self.about = address, about

    def __reduce__(self) -> tuple[type["StationFault"], tuple[int, str]]:
        return type(self), (self.address, self.about)


class Node:
    """One station of a flight, from `now_ns` on. `life` counts its restarts: each begins a session of its own.

    `take` what it receives in a window, then `run` it; both raise nothing but StationFault.
    """

    def __init__(self, entry: StationEntry, flight: Flight, seed: int, now_ns: int, life: int = 0):
        self.address, self.entry = entry.address, entry
        self.now_ns = now_ns
        self._motion: Motion = motion_of(entry, flight)
        self._heap: list[tuple[int, int, Callable[[int], None]]] = []
        self._pushed = 0
        self._wake_ns = 1 << 63
        self._there = False
        self._told: list[Told] = []
        self._seat = self._own("start", lambda: seat_of(entry, flight, seed, life, now_ns))
        self._place(now_ns)
        self._push(now_ns, self._start)
        self._push(now_ns, self._follow)

    def take(self, receptions: Iterable[Reception]) -> None:
        """What it will receive; nothing of it is due before now."""
        for reception in receptions:
            frame = _decoded(reception.data)
            if frame is not None:
                hearing = Hearing(frame, reception.channel, reception.arrival_ns, reception.power_tenths_dbm / 10)
                self._push(reception.due_ns, lambda now_ns, h=hearing: self._hear(now_ns, h))  # type: ignore[misc]

    def run(self, until_ns: int) -> list[Told]:
        """Everything that happens to it before an instant, in order; returns what the hub must be told."""
        heap = self._heap
        while heap and heap[0][0] < until_ns:
            at_ns, _, action = heappop(heap)
            self.now_ns = max(self.now_ns, at_ns)
            action(self.now_ns)
        self.now_ns = until_ns
        return self._take_told()

    def send(self, message: Message, channel: int, about_ns: int) -> list[Told]:
        """Let its transmitter send a message now: for tests that act."""
        self._hand_over(self._own("send", lambda: self._seat.send(self.now_ns, message, channel, about_ns)))
        return self._take_told()

    def _take_told(self) -> list[Told]:
        if not self._told:
            return []
        told, self._told = self._told, []
        return told

    def _start(self, now_ns: int) -> None:
        self._hand_over(self._own("start", lambda: self._seat.start(now_ns)))

    def _hear(self, now_ns: int, hearing: Hearing) -> None:
        self._hand_over(self._own("hear", lambda: self._seat.hear(now_ns, hearing)))

    def _wake(self, now_ns: int) -> None:
        self._wake_ns = 1 << 63
        self._hand_over(self._own("wake", lambda: self._seat.wake(now_ns)))

    def _hand_over(self, frames: list[Outgoing]) -> None:
        for out in frames:
            assert out.start_ns >= self.now_ns + WINDOW_NS, "handed over a window ahead, or the drivers differ"
            if self._there:
                frame = out.frame
                self._told.append(Transmit(out.start_ns, out.channel, frame.session, frame.sequence, out.data))
        wake_ns = self._seat.next_wake_ns()
        if wake_ns is not None and wake_ns < self._wake_ns:
            self._wake_ns = wake_ns
            self._push(wake_ns, self._wake)

    def _follow(self, now_ns: int) -> None:
        self._place(now_ns + PLACE_AHEAD_NS)
        # who is not there yet is looked for in every window: it is on the air before it can have sent anything
        self._push(now_ns + (PLACE_EVERY_NS if self._there else WINDOW_NS), self._follow)

    def _place(self, at_ns: int) -> None:
        """Say where it will be at an instant, and whether it is there at all."""
        here = self._motion.at(at_ns)
        if here is not None:
            height_m = here.altitude_ft * FT_M
            velocity = (here.velocity_north_mps, here.velocity_east_mps, here.velocity_up_mps)
            self._told.append(Place(at_ns, here.latitude_deg, here.longitude_deg, height_m, *velocity))
        elif self._there:
            self._told.append(OffAir(at_ns))
        self._there = here is not None

    def _push(self, at_ns: int, action: Callable[[int], None]) -> None:
        self._pushed += 1
        heappush(self._heap, (at_ns, self._pushed, action))

    def _own(self, call: str, doing: Callable[[], _T]) -> _T:
        try:
            return doing()
        except (Exception, SystemExit) as error:  # one station's `sys.exit` is not the end of a run
            where = traceback.extract_tb(error.__traceback__)[-1]
            about = (
                f"station {self.entry.call_sign} failed in {call}: {type(error).__name__}: {error} "
                f"({where.filename}, line {where.lineno})"
            )
            raise StationFault(self.address, about) from error


@lru_cache(maxsize=256)
def _decoded(data: bytes) -> Frame | None:
    """The frame, or None for bytes that mean nothing to a receiver. Many hear the same frame: it is decoded once."""
    try:
        return codec.decode(data)
    except DecodeError:
        return None
