"""Stations that break one clause on purpose, named as in the table of clauses. Each trips its own and no other.

Faults of message stand between a station and its transmitter, so that they leave no hole in the numbering; faults of
frame stand behind it: `slot_thief` moves a frame that is already planned, `replay` sends one again. `too_close` is a
way of flying; `loud` is an event of the medium; `stranger` is a station that is missing in the register.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import hypot
from random import Random

from nodes.motion import Kinematics, Motion, metres_per_degree
from nodes.scenario import EventEntry, FaultEntry
from nodes.stations.effects import Send
from nodes.transmitter import Outgoing, Shift
from protocol import codec, wire
from protocol.messages import TYPE_OF, Ack, Hail, Ident, Intent, Message, MessageType, Phrase, Position, Watch, stamp
from protocol.units import NS_PER_MS, NS_PER_S, seconds_ns

Edit = Callable[[int, Send], list[Send]]
"""What passes to the transmitter instead of a message that the station sends at an instant."""

After = Callable[[Outgoing], list[Outgoing]]
"""What goes out instead of a frame that is handed over."""

DROPS: dict[str, type[Message]] = {"anonymous": Ident, "no_intent": Intent, "no_contact": Hail, "ignores_hail": Ack}
TELEPORT_EVERY = 10
TELEPORT_DEG = 0.3
STRAY_EVERY = 4
BABBLE = 8
"""So many calls on guard with each POSITION: some 6 % of the channel at 31.5 kb/s."""
REPLAY_EVERY, REPLAY_AFTER_NS = 5, 2_100 * NS_PER_MS
VAGUE_NACP = 5
MALFORMED_EVERY = 10
AHEAD_NS = 18 * NS_PER_S
"""GPS time, taken for UTC."""
LOUDER_DB = 20.0
SPOOFED_DEG = 12.0
"""So much further east `spoofed_position` says that it is: too far for the delay of its frames, and for any power."""
APPROACH_S, APPROACH_MPS = 45.0, 600.0
"""`too_close` takes at least so long, and never gains more than so much on its target: an aircraft could fly it."""
BESIDE_DEG = 0.012
"""`too_close` ends about 0.7 NM north of its target, at its height."""


@dataclass(frozen=True, slots=True)
class Active:
    """When a fault is on, in ns of medium time."""

    from_ns: int
    until_ns: int

    @classmethod
    def of(cls, fault: FaultEntry, start_ns: int) -> "Active":
        begin = start_ns + seconds_ns(fault.at_s)
        return cls(begin, begin + seconds_ns(fault.for_s) if fault.for_s is not None else 1 << 63)

    def covers(self, at_ns: int) -> bool:
        return self.from_ns <= at_ns < self.until_ns


@dataclass(frozen=True, slots=True)
class Around:
    """What a fault must know of the flight: an unagreed channel, the guard channels, a monitor's address."""

    start_ns: int
    unagreed: int | None
    guards: tuple[int, ...]
    monitor: int


def editor(fault: FaultEntry, around: Around) -> Edit | None:
    """The fault of message that an entry asks for; None if it is a fault of another kind."""
    active = Active.of(fault, around.start_ns)
    if fault.name in DROPS:
        return _drop(active, DROPS[fault.name])
    if fault.name == "silent":
        return _Silence(active)
    if fault.name == "teleport":
        return _Every(active, TELEPORT_EVERY, _teleported)
    if fault.name in CHANGES:
        return _changed(active, CHANGES[fault.name], around)
    if fault.name == "babbler":
        return _babble(active, around)
    channel = around.unagreed if fault.name == "wrong_channel" else next(iter(around.guards), None)
    if fault.name in ("wrong_channel", "guard_chatter") and channel is not None:
        stray = channel
        return _Every(active, STRAY_EVERY, lambda send: Send(send.message, stray, send.about_ns))
    return None


def _stale(message: Message, around: Around) -> Message:
    return message._replace(agreement=message.agreement ^ 0xFFFFFFFF) if isinstance(message, Ident) else message


