"""One of our stations as both drivers run it: its seat, its way through the air, and what happens to it in a window.

Stations do not touch each other inside a window: what they send is handed over a window ahead, and what they receive is
known when the window begins. So each can run its window alone, here in turn or each in a process of its own.
"""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from heapq import heappop, heappush
from typing import TypeVar, TypeVarTuple

from nodes.backlog import Backlog, Meaning
from nodes.ears import Call, Ears
from nodes.faults.motions import jolt
from nodes.flight import Flight
from nodes.flight_events import on_air
from nodes.guided import Guided
from nodes.jammer import Jammer
from nodes.motion import Motion
from nodes.scenario import FaultEntry, StationEntry
from nodes.seat import Seat, motion_of, seat_of
from nodes.stations.ledger import Roster
from nodes.together import Look
from nodes.transmitter import Outgoing
from protocol.messages import Message
from protocol.units import FT_M, NS_PER_S, seconds_ns
from radio.delivery import Received
from radio.envelope import Jam, OffAir, Place, Transmit
from radio.hub import WINDOW_NS

PLACE_EVERY_NS = NS_PER_S
"""How often the medium is told where a station is; in between it moves on in a straight line."""
PLACE_AHEAD_NS = 2 * WINDOW_NS
"""Places, too, are told before the window they fall in is settled."""

Told = Transmit | Jam | Place | OffAir
_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


class StationFault(Exception):
    """A station's own code raised. The text says whose, in which call, what, and where."""

    def __init__(self, address: int, about: str):
        super().__init__(about)
        self.address, self.about = address, about

    def __reduce__(self) -> tuple[type["StationFault"], tuple[int, str]]:
        return type(self), (self.address, self.about)


