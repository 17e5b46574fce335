"""One transmitter per station: finds a slot, numbers, stamps and encodes messages into frames. Sans-I/O.

Frames are handed over exactly `lead_ns` before they go on the air, in the order in which they go, so sequence numbers
are in the order of transmission. Times are the station's own clock's.
"""

from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from random import Random
from typing import NamedTuple

from nodes.stations.effects import Send
from protocol import codec
from protocol.agreement import Channel
from protocol.messages import (
    MAX_FRAME_BYTES,
    TYPE_OF,
    Ack,
    Emcon,
    Frame,
    FrequencyChange,
    Hail,
    Ident,
    Intent,
    LostLink,
    MessageType,
    Position,
    Watch,
    stamp,
)
from protocol.units import NS_PER_MS, NS_PER_S
from radio.slots import SlotPlan, airtime_ns

PRIORITY = (MessageType.POSITION, MessageType.IDENT, MessageType.INTENT, MessageType.WATCH)
"""Periodic messages, in the order in which they go into reserved slots; calls that wait for one go after POSITION.
A newer message of a type replaces one that still waits."""
CALL_WINDOW_NS = NS_PER_S
"""A call takes a shared slot at random within this time; without slots, it starts at random within it."""
SPREAD_NS = 200 * NS_PER_MS
"""Where nobody has slots of their own, a frame starts at random within this time: who collides once in a period would
else collide for ever."""

_AGE = Position._fields.index("age_s")
"""There, and behind it the counts, by place: `_replace` looks up each of all fields by name, for every report."""

Shift = Callable[[int, MessageType], int]
"""A fault's way with slots: from the start that the rules give to the one that is used."""


class Outgoing(NamedTuple):
    """A frame handed over: it goes on the air at `start_ns`, by the station's clock; `slot` is what it is meant for."""

    frame: Frame
    data: bytes
    channel: int
    start_ns: int
    slot: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How a station may use a channel: its own slots and the shared ones, or no slots at all (`plan` None).

    `open`: the shared slots are for everything, not for calls alone. A frame takes `airtime_ns` at most.
    """

    channel: int
    plan: SlotPlan | None
    airtime_ns: int
    own: tuple[int, ...] = ()
    open: bool = False


def access_to(channel: Channel, own: tuple[int, ...]) -> Access:
    """A station's access to an agreed channel."""
    longest_ns = airtime_ns(MAX_FRAME_BYTES, channel.bit_rate_bps)
    if channel.slot_ms is None or channel.slots is None:
        return Access(channel=channel.number, plan=None, airtime_ns=longest_ns)
    everybodys = channel.access == "slotted_aloha"
    shared = tuple(range(channel.slots)) if everybodys else channel.shared_slots
    plan = SlotPlan(slot_ns=round(channel.slot_ms * NS_PER_MS), slots_per_period=channel.slots, shared=shared)
    return Access(channel=channel.number, plan=plan, airtime_ns=longest_ns, own=own, open=everybodys)


