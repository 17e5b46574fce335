"""The bytes of the messages between a station and the hub: the wire format of `docs/link-protocol.md`.

Every message is one ZeroMQ message of one part: a byte with the version, a byte with the kind, then fields
in big-endian order. All instants are ns UTC of medium time.
"""

import struct
from collections.abc import Sequence
from typing import Any

from radio.link_messages import (
    KEY_BYTES,
    NO_KEY,
    Aired,
    Alive,
    Bye,
    Done,
    End,
    Fleet,
    FromHub,
    FromStation,
    Hello,
    Jam,
    Mark,
    Marks,
    OffAir,
    Place,
    Reception,
    Refused,
    Time,
    Transmit,
    Trouble,
    Tune,
    Welcome,
)

__all__ = [
    "CHANNELS",
    "FARTHEST_AHEAD_NS",
    "KEY_BYTES",
    "MAX_DATA_BYTES",
    "MAX_ENVELOPE_BYTES",
    "MAX_FROM_STATION_BYTES",
    "NO_KEY",
    "RECEPTION_HEAD",
    "VERSION",
    "Aired",
    "Alive",
    "BadEnvelope",
    "Bye",
    "Done",
    "End",
    "Fleet",
    "FromHub",
    "FromStation",
    "Hello",
    "Jam",
    "Mark",
    "Marks",
    "OffAir",
    "Place",
    "Reception",
    "Refused",
    "Time",
    "Transmit",
    "Trouble",
    "Tune",
    "Welcome",
    "due_ns_of",
    "pack",
    "pack_reception",
    "pack_time",
    "unpack_from_hub",
    "unpack_from_station",
]

VERSION = 1
MAX_DATA_BYTES = 255
"""The longest frame that a link carries."""
MAX_ENVELOPE_BYTES = 1 << 20
MAX_FROM_STATION_BYTES = 1 << 16
"""Far more than any message of a station has: what is longer is not even looked at, and cuts its sender off."""
CHANNELS = 64
"""Channels are numbered 0 to 63."""
FARTHEST_AHEAD_NS = 10_000_000_000
"""What a station says may speak of an instant so long ahead, at most."""


class BadEnvelope(ValueError):
    """These bytes are no message of the link; the text says why not."""


_HEAD = struct.Struct(">BB")
_HELLO = struct.Struct(f">BBIB{KEY_BYTES}s")
_TRANSMIT = struct.Struct(">BBqBHI")
_IN_SLOT = struct.Struct(">BBqBHIH")
_JAM = struct.Struct(">BBqBq")
_PLACE = struct.Struct(">BBq6d")
_INSTANT = struct.Struct(">BBq")
_TUNE = struct.Struct(">BBqQ")
_WELCOME = struct.Struct(">BBqqqII")
_TIME = struct.Struct(">BBqqH")
RECEPTION_HEAD = struct.Struct(">qqIBhB")
"""A reception but for its frame."""
_TROUBLE = struct.Struct(">BBqIqq")
_MARK = struct.Struct(">BBqq")
_MANY = struct.Struct(">BBH")
_MARK_OF = struct.Struct(">Iqq")
_AIRED = struct.Struct(">IHIqB")

_NOT_OVER = -1


def pack(message: FromStation | FromHub) -> bytes:
    """The bytes of a message. Raises BadEnvelope for values that do not fit their fields."""
    try:
        return _pack(message)
    except (struct.error, TypeError, ValueError) as error:
        raise BadEnvelope(f"{type(message).__name__} cannot be sent: {error}") from None


