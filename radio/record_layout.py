"""The records of a recording: their values and their bytes. Which of them to trust, `radio.record_chain` says.

Pure: values in, bytes out, and back. The file around the records stands in `radio.recording`; what a frame means is
nobody's business here. A record is a pseudo-header of 69 bytes, big-endian, then the frame or the document:

    offset  size  field
         0     1  magic and version, 0xA1
         1     1  kind: 1 reception, 2 hearing gap, 3 closing, 4 host trouble, 5 document of the ground line, 6 line gap
         2     1  channel, 0 to 255
         3     4  record number, from 0; in the closing record so the number of records before it
         7     8  time, ns UTC, the receiver's clock: start of the frame at the receiver; from when the gap; the end;
                  of a host trouble its place among the other records
        15     8  until, ns UTC: when the gap or the trouble ends; 0: trouble or line gap not over;
                  of a document how many bytes its topic has
        23     4  receiver's latitude, signed, 1e-7 degree, north positive
        27     4  receiver's longitude, signed, 1e-7 degree, east positive
        31     4  receiver's height, signed, cm
        35     2  received power, signed, tenths of dBm
        37     4  bound of the receiver's clock error, ns; of a host trouble the station's address, 24 bits, 0: all
        41     8  channels tuned, a bitmap: bit n (least significant first) is channel n, 0 to 63;
                  of a host trouble or a line gap from when it was, ns UTC
        49    16  link: the first 16 bytes of SHA-256 over the record before (for record 0: over the header text)
        65     4  CRC-32C (Castagnoli) over bytes 0 to 64 and what follows
        69     -  frame, at most 65535 bytes; of a document its topic and its payload, together at most 524288 bytes

Only receptions have a position, a power, a clock bound, a tuning and a frame; closing records have no `until`. Fields
that a kind does not have are zero. One value has one encoding: other bytes are refused.
"""

import hashlib
import struct
from functools import lru_cache
from operator import index
from typing import NamedTuple, assert_never

import google_crc32c

MAGIC = 0xA1
MAX_FRAME_BYTES = 0xFFFF
MAX_DOCUMENT_BYTES = 1 << 19
"""Topic and payload together."""
TUNABLE_CHANNELS = 64
LINK_BYTES = 16
MAX_ADDRESS = 0xFFFFFF
EVERY_STATION = 0
"""The address of a host trouble that was with all stations."""

_RECEPTION, _HEARING_GAP, _CLOSING, _HOST_TROUBLE, _DOCUMENT, _LINE_GAP = 1, 2, 3, 4, 5, 6
_BEFORE_CRC = struct.Struct(f">BBBIQQiiihIQ{LINK_BYTES}s")
_CRC_END = _BEFORE_CRC.size + 4
LINK = slice(_BEFORE_CRC.size - LINK_BYTES, _BEFORE_CRC.size)
"""Where in a record the link stands that confirms the one before."""
_LATITUDE_LIMIT_E7 = 90 * 10**7
_LONGITUDE_LIMIT_E7 = 180 * 10**7


class BadRecord(ValueError):
    """These bytes are not a record, or these values cannot be one; the message says what the record does wrong."""


class Reception(NamedTuple):
    """One frame that the receiver heard.

    `arrival_ns` is the start of the frame at the receiver, by the receiver's clock (UTC), which is within
    `clock_bound_ns` of true time. Latitude and longitude are degrees times 10**7. `tuned` holds the channels that the
    receiver listened to, 0 to 63, ascending.
    """

    number: int
    arrival_ns: int
    channel: int
    latitude_e7: int
    longitude_e7: int
    height_cm: int
    power_tenths_dbm: int
    clock_bound_ns: int
    tuned: tuple[int, ...]
    frame: bytes


class HearingGap(NamedTuple):
    """The receiver heard nothing, whatever was sent, from one instant until another (ns UTC, its own clock)."""

    number: int
    from_ns: int
    until_ns: int


class HostTrouble(NamedTuple):
    """The emulator had trouble of its own with the station `address` (24 bits; 0: with every one): its process was
    killed, stopped, too late or cut off.

    It lasted from `from_ns` until `until_ns` (ns UTC, medium time); None: it was not over when this was written. Told
    again with the same `from_ns`, it is the same trouble. `at_ns` (ns UTC, the receiver's clock) is the record's place
    among the others; the trouble may have begun before.
    """

    number: int
    at_ns: int
    address: int
    from_ns: int
    until_ns: int | None