def _deaf(message: Message, around: Around) -> Message:
    if isinstance(message, Ident | Watch):
        return message._replace(guarded=message.guarded - frozenset(around.guards))
    return message


def _vague(message: Message, around: Around) -> Message:
    return message._replace(nacp=VAGUE_NACP) if isinstance(message, Position) else message


def _spoofed(message: Message, around: Around) -> Message:
    if not isinstance(message, Position) or message.longitude_deg is None:
        return message
    return message._replace(longitude_deg=(message.longitude_deg + SPOOFED_DEG + 180) % 360 - 180)


CHANGES: dict[str, Callable[[Message, Around], Message]] = {
    "stale_agreement": _stale,
    "deaf_on_guard": _deaf,
    "vague": _vague,
    "spoofed_position": _spoofed,
}
"""Faults that say another thing."""


def _changed(active: Active, change: Callable[[Message, Around], Message], around: Around) -> Edit:
    def edit(now_ns: int, send: Send) -> list[Send]:
        return [replace(send, message=change(send.message, around))] if active.covers(now_ns) else [send]

    return edit


def _babble(active: Active, around: Around) -> Edit:
    """Calls the monitor, which answers nobody, again and again."""

    def edit(now_ns: int, send: Send) -> list[Send]:
        if not active.covers(now_ns) or not isinstance(send.message, Position):
            return [send]
        calls = [
            Send(Hail(around.monitor, Phrase.CONTACT, call_id, 10, guard), guard)
            for guard in around.guards[:1]
            for call_id in range(BABBLE)
        ]
        return [send, *calls]

    return edit


def _drop(active: Active, kind: type[Message]) -> Edit:
    def edit(now_ns: int, send: Send) -> list[Send]:
        return [] if active.covers(now_ns) and isinstance(send.message, kind) else [send]

    return edit


class _Silence:
    """Reports nothing, though it calls and answers; the latest IDENT and INTENT wait, and go out with the first message
    afterwards."""

    def __init__(self, active: Active):
        self._active = active
        self._held: dict[MessageType, Send] = {}

    def __call__(self, now_ns: int, send: Send) -> list[Send]:
        kind = TYPE_OF[type(send.message)]
        if not isinstance(send.message, Position | Watch | Ident | Intent):
            return [send]
        if self._active.covers(now_ns):
            if isinstance(send.message, Ident | Intent):
                self._held[kind] = send
            return []
        held, self._held = self._held, {}
        held.pop(kind, None)
        return [send, *held.values()]


class _Every:
    """Changes every n-th POSITION."""

    def __init__(self, active: Active, every: int, change: Callable[[Send], Send]):
        self._active, self._every, self._change = active, every, change
        self._seen = 0

    def __call__(self, now_ns: int, send: Send) -> list[Send]:
        if not self._active.covers(now_ns) or not isinstance(send.message, Position):
            return [send]
        self._seen += 1
        return [self._change(send) if self._seen % self._every == 0 else send]


def _teleported(send: Send) -> Send:
    assert isinstance(send.message, Position)
    latitude = send.message.latitude_deg or 0.0
    step = TELEPORT_DEG if latitude < 0 else -TELEPORT_DEG
    return Send(send.message._replace(latitude_deg=latitude + step), send.channel, send.about_ns)


def shifter(fault: FaultEntry, start_ns: int, slot_ns: int, random: Random) -> Shift | None:
    """The fault of frame that an entry asks for: a POSITION goes out one to three slots after its own."""
    if fault.name != "slot_thief":
        return None
    active = Active.of(fault, start_ns)

    def shift(planned_ns: int, kind: MessageType) -> int:
        stolen = active.covers(planned_ns) and kind is MessageType.POSITION
        return planned_ns + slot_ns * random.randint(1, 3) if stolen else planned_ns

    return shift


def after(fault: FaultEntry, start_ns: int) -> After | None:
    """The fault of frame that an entry asks for; None if it is a fault of another kind."""
    active = Active.of(fault, start_ns)
    if fault.name == "replay":
        return _every(active, REPLAY_EVERY, lambda out: [out, out._replace(start_ns=out.start_ns + REPLAY_AFTER_NS)])
    if fault.name == "malformed":
        return _every(active, MALFORMED_EVERY, lambda out: [out._replace(data=_broken(out.data))])
    if fault.name == "bad_clock":
        return lambda out: [_ahead(out)] if active.covers(out.start_ns) else [out]
    return None