def _pack(message: FromStation | FromHub) -> bytes:
    match message:
        case Time():
            return pack_time(message.from_ns, message.until_ns, [pack_reception(*got) for got in message.receptions])
        case Done():
            return _INSTANT.pack(VERSION, ord("D"), message.until_ns)
        case Transmit():
            if not 0 < len(message.data) <= MAX_DATA_BYTES:
                raise ValueError(f"a frame has 1 to {MAX_DATA_BYTES} bytes, not {len(message.data)}")
            if not 0 <= message.channel < CHANNELS:
                raise ValueError(f"channels are 0 to {CHANNELS - 1}, not {message.channel}")
            if message.slot is not None:
                return _IN_SLOT.pack(VERSION, ord("S"), *message[:4], message.slot) + message.data
            return _TRANSMIT.pack(VERSION, ord("T"), *message[:4]) + message.data
        case Jam():
            _check_jam(message)
            return _JAM.pack(VERSION, ord("J"), *message)
        case Place():
            _check_place(message)
            return _PLACE.pack(VERSION, ord("P"), *message)
        case OffAir():
            return _INSTANT.pack(VERSION, ord("O"), message.at_ns)
        case Tune():
            return _TUNE.pack(VERSION, ord("C"), message.at_ns, _bitmap(message.channels))
        case Hello():
            if len(message.key) != KEY_BYTES:
                raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(message.key)}")
            return _HELLO.pack(VERSION, ord("H"), message.address, message.granted, message.key)
        case Mark():
            return _MARK.pack(VERSION, ord("M"), *message)
        case Marks(marks=marks):
            told = (_MARK_OF.pack(address, *mark) for address, mark in marks)
            return _MANY.pack(VERSION, ord("L"), len(marks)) + b"".join(told)
        case Fleet(frames=frames):
            aired = (_AIRED.pack(*frame[:4], len(frame.data)) + frame.data for frame in frames)
            return _MANY.pack(VERSION, ord("F"), len(frames)) + b"".join(aired)
        case Alive():
            return _HEAD.pack(VERSION, ord("A"))
        case Bye():
            return _HEAD.pack(VERSION, ord("B"))
        case Welcome():
            return _WELCOME.pack(VERSION, ord("W"), *message[:5]) + message.briefing.encode()
        case Refused():
            return _HEAD.pack(VERSION, ord("R")) + message.reason.encode()
        case Trouble():
            until = _NOT_OVER if message.until_ns is None else message.until_ns
            return _TROUBLE.pack(VERSION, ord("N"), *message[:3], until)
        case End():
            return _INSTANT.pack(VERSION, ord("E"), message.now_ns) + message.reason.encode()


def pack_time(from_ns: int, until_ns: int, receptions: Sequence[bytes]) -> bytes:
    """A Time message's bytes from those of its receptions."""
    return _TIME.pack(VERSION, ord("G"), from_ns, until_ns, len(receptions)) + b"".join(receptions)


def pack_reception(
    due_ns: int, arrival_ns: int, number: int, channel: int, power_tenths_dbm: int, data: bytes
) -> bytes:
    """A reception's bytes, as they stand in a Time message. Takes values and no object: the hub packs very many."""
    return RECEPTION_HEAD.pack(due_ns, arrival_ns, number, channel, power_tenths_dbm, len(data)) + data


def due_ns_of(reception: bytes) -> int:
    """When a packed reception is due."""
    return int.from_bytes(reception[:8], "big", signed=True)


def unpack_from_station(data: bytes) -> FromStation:
    """What a station says. Raises BadEnvelope, and nothing else, whatever the bytes."""
    kind = _kind(data)
    if kind == "D":
        return Done(_fields(_INSTANT, data, exact=True)[0])
    if kind in ("T", "S"):
        return _unpack_transmit(kind, data)
    if kind == "J":
        jam = Jam(*_fields(_JAM, data, exact=True))
        try:
            _check_jam(jam)
        except ValueError as error:
            raise BadEnvelope(str(error)) from None
        return jam
    if kind == "P":
        place = Place(*_fields(_PLACE, data, exact=True))
        try:
            _check_place(place)
        except ValueError as error:
            raise BadEnvelope(str(error)) from None
        return place
    if kind == "O":
        return OffAir(_fields(_INSTANT, data, exact=True)[0])
    if kind == "C":
        at_ns, bitmap = _fields(_TUNE, data, exact=True)
        return Tune(at_ns, frozenset(n for n in range(CHANNELS) if bitmap >> n & 1))
    if kind == "H":
        address, granted, key = _fields(_HELLO, data, exact=True)
        if granted > 1:
            raise BadEnvelope(f"HELLO asks for time mode {granted}, which is neither 0 nor 1")
        return Hello(address, bool(granted), key)
    if kind == "M":
        return Mark(*_fields(_MARK, data, exact=True))
    if kind == "A":
        _fields(_HEAD, data, exact=True)
        return Alive()
    if kind == "B":
        _fields(_HEAD, data, exact=True)
        return Bye()
    raise BadEnvelope(f"no station sends the kind {kind!r}")


def _unpack_transmit(kind: str, data: bytes) -> Transmit:
    layout = _TRANSMIT if kind == "T" else _IN_SLOT
    start_ns, channel, session, sequence, *slot = _fields(layout, data)
    frame = data[layout.size :]
    if not 0 < len(frame) <= MAX_DATA_BYTES or channel >= CHANNELS:
        raise BadEnvelope(f"TRANSMIT has {len(frame)} bytes of frame on channel {channel}")
    return Transmit(start_ns, channel, session, sequence, frame, *slot)