class LineDocument(NamedTuple):
    """Something that came over the ground line, as it came: whether it is what it says is for the judge to find out.

    `at_ns` is when it came (ns UTC, the receiver's clock).
    """

    number: int
    at_ns: int
    topic: str
    payload: bytes


class LineGap(NamedTuple):
    """The receiver was cut off from the ground line from one instant until another (ns UTC, its own clock); None: it
    was not over when this was written. Told again with the same `from_ns`, it is the same gap.

    What was sent meanwhile may have come later, or never. `at_ns` is the record's place among the others.
    """

    number: int
    at_ns: int
    from_ns: int
    until_ns: int | None


class Closing(NamedTuple):
    """The last record: when the recording ended (ns UTC, the receiver's clock). Its number counts those before it."""

    number: int
    end_ns: int


Record = Reception | HearingGap | HostTrouble | LineDocument | LineGap
Entry = Record | Closing


def link(data: bytes) -> bytes:
    """What the next record carries to confirm this one: the first 16 bytes of its SHA-256 (FIPS 180-4)."""
    return hashlib.sha256(data).digest()[:LINK_BYTES]


def time_ns(entry: Entry) -> int:
    """The instant that orders a record among the others, ns UTC."""
    match entry:
        case Reception():
            return entry.arrival_ns
        case HearingGap():
            return entry.from_ns
        case HostTrouble() | LineDocument() | LineGap():
            return entry.at_ns
        case Closing():
            return entry.end_ns
        case _:
            assert_never(entry)


def encode(entry: Entry, previous: bytes) -> bytes:
    """Lay out a record that follows the one with the link `previous`. Raises BadRecord if a value is out of range."""
    frame = b""
    try:
        match entry:
            case Reception():
                _check(entry)
                frame = entry.frame
                head = _BEFORE_CRC.pack(
                    MAGIC,
                    _RECEPTION,
                    entry.channel,
                    entry.number,
                    entry.arrival_ns,
                    0,
                    entry.latitude_e7,
                    entry.longitude_e7,
                    entry.height_cm,
                    entry.power_tenths_dbm,
                    entry.clock_bound_ns,
                    _bitmap(entry.tuned),
                    previous,
                )
            case HearingGap():
                if entry.until_ns < entry.from_ns:
                    raise BadRecord("ends before it begins")
                head = _bare(_HEARING_GAP, entry.number, entry.from_ns, entry.until_ns, previous)
            case HostTrouble():
                head = _trouble(entry, previous)
            case LineDocument():
                head, frame = _document(entry, previous)
            case LineGap():
                head = _line_gap(entry, previous)
            case Closing():
                head = _bare(_CLOSING, entry.number, entry.end_ns, 0, previous)
            case _:
                assert_never(entry)
    except struct.error as error:
        raise BadRecord(f"has a value that does not fit its field ({error})") from error
    return head + _crc(head + frame) + frame


def decode(packet: bytes) -> Entry:
    """Read one record. Raises BadRecord, and nothing else, whatever the bytes."""
    if len(packet) < _CRC_END:
        raise BadRecord(f"has {len(packet)} bytes, fewer than a record's {_CRC_END}")
    if packet[0] != MAGIC:
        raise BadRecord(f"begins with 0x{packet[0]:02x} in place of 0x{MAGIC:02x}")
    head, frame = packet[: _BEFORE_CRC.size], packet[_CRC_END:]
    if _crc(head + frame) != packet[_BEFORE_CRC.size : _CRC_END]:
        raise BadRecord("has a wrong CRC")
    entry = read_back(packet)
    # Right by its CRC, and yet perhaps not what our writer would write: so write it.
    if encode(entry, packet[LINK]) != packet:
        raise BadRecord("fills fields that its kind leaves empty")
    return entry


def read_back(packet: bytes) -> Entry:
    """What a record says that `encode` has just made: nothing else is certain to be one. Raises BadRecord."""
    _, kind, channel, number, at, until, latitude, longitude, height, power, bound, bitmap, _ = _BEFORE_CRC.unpack_from(
        packet
    )
    match kind:
        case 1:
            tuned, frame = _channels(bitmap), packet[_CRC_END:]
            return Reception(number, at, channel, latitude, longitude, height, power, bound, tuned, frame)
        case 2:
            return HearingGap(number, at, until)
        case 3:
            return Closing(number, at)
        case 4:
            return HostTrouble(number, at, bound, bitmap, until or None)
        case 5:
            return _read_document(number, at, until, packet[_CRC_END:])
        case 6:
            return LineGap(number, at, bitmap, until or None)
        case _:
            raise BadRecord(f"is of the unknown kind {kind}")


