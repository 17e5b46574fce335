"""Faults of frame: what becomes of frames that are already numbered, stamped and encoded."""

from collections.abc import Callable, Iterable, Mapping
from random import Random

from nodes.faults.base import Active, After, Around, often
from nodes.scenario import EventEntry, FaultEntry
from nodes.transmitter import Outgoing, Shift
from protocol import codec, wire
from protocol.messages import MessageType, Position, stamp
from protocol.units import NS_PER_MS, NS_PER_S

REPLAY_EVERY, REPLAY_AFTER_NS = 5, 2_000 * NS_PER_MS
MALFORMED_EVERY = 10
AHEAD_NS = 18 * NS_PER_S
"""GPS time, taken for UTC."""
LOUDER_DB, MOST_DBM = 20.0, 100.0
FORGED_SESSION, FORGED_AFTER_NS = 254, 300 * NS_PER_MS
"""No station of ours begins in the first: see `nodes.seat`."""


def shifter(fault: FaultEntry, start_ns: int, slot_ns: int, random: Random) -> Shift | None:
    """The fault of frame that an entry asks for: a POSITION goes out one to three slots after its own."""
    if fault.name != "slot_thief":
        return None
    active = Active.of(fault, start_ns)

    def shift(planned_ns: int, kind: MessageType) -> int:
        stolen = active.covers(planned_ns) and kind is MessageType.POSITION
        return planned_ns + slot_ns * random.randint(1, 3) if stolen else planned_ns

    return shift


def after(fault: FaultEntry, around: Around) -> After | None:
    """The fault of frame that an entry asks for; None if it is a fault of another kind."""
    active = Active.of(fault, around.start_ns)
    if fault.name in ("impersonation", "forgery") and fault.target is not None:
        return _Forger(active, around.addresses[fault.target], around)
    if fault.name == "replay":
        return _every(active, often(REPLAY_EVERY, fault), lambda out: [out, _later(out, around)])
    if fault.name == "malformed":
        return _every(active, often(MALFORMED_EVERY, fault), lambda out: [out._replace(data=_broken(out.data))])
    if fault.name == "bad_clock":
        ahead_ns = round(AHEAD_NS * fault.strength)
        return lambda out: [_ahead(out, ahead_ns)] if active.covers(out.start_ns) else [out]
    return None


class _Forger:
    """With each POSITION of its own it sends one in another's name, in a session and with numbers of its own."""

    def __init__(self, active: Active, victim: int, around: Around):
        self._active, self._victim, self._around = active, victim, around
        self._sequence = 0

    def __call__(self, out: Outgoing) -> list[Outgoing]:
        if not isinstance(out.frame.message, Position) or not self._active.covers(out.start_ns):
            return [out]
        slot, start_ns = _shared(out, self._around)
        frame = out.frame._replace(
            source=self._victim,
            session=FORGED_SESSION,
            sequence=self._sequence & 0xFFFF,
            intent=0,
            time_us=stamp(start_ns),
        )
        self._sequence += 1
        return [out, Outgoing(frame, codec.encode(frame), out.channel, start_ns, slot)]


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


def _later(out: Outgoing, around: Around) -> Outgoing:
    """The same frame once more: in a shared slot, if there are slots, where it meets nobody's reports."""
    slot, start_ns = _shared(out, around)
    return out._replace(start_ns=start_ns + REPLAY_AFTER_NS, slot=slot)


def _shared(out: Outgoing, around: Around) -> tuple[int | None, int]:
    """The next shared slot after a frame's own, and when it begins; without slots some time later."""
    if out.slot is None or not around.shared:
        return None, out.start_ns + FORGED_AFTER_NS
    ahead = min((n - out.slot) % around.slots or around.slots for n in around.shared)
    return (out.slot + ahead) % around.slots, out.start_ns + ahead * around.slot_ns


def _broken(data: bytes) -> bytes:
    """The same frame with a flag that nobody knows, and the right CRC."""
    body = bytearray(data[: -wire.CRC_BYTES])
    body[wire.header_slice("flags")] = bytes([wire.INCOMPATIBLE_FLAGS])
    return wire.with_crc(bytes(body))


def _ahead(out: Outgoing, ahead_ns: int) -> Outgoing:
    """The same frame by a clock that is ahead."""
    frame = out.frame._replace(time_us=stamp(out.start_ns + ahead_ns))
    return out._replace(frame=frame, data=codec.encode(frame))


def loud_events(faults: Iterable[FaultEntry], powers_dbm: Mapping[str, float]) -> list[EventEntry]:
    """The events that make stations louder than agreed, by their call signs."""
    events = []
    for fault in faults:
        if fault.name == "loud":
            own_dbm = powers_dbm[fault.station]
            louder_dbm = min(own_dbm + LOUDER_DB * fault.strength, MOST_DBM)
            events.append(EventEntry(at_s=fault.at_s, station=fault.station, power_dbm=louder_dbm))
            if fault.for_s is not None:
                events.append(EventEntry(at_s=fault.at_s + fault.for_s, station=fault.station, power_dbm=own_dbm))
    return events