class Node:
    """One station of a flight, from `now_ns` on. `life` counts its restarts: each begins a session of its own.

    `take` what it receives in a window, then `run` it; both raise nothing but StationFault. Several that receive the
    same share a `backlog`: whoever runs them puts deliveries in there once, and tells them of calls alone.
    """

    def __init__(
        self,
        entry: StationEntry,
        flight: Flight,
        seed: int,
        now_ns: int,
        life: int = 0,
        backlog: Backlog | None = None,
    ):
        self.address, self.entry = entry.address, entry
        self.now_ns = self.due_ns = now_ns
        """Where it is in time, and when something happens to it next: until then it need not run."""
        self._flight, self._seed, self._life = flight, seed, life
        self._motion: Motion = motion_of(entry, flight)
        self._on_air = on_air(entry, flight)
        self._backlog = backlog or Backlog(Roster(s.address for s in flight.stations))
        self._heap: list[tuple[int, int, Callable[[int], None]]] = []
        self._pushed = 0
        self._wakes: set[int] = set()
        self._there = False
        self._told: list[Told] = []
        self._seat: Seat | Jammer | None = None
        self._ears = Ears(self.address, None)
        self._place(now_ns)
        if self._is_on(now_ns):
            self._seat = self._own("start", self._sit_down, now_ns)
            self._push(now_ns, self._start)
        self._push(now_ns, self._follow)
        for fault in flight.scenario.fault:
            at_ns = flight.start_ns + seconds_ns(fault.at_s)
            if fault.name == "surprise_turn" and fault.station == entry.call_sign and at_ns >= now_ns:
                self._push(at_ns, partial(self._jolt, fault))
        for at_ns in sorted({t for span in self._on_air for t in span if t > now_ns}):
            self._push(max(at_ns - PLACE_AHEAD_NS, now_ns), lambda _, t=at_ns: self._place(t))  # type: ignore[misc]
            self._push(at_ns, self._switch)

    def _jolt(self, fault: FaultEntry, now_ns: int) -> None:
        here = self._motion.at(now_ns)
        if here is not None and isinstance(self._motion, Guided):
            self._motion.steer(jolt(fault, here, now_ns))

    def _is_on(self, at_ns: int) -> bool:
        for begin_ns, end_ns in self._on_air:  # noqa: SIM110 - a generator for each place would cost more than the rest
            if begin_ns <= at_ns < end_ns:
                return True
        return False

    def _sit_down(self, now_ns: int) -> Seat | Jammer:
        if self.entry.role == "jammer":
            return Jammer(self.entry, self._flight, now_ns)
        switched_on = sum(begin_ns <= now_ns for begin_ns, _ in self._on_air) - 1  # each time another session begins
        life = self._life + max(switched_on, 0)
        seat = seat_of(self.entry, self._flight, self._seed, self._backlog, self._motion, life, now_ns)
        self._ears = seat.ears
        return seat

    def _switch(self, now_ns: int) -> None:
        """It is switched off, or on again and begins anew."""
        self._seat, self._ears = None, Ears(self.address, None)
        if self._is_on(now_ns):
            self._seat = self._own("start", self._sit_down, now_ns)
            self._start(now_ns)

    def take(self, received: Received) -> None:
        """What it will receive in a window; nothing of it is due before now."""
        if len(received):
            delivery = replace(received.delivery, places={self.address: 0})  # as it came over a link: all of it is its
            self.called(received, self._backlog.take(delivery))

    def called(self, received: Received, meaning: Meaning) -> None:
        """The same, if the delivery is in the backlog already: the calls in it."""
        if isinstance(self._seat, Seat):
            self._ears.take(received, meaning)
            call_ns = self._ears.next_call_ns
            if call_ns is not None and call_ns < self.due_ns:
                self.due_ns = call_ns

    def look(self) -> Look | None:
        """Its next look at what it has received, if it can be worked out with others'."""
        return self._seat.look() if isinstance(self._seat, Seat) else None

    def run(self, until_ns: int) -> list[Told]:
        """Everything that happens to it before an instant, in order; returns what the hub must be told.

        Of what happens at one instant, it hears first.
        """
        heap, ears = self._heap, self._ears
        while True:
            own_ns, call_ns = heap[0][0], ears.next_call_ns
            if call_ns is not None and call_ns <= own_ns and call_ns < until_ns:
                self._hear(ears.call())
            elif own_ns < until_ns:
                at_ns, _, action = heappop(heap)
                self.now_ns = max(self.now_ns, at_ns)
                action(self.now_ns)
                ears = self._ears
            else:
                break
        self.now_ns = until_ns
        self.due_ns = own_ns if call_ns is None else min(own_ns, call_ns)
        return self._take_told()

    def send(self, message: Message, channel: int, about_ns: int) -> list[Told]:
        """Let its transmitter send a message now: for tests that act."""
        seat = self._seat
        assert isinstance(seat, Seat)
        self._hand_over(self._own("send", seat.send, self.now_ns, message, channel, about_ns))
        return self._take_told()

    def _take_told(self) -> list[Told]:
        if not self._told:
            return []
        told, self._told = self._told, []
        return told

    def _start(self, now_ns: int) -> None:
        if (seat := self._seat) is not None:
            self._hand_over(self._own("start", seat.start, now_ns))

    def _hear(self, call: Call) -> None:
        self.now_ns = now_ns = max(self.now_ns, call.due_ns)
        if isinstance(seat := self._seat, Seat):
            self._hand_over(self._own("hear", seat.hear, now_ns, call.hearing))

    def _wake(self, now_ns: int) -> None:
        self._wakes.difference_update([at_ns for at_ns in self._wakes if at_ns <= now_ns])
        if (seat := self._seat) is not None:
            self._hand_over(self._own("wake", seat.wake, now_ns))

    def _hand_over(self, put: Sequence[Outgoing | Jam]) -> None:
        assert self._seat is not None
        for out in put:
            assert out.start_ns >= self.now_ns + WINDOW_NS, "handed over a window ahead, or the drivers differ"
            if not self._there:
                continue
            if isinstance(out, Jam):
                self._told.append(out)
            else:
                name = out.frame.session, out.frame.sequence
                self._told.append(Transmit(out.start_ns, out.channel, *name, out.data, out.slot))
        wake_ns = self._seat.next_wake_ns()
        if wake_ns is not None and wake_ns not in self._wakes:
            self._wakes.add(wake_ns)
            self._push(wake_ns, self._wake)

    def _follow(self, now_ns: int) -> None:
        self._place(now_ns + PLACE_AHEAD_NS)
        if self._ears.far_behind and isinstance(seat := self._seat, Seat):
            self._own("hear", seat.catch_up, now_ns)
        # who is not there yet is looked for in every window: it is on the air before it can have sent anything
        self._push(now_ns + (PLACE_EVERY_NS if self._there else WINDOW_NS), self._follow)

    def _place(self, at_ns: int) -> None:
        """Say where it will be at an instant, and whether it is there at all."""
        here = self._motion.at(at_ns) if self._is_on(at_ns) else None
        if here is not None:
            height_m = here.altitude_ft * FT_M
            velocity = (here.velocity_north_mps, here.velocity_east_mps, here.velocity_up_mps)
            self._told.append(Place(at_ns, here.latitude_deg, here.longitude_deg, height_m, *velocity))
        elif self._there:
            self._told.append(OffAir(at_ns))
        self._there = here is not None

    def _push(self, at_ns: int, action: Callable[[int], None]) -> None:
        self._pushed += 1
        if at_ns < self.due_ns:
            self.due_ns = at_ns
        heappush(self._heap, (at_ns, self._pushed, action))

    def _own(self, call: str, doing: Callable[[*_Ts], _T], *given: *_Ts) -> _T:
        try:
            return doing(*given)
        except (Exception, SystemExit) as error:  # one station's `sys.exit` is not the end of a run
            where = traceback.extract_tb(error.__traceback__)[-1]
            about = (
                f"station {self.entry.call_sign} failed in {call}: {type(error).__name__}: {error} "
                f"({where.filename}, line {where.lineno})"
            )
            raise StationFault(self.address, about) from error