def _crc(data: bytes) -> bytes:
    checksum: int = google_crc32c.value(data)
    return checksum.to_bytes(4, "big")


def _bare(kind: int, number: int, at_ns: int, until_ns: int, previous: bytes) -> bytes:
    return _BEFORE_CRC.pack(MAGIC, kind, 0, number, at_ns, until_ns, 0, 0, 0, 0, 0, 0, previous)


def _trouble(trouble: HostTrouble, previous: bytes) -> bytes:
    number, at_ns, address, from_ns, until_ns = trouble
    if not 0 <= address <= MAX_ADDRESS:
        raise BadRecord(f"names the address {address}; addresses have 24 bits")
    _check_stretch(from_ns, until_ns)
    return _BEFORE_CRC.pack(
        MAGIC, _HOST_TROUBLE, 0, number, at_ns, until_ns or 0, 0, 0, 0, 0, address, from_ns, previous
    )


def _document(document: LineDocument, previous: bytes) -> tuple[bytes, bytes]:
    number, at_ns, topic, payload = document
    told = topic.encode()
    if len(told) + len(payload) > MAX_DOCUMENT_BYTES:
        raise BadRecord(f"has a document of {len(told) + len(payload)} bytes, more than {MAX_DOCUMENT_BYTES}")
    head = _BEFORE_CRC.pack(MAGIC, _DOCUMENT, 0, number, at_ns, len(told), 0, 0, 0, 0, 0, 0, previous)
    return head, told + payload


def _read_document(number: int, at_ns: int, size: int, told: bytes) -> LineDocument:
    if size > len(told):
        raise BadRecord(f"claims a topic of {size} bytes, and has {len(told)} in all")
    try:
        topic = told[:size].decode()
    except UnicodeDecodeError:
        raise BadRecord("has a topic that is not UTF-8") from None
    return LineDocument(number, at_ns, topic, told[size:])


def _line_gap(gap: LineGap, previous: bytes) -> bytes:
    number, at_ns, from_ns, until_ns = gap
    _check_stretch(from_ns, until_ns)
    return _BEFORE_CRC.pack(MAGIC, _LINE_GAP, 0, number, at_ns, until_ns or 0, 0, 0, 0, 0, 0, from_ns, previous)


def _check_stretch(from_ns: int, until_ns: int | None) -> None:
    if until_ns is not None and until_ns < from_ns:
        raise BadRecord("ends before it begins")
    if until_ns == 0:
        raise BadRecord("ends at 0, which stands for not over")


def _check(reception: Reception) -> None:
    if not -_LATITUDE_LIMIT_E7 <= reception.latitude_e7 <= _LATITUDE_LIMIT_E7:
        raise BadRecord(f"has the latitude {reception.latitude_e7}e-7, beyond 90 degrees")
    if not -_LONGITUDE_LIMIT_E7 <= reception.longitude_e7 <= _LONGITUDE_LIMIT_E7:
        raise BadRecord(f"has the longitude {reception.longitude_e7}e-7, beyond 180 degrees")
    if len(reception.frame) > MAX_FRAME_BYTES:
        raise BadRecord(f"has a frame of {len(reception.frame)} bytes, more than {MAX_FRAME_BYTES}")


# A receiver retunes rarely: a few tunings serve a whole recording. Bounded, for a hostile file may hold very many.
@lru_cache(maxsize=64)
def _bitmap(tuned: tuple[int, ...]) -> int:
    for channel in tuned:
        if not 0 <= channel < TUNABLE_CHANNELS:
            raise BadRecord(f"is tuned to channel {channel}; only 0 to {TUNABLE_CHANNELS - 1} can be recorded")
    return sum(1 << index(channel) for channel in set(tuned))


@lru_cache(maxsize=64)
def _channels(bitmap: int) -> tuple[int, ...]:
    return tuple(channel for channel in range(TUNABLE_CHANNELS) if bitmap >> channel & 1)