def _every(active: Active, every: int, change: Callable[[Outgoing], list[Outgoing]]) -> After:
    """Changes every n-th POSITION that goes out."""
    sent = 0

    def after(out: Outgoing) -> list[Outgoing]:
        nonlocal sent
        if not isinstance(out.frame.message, Position) or not active.covers(out.start_ns):
            return [out]
        sent += 1
        return [out] if sent % every else change(out)

    return after


def _broken(data: bytes) -> bytes:
    """The same frame with a flag that nobody knows, and the right CRC."""
    body = bytearray(data[: -wire.CRC_BYTES])
    body[wire.header_slice("flags")] = bytes([wire.INCOMPATIBLE_FLAGS])
    return wire.with_crc(bytes(body))


def _ahead(out: Outgoing) -> Outgoing:
    """The same frame by a clock that is ahead."""
    frame = out.frame._replace(time_us=stamp(out.start_ns + AHEAD_NS))
    return out._replace(frame=frame, data=codec.encode(frame))


def loud_events(faults: Iterable[FaultEntry], powers_dbm: Mapping[str, float]) -> list[EventEntry]:
    """The events that make stations louder than agreed, by their call signs."""
    events = []
    for fault in faults:
        if fault.name == "loud":
            own_dbm = powers_dbm[fault.station]
            events.append(EventEntry(at_s=fault.at_s, station=fault.station, power_dbm=own_dbm + LOUDER_DB))
            if fault.for_s is not None:
                events.append(EventEntry(at_s=fault.at_s + fault.for_s, station=fault.station, power_dbm=own_dbm))
    return events


class Approach:
    """A motion that leaves its own path for its target's, in a smooth curve, and stays beside it."""

    def __init__(self, own: Motion, target: Motion, active: Active):
        self._own, self._target, self._active = own, target, active
        self._takes_s = max(APPROACH_S, 1.875 * self._apart_m() / APPROACH_MPS)

    def _apart_m(self) -> float:
        own, target = self._own.at(self._active.from_ns), self._target.at(self._active.from_ns)
        if own is None or target is None:
            return 0.0
        north_m, east_m = metres_per_degree(own.latitude_deg, own.altitude_ft)
        north = (target.latitude_deg - own.latitude_deg) * north_m
        return hypot(north, (target.longitude_deg - own.longitude_deg) * east_m)

    def at(self, at_ns: int) -> Kinematics | None:
        own, target = self._own.at(at_ns), self._target.at(at_ns)
        if own is None or target is None:
            return own
        x = min(max((at_ns - self._active.from_ns) / NS_PER_S / self._takes_s, 0.0), 1.0)
        part, rate = x**3 * (10 - 15 * x + 6 * x * x), 30 * x * x * (1 - x) ** 2 / self._takes_s
        beside = target.latitude_deg + BESIDE_DEG
        north_m, east_m = metres_per_degree(own.latitude_deg, own.altitude_ft)
        away = (
            beside - own.latitude_deg,
            target.longitude_deg - own.longitude_deg,
            target.altitude_ft - own.altitude_ft,
        )

        def blend(mine: float, theirs: float, gap: float) -> float:
            return mine + part * (theirs - mine) + rate * gap

        return own._replace(
            latitude_deg=own.latitude_deg + part * away[0],
            longitude_deg=own.longitude_deg + part * away[1],
            altitude_ft=own.altitude_ft + part * away[2],
            velocity_north_mps=blend(own.velocity_north_mps, target.velocity_north_mps, away[0] * north_m),
            velocity_east_mps=blend(own.velocity_east_mps, target.velocity_east_mps, away[1] * east_m),
            velocity_up_mps=blend(own.velocity_up_mps, target.velocity_up_mps, away[2] * 0.3048),
        )