class Transmitter:
    """Queues of one station, and the account of what it sent. `time_quality` is what its clock is good for (0 to 3)."""

    def __init__(
        self,
        address: int,
        session: int,
        access: dict[int, Access],
        random: Random,
        *,
        lead_ns: int,
        time_quality: int = 3,
        shift: Shift = lambda start_ns, kind: start_ns,
    ):
        self.address, self.session = address, session
        self._access, self._random, self._lead_ns = access, random, lead_ns
        self._time_quality, self._shift = time_quality, shift
        self._periodic: dict[int, dict[MessageType, Send]] = {}
        self._reserved: dict[int, int] = {}
        """The next own slot that will be used, by channel."""
        self._calls: list[tuple[int, Send]] = []
        self._waiting: dict[int, list[Send]] = {}
        """Calls that wait for an own slot, by channel, first come first served."""
        self._used_ns = 0
        self._reset()

    def _reset(self) -> None:
        self._sequence = 0
        self._idents = self._hails = self._acks = self._emcon = 0
        self._serial, self._valid_until_ns = 0, 0

    def new_session(self) -> None:
        """Begin again: what waits is dropped, numbers and counts start at 0."""
        self.session = (self.session + 1) % 255
        self._periodic.clear()
        self._reserved.clear()
        self._calls.clear()
        self._waiting.clear()
        self._reset()

    def submit(self, now_ns: int, send: Send) -> None:
        """Take a message; it goes out in the next slot that its type may use."""
        kind = TYPE_OF[type(send.message)]
        access = self._access[send.channel]
        earliest = max(now_ns + self._lead_ns, self._used_ns + 1)
        if access.plan is None:
            self._call(self._free_time(access, earliest, SPREAD_NS if kind in PRIORITY else CALL_WINDOW_NS), send)
        elif access.own and not send.shared:
            if kind in PRIORITY:
                self._periodic.setdefault(send.channel, {})[kind] = send
            else:
                self._waiting.setdefault(send.channel, []).append(send)
            if send.channel not in self._reserved:
                self._reserved[send.channel] = access.plan.slot_start(earliest, access.own)
        elif access.open:
            self._call(self._shared_slot(access.plan, earliest, SPREAD_NS), send)
        elif kind not in PRIORITY:
            self._call(self._shared_slot(access.plan, earliest, CALL_WINDOW_NS), send)

    def _call(self, start_ns: int, send: Send) -> None:
        """Of those that start at one instant, the one that came first goes first."""
        insort(self._calls, (start_ns, send), key=itemgetter(0))

    def _free_time(self, access: Access, earliest_ns: int, within_ns: int) -> int:
        """A start at random, but not during another frame of its own."""
        start_ns = max(earliest_ns, self._used_ns + access.airtime_ns) + self._random.randrange(within_ns)
        for taken_ns, _ in self._calls:  # in order of their starts
            if taken_ns - access.airtime_ns < start_ns < taken_ns + access.airtime_ns:
                start_ns = taken_ns + access.airtime_ns
        return start_ns

    def _shared_slot(self, plan: SlotPlan, earliest_ns: int, within_ns: int) -> int:
        """One at random of those that begin within a time and are not taken; of none, the first one after."""
        taken = {start for start, _ in self._calls}
        until_ns = earliest_ns + within_ns
        periods = range(earliest_ns - earliest_ns % plan.period_ns, until_ns, plan.period_ns)
        into_period = [number * plan.slot_ns for number in plan.shared]  # rising, and so are the starts
        starts = [
            at
            for begin in periods
            for into in into_period
            if earliest_ns <= (at := begin + into) < until_ns and at not in taken
        ]
        if not starts:
            at = plan.slot_start(until_ns, plan.shared)
            while at in taken:
                at = plan.slot_start(at + 1, plan.shared)
            starts.append(at)
        return self._random.choice(starts)

    def next_wake_ns(self) -> int | None:
        """When `wake` has something to hand over."""
        start_ns = self._calls[0][0] if self._calls else None
        for reserved_ns in self._reserved.values():
            if start_ns is None or reserved_ns < start_ns:
                start_ns = reserved_ns
        return None if start_ns is None else start_ns - self._lead_ns

    def wake(self, now_ns: int) -> Sequence[Outgoing]:
        """The frames that must be handed over by now, in the order in which they go on the air."""
        next_ns = self.next_wake_ns()
        if next_ns is None or next_ns > now_ns:
            return ()
        due: list[tuple[int, Send]] = []
        limit = now_ns + self._lead_ns
        while self._calls and self._calls[0][0] <= limit:
            start, send = self._calls.pop(0)
            due.append((start, send))
        for channel, start in sorted(self._reserved.items()):
            if start <= limit:
                due.append((start, self._next_reserved(channel, start)))
        due.sort(key=itemgetter(0))  # of those that start at one instant, the one that came first goes first
        return [self._frame(start, send) for start, send in due]

    def _next_reserved(self, channel: int, start_ns: int) -> Send:
        periodic, waiting = self._periodic.get(channel, {}), self._waiting.get(channel, [])
        if waiting and MessageType.POSITION not in periodic:
            send = waiting.pop(0)
        else:
            send = periodic.pop(next(kind for kind in PRIORITY if kind in periodic))
        plan, own = self._access[channel].plan, self._access[channel].own
        assert plan is not None
        if periodic or waiting:
            self._reserved[channel] = plan.slot_start(start_ns + 1, own)
        else:
            del self._reserved[channel]
        return send

    def _frame(self, start_ns: int, send: Send) -> Outgoing:
        message, kind = send.message, TYPE_OF[type(send.message)]
        plan = self._access[send.channel].plan
        slot = None if plan is None else plan.slot_of(start_ns)
        start_ns = self._shift(start_ns, kind)
        self._used_ns = max(self._used_ns, start_ns)
        if isinstance(message, Position):
            age_s = round((start_ns - send.about_ns) / NS_PER_S, 2)
            counts = age_s if age_s <= 2.54 else None, self._idents, self._hails, self._acks, self._emcon
            message = Position._make((*message[:_AGE], *counts, *message[_AGE + len(counts) :]))
        elif isinstance(message, Watch):
            message = message._replace(hails=self._hails, acks=self._acks)
        elif isinstance(message, Intent):
            message = message._replace(validity_s=max((send.about_ns - start_ns) // NS_PER_S, 0))
            self._serial, self._valid_until_ns = message.serial, send.about_ns
        elif isinstance(message, FrequencyChange):
            message = message._replace(effective_s=max(round((send.about_ns - start_ns) / NS_PER_S, 1), 0.0))
        elif isinstance(message, LostLink):
            message = message._replace(since_s=max((start_ns - send.about_ns) // NS_PER_S, 0))
        elif isinstance(message, Ident):
            self._idents = (self._idents + 1) & 0xFF
        elif isinstance(message, Hail):
            self._hails = (self._hails + 1) & 0xFF
        elif isinstance(message, Emcon):
            message = message._replace(from_s=max(-((start_ns - send.about_ns) // NS_PER_S), 0))
            self._emcon = message.serial
        elif isinstance(message, Ack):
            self._acks = (self._acks + 1) & 0xFF
        frame = Frame(
            source=self.address,
            session=self.session,
            sequence=self._sequence,
            channel=send.channel,
            intent=self._serial if self._valid_until_ns - NS_PER_S > start_ns else 0,
            time_quality=self._time_quality,
            time_us=stamp(start_ns),
            message=message,
        )
        self._sequence = (self._sequence + 1) & 0xFFFF
        return Outgoing(frame, codec.encode(frame), send.channel, start_ns, slot)