def unpack_from_hub(data: bytes) -> FromHub:
    """What the hub says. Raises BadEnvelope, and nothing else, whatever the bytes."""
    kind = _kind(data)
    if kind == "G":
        return _unpack_time(data)
    if kind == "W":
        start_ns, end_ns, now_ns, window_ns, life = _fields(_WELCOME, data)
        return Welcome(start_ns, end_ns, now_ns, window_ns, life, _text(data, _WELCOME.size))
    if kind == "R":
        return Refused(_text(data, _HEAD.size))
    if kind == "N":
        at_ns, address, from_ns, until_ns = _fields(_TROUBLE, data, exact=True)
        return Trouble(at_ns, address, from_ns, None if until_ns == _NOT_OVER else until_ns)
    if kind == "L":
        (count,) = _fields(_MANY, data)
        if len(data) != _MANY.size + count * _MARK_OF.size:
            raise BadEnvelope(f"MARKS has {len(data)} bytes, and names {count} stations")
        entries = _MARK_OF.iter_unpack(data[_MANY.size :])
        return Marks(tuple((address, Mark(*mark)) for address, *mark in entries))
    if kind == "F":
        return _unpack_fleet(data)
    if kind == "A":
        _fields(_HEAD, data, exact=True)
        return Alive()
    if kind == "E":
        return End(_fields(_INSTANT, data)[0], _text(data, _INSTANT.size))
    raise BadEnvelope(f"no hub sends the kind {kind!r}")


def _unpack_time(data: bytes) -> Time:
    from_ns, until_ns, count = _fields(_TIME, data)
    receptions, at = [], _TIME.size
    for _ in range(count):
        if len(data) < at + RECEPTION_HEAD.size:
            raise BadEnvelope("TIME ends within a reception")
        due_ns, arrival_ns, number, channel, power, length = RECEPTION_HEAD.unpack_from(data, at)
        at += RECEPTION_HEAD.size + length
        receptions.append(Reception(due_ns, arrival_ns, number, channel, power, data[at - length : at]))
    if at != len(data):
        raise BadEnvelope(f"TIME has {len(data)} bytes; its receptions make {at}")
    return Time(from_ns, until_ns, tuple(receptions))


def _unpack_fleet(data: bytes) -> Fleet:
    (count,) = _fields(_MANY, data)
    frames, at = [], _MANY.size
    for _ in range(count):
        if len(data) < at + _AIRED.size:
            raise BadEnvelope("FLEET ends within a frame")
        source, session, sequence, start_ns, length = _AIRED.unpack_from(data, at)
        at += _AIRED.size + length
        frames.append(Aired(source, session, sequence, start_ns, data[at - length : at]))
    if at != len(data):
        raise BadEnvelope(f"FLEET has {len(data)} bytes; its frames make {at}")
    return Fleet(tuple(frames))


def _kind(data: bytes) -> str:
    if len(data) < _HEAD.size:
        raise BadEnvelope(f"{len(data)} bytes are no message")
    if data[0] != VERSION:
        raise BadEnvelope(f"version {data[0]} is not {VERSION}")
    if len(data) > MAX_ENVELOPE_BYTES:
        raise BadEnvelope(f"{len(data)} bytes are more than {MAX_ENVELOPE_BYTES}")
    return chr(data[1])


def _fields(layout: struct.Struct, data: bytes, *, exact: bool = False) -> tuple[Any, ...]:
    """The fields after version and kind."""
    if len(data) < layout.size or (exact and len(data) != layout.size):
        raise BadEnvelope(f"a message of kind {chr(data[1])!r} has {layout.size} bytes, not {len(data)}")
    return layout.unpack_from(data)[2:]


def _text(data: bytes, at: int) -> str:
    try:
        return data[at:].decode()
    except UnicodeDecodeError as error:
        raise BadEnvelope(f"a text is not UTF-8: {error}") from None


def _bitmap(channels: frozenset[int]) -> int:
    if any(not 0 <= n < CHANNELS for n in channels):
        raise ValueError(f"channels are 0 to {CHANNELS - 1}, not {sorted(channels)}")
    return sum(1 << n for n in channels)


def _check_jam(jam: Jam) -> None:
    """Raises ValueError for power on no channel, or for no time, or for longer than may be told ahead."""
    if not 0 <= jam.channel < CHANNELS or not 0 < jam.duration_ns <= FARTHEST_AHEAD_NS:
        raise ValueError(f"JAM lasts {jam.duration_ns} ns on channel {jam.channel}")


def _check_place(place: Place) -> None:
    """Raises ValueError for a place that is none: not on the earth, or faster than light, or no number."""
    _, latitude, longitude, height, *velocity = place
    # a comparison with "not a number" is false, which refuses it too
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180 and -10_000 <= height <= 100_000):
        raise ValueError(f"PLACE {latitude}, {longitude}, {height} m is nowhere")
    if not all(-1e5 <= part <= 1e5 for part in velocity):
        raise ValueError(f"PLACE moves at {velocity} m/s")
