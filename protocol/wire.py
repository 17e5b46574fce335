"""The wire format: one Construct definition per message. Nothing else in the project says how bits are laid out.

Big-endian, at most 64 bytes, header 16, CRC-32C (Castagnoli) at the end over all that stands before it.
The fast codec, the reference in `docs/messages.md` and the golden vectors are derived from this or held to it.
A field's "not available" is never a legal value: the most negative for signed, all ones for unsigned.
`parse` and `build` here are the reference codec, some fifty times slower than `protocol.codec`.
"""

from typing import Any, cast

import google_crc32c
from construct import (
    BitsInteger,
    BitStruct,
    Bytes,
    Const,
    Int8ub,
    Int16sb,
    Int16ub,
    Int24sb,
    Int24ub,
    Int32sb,
    Int32ub,
    Struct,
)
from construct.core import ConstructError

from protocol.errors import DecodeError, EncodeError, Reason
from protocol.fields import CallSign, ChannelSet, Choice, Flag, OrNone, Quantity, Reserved
from protocol.messages import (
    MAX_FRAME_BYTES,
    NOBODY,
    TYPE_OF,
    VERSION,
    Ack,
    Emcon,
    Emergency,
    EmergencyState,
    Emitter,
    Frame,
    FrameKey,
    FrequencyChange,
    Hail,
    Ident,
    Intent,
    Intention,
    IntentKind,
    LinkPoint,
    LostLink,
    Message,
    MessageType,
    Nature,
    PeerReport,
    Phrase,
    Position,
    Procedure,
    Reason as AckReason,
    Result,
    Sensor,
    Severity,
    Sighting,
    TrajectoryPoint,
    Watch,
)

HEADER_BYTES = 16
CRC_BYTES = 4
INCOMPATIBLE_FLAGS = 0xF0
"""A flag here that a reader does not know means: reject. The low four may be ignored. None is defined yet."""

ADDRESS = Quantity(Int24ub, "", 0, NOBODY - 1)
SESSION = Quantity(Int8ub, "", 0, 254)
LATITUDE = Quantity(Int32sb, "deg", -90, 90, per_unit=10**7)
LONGITUDE = Quantity(Int32sb, "deg", -180, 180, per_unit=10**7)
ALTITUDE_LIMITS_FT = (-2_000, 200_000)

HEADER = Struct(
    "version" / Const(VERSION, Int8ub),
    "type" / Choice(Int8ub, MessageType),
    "flags" / Int8ub,
    "length" / Int8ub,
    "channel" / Int8ub,
    "source" / ADDRESS,
    "session" / SESSION,
    "intent" / Int8ub,
    "sequence" / Int16ub,
    "time"
    / BitStruct(
        "time_quality" / BitsInteger(2),
        "time_second" / BitsInteger(10),
        "time_microsecond" / Quantity(BitsInteger(20), "us", 0, 999_999),
    ),
)


def _altitude() -> Quantity:
    return Quantity(Int24sb, "ft", *ALTITUDE_LIMITS_FT, unknown=-(1 << 23))


def _velocity() -> Quantity:
    return Quantity(Int16sb, "m/s", -3_276.7, 3_276.7, per_unit=10, unknown=-(1 << 15))


def _angle() -> Quantity:
    return Quantity(Int16ub, "deg", 0, 359.99, per_unit=100, unknown=0xFFFF)


def _position_or_unknown(quantity: Quantity, limit: float) -> Quantity:
    return Quantity(quantity.subcon, "deg", -limit, limit, per_unit=10**7, unknown=-(1 << 31))


_FRAME_KEY = Struct("source" / ADDRESS, "session" / SESSION, "sequence" / Int16ub)
_POINT = Struct(
    "latitude_deg" / LATITUDE,
    "longitude_deg" / LONGITUDE,
    "altitude_ft" / _altitude(),
    "time_over_s" / Quantity(Int16ub, "s", 0, 0xFFFE),
)
_LINK_POINT = Struct(
    "latitude_deg" / LATITUDE,
    "longitude_deg" / LONGITUDE,
    "altitude_ft" / _altitude(),
    "radius_m" / Quantity(Int16ub, "m", 0, 0xFFFE),
)
_NO_POINT = bytes.fromhex("80000000 80000000 800000 ffff")
_PEER_REPORT = Struct("peer" / ADDRESS, "session" / SESSION, "last_sequence" / Int16ub, "earlier" / Int32ub)

POSITION = Struct(
    "latitude_deg" / _position_or_unknown(LATITUDE, 90),
    "longitude_deg" / _position_or_unknown(LONGITUDE, 180),
    "baro_altitude_ft" / _altitude(),
    "geo_altitude_ft" / _altitude(),
    "velocity_north_mps" / _velocity(),
    "velocity_east_mps" / _velocity(),
    "velocity_up_mps" / _velocity(),
    "heading_deg" / _angle(),
    "quality"
    / BitStruct(
        "nic" / Quantity(BitsInteger(4), "", 0, 11),
        "nacp" / Quantity(BitsInteger(4), "", 0, 11),
        "nacv" / Quantity(BitsInteger(3), "", 0, 4),
        "gva" / Quantity(BitsInteger(2), "", 0, 3),
        "sil" / Quantity(BitsInteger(2), "", 0, 3),
        "airborne" / Flag(BitsInteger(1)),
        "emergency" / Choice(BitsInteger(3), EmergencyState),
        "uncrewed" / Flag(BitsInteger(1)),
        "degraded" / Flag(BitsInteger(1)),
        "simulated" / Flag(BitsInteger(1)),
        "reserved" / Reserved(BitsInteger(2)),
    ),
    "age_s" / Quantity(Int8ub, "s", 0, 2.54, per_unit=100, unknown=0xFF),
    "idents" / Int8ub,
    "hails" / Int8ub,
    "acks" / Int8ub,
    "emcon" / Int8ub,
    "receipt" / OrNone(_FRAME_KEY, FrameKey, b"\xff" * 6),
)

INTENT = Struct(
    "serial" / Quantity(Int8ub, "", 1, 255),
    "kind" / Choice(Int8ub, IntentKind),
    "validity_s" / Quantity(Int16ub, "s", 0, 0xFFFE),
    "selected_altitude_ft" / _altitude(),
    "track_deg" / _angle(),
    "speed_mps" / Quantity(Int16ub, "m/s", 0, 3_276.7, per_unit=10, unknown=0xFFFF),
    "first" / OrNone(_POINT, TrajectoryPoint, _NO_POINT),
    "second" / OrNone(_POINT, TrajectoryPoint, _NO_POINT),
)

IDENT = Struct(
    "call_sign" / CallSign(Bytes(8)),
    "emitter" / Choice(Int8ub, Emitter),
    "agreement" / Int32ub,
    "guarded" / ChannelSet(Int16ub),
    "flags" / BitStruct("sign_off" / Flag(BitsInteger(1)), "reserved" / Reserved(BitsInteger(7))),
)

HAIL = Struct(
    "addressee" / ADDRESS,
    "phrase" / Choice(Int8ub, Phrase),
    "call_id" / Int8ub,
    "reply_by_s" / Quantity(Int16ub, "s", 0, 0xFFFE),
    "reply_channel" / Int8ub,
    "subject" / Quantity(Int24ub, "", 0, NOBODY - 1, unknown=NOBODY),
)

ACK = Struct(
    "addressee" / ADDRESS,
    "answers_session" / SESSION,
    "answers_sequence" / Int16ub,
    "answers_type" / Choice(Int8ub, MessageType),
    "result" / Choice(Int8ub, Result),
    "reason" / Choice(Int8ub, AckReason),
    "read_back" / Quantity(Int32ub, "", 0, 0xFFFFFFFE, unknown=0xFFFFFFFF),
)

WATCH = Struct(
    "guarded" / ChannelSet(Int16ub),
    "stations_heard" / Int8ub,
    "hails" / Int8ub,
    "acks" / Int8ub,
    "report" / OrNone(_PEER_REPORT, PeerReport, b"\xff" * 10),
)

FREQUENCY_CHANGE = Struct(
    "addressee" / Quantity(Int24ub, "", 0, NOBODY - 1, unknown=NOBODY),
    "serial" / Quantity(Int8ub, "", 1, 255),
    "from_channel" / Int8ub,
    "to_channel" / Int8ub,
    "frequency_hz" / Quantity(Int32ub, "Hz", 0, 0xFFFFFFFE, unknown=0xFFFFFFFF),
    "effective_s" / Quantity(Int16ub, "s", 0, 6_553.4, per_unit=10),
    "fallback" / Quantity(Int8ub, "", 0, 254, unknown=0xFF),
)

EMERGENCY = Struct(
    "incident" / Int8ub,
    "severity" / Choice(Int8ub, Severity),
    "nature" / Choice(Int8ub, Nature),
    "latitude_deg" / _position_or_unknown(LATITUDE, 90),
    "longitude_deg" / _position_or_unknown(LONGITUDE, 180),
    "altitude_ft" / _altitude(),
    "souls" / Quantity(Int16ub, "", 0, 0xFFFE, unknown=0xFFFF),
    "endurance_min" / Quantity(Int16ub, "min", 0, 0xFFFE, unknown=0xFFFF),
    "intention" / Choice(Int8ub, Intention),
    "call_sign" / CallSign(Bytes(8)),
)

LOST_LINK = Struct(
    "procedure" / Choice(Int8ub, Procedure),
    "since_s" / Quantity(Int16ub, "s", 0, 0xFFFE),
    "act_s" / Quantity(Int16ub, "s", 0, 0xFFFE),
    "point" / OrNone(_LINK_POINT, LinkPoint, _NO_POINT),
)

EMCON = Struct(
    "serial" / Quantity(Int8ub, "", 1, 255),
    "from_s" / Quantity(Int16ub, "s", 0, 0xFFFE),
    "duration_s" / Quantity(Int16ub, "s", 0, 0xFFFE),
    "resume_channel" / Int8ub,
)

SIGHTING = Struct(
    "subject" / Quantity(Int24ub, "", 0, NOBODY - 1, unknown=NOBODY),
    "contact" / Int8ub,
    "sensor" / Choice(Int8ub, Sensor),
    "latitude_deg" / LATITUDE,
    "longitude_deg" / LONGITUDE,
    "within_m" / Quantity(Int16ub, "m", 0, 0xFFFE),
    "age_s" / Quantity(Int8ub, "s", 0, 25.4, per_unit=10),
    "altitude_ft" / _altitude(),
    "velocity_north_mps" / _velocity(),
    "velocity_east_mps" / _velocity(),
)

PAYLOADS: dict[type[Message], Struct] = {
    Position: POSITION,
    Intent: INTENT,
    Ident: IDENT,
    Hail: HAIL,
    Ack: ACK,
    Watch: WATCH,
    FrequencyChange: FREQUENCY_CHANGE,
    Emergency: EMERGENCY,
    LostLink: LOST_LINK,
    Emcon: EMCON,
    Sighting: SIGHTING,
}


def frame_bytes(kind: type[Message]) -> int:
    """Length of a whole frame that carries this message, in bytes."""
    return HEADER_BYTES + cast(int, PAYLOADS[kind].sizeof()) + CRC_BYTES


_OF_TYPE = {int(code): (kind, frame_bytes(kind)) for kind, code in TYPE_OF.items()}


def flatten(fields: Any) -> dict[str, Any]:
    """The fields of a parsed struct with those of its bit structs beside them, without Construct's own entries."""
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        if name in ("_io", "version", "length", "reserved"):
            continue
        if isinstance(value, dict):
            flat.update(flatten(value))
        else:
            flat[name] = value
    return flat


def parse(data: bytes) -> Frame:
    """Read one frame with Construct. Raises DecodeError, and nothing else, for any bytes."""
    check_envelope(data)
    if data[1] not in _OF_TYPE:
        raise DecodeError(Reason.FIELD, f"type: {data[1]} is no MessageType")
    kind, size = _OF_TYPE[data[1]]
    if len(data) != size:
        raise DecodeError(Reason.LENGTH, f"{len(data)} bytes; this type has {size}")
    try:
        header = flatten(HEADER.parse(data[:HEADER_BYTES]))
        payload = PAYLOADS[kind].parse(data[HEADER_BYTES:-CRC_BYTES])
    except ConstructError as error:
        raise DecodeError(Reason.FIELD, " ".join(str(error).split())) from None
    return Frame(
        source=header["source"],
        session=header["session"],
        sequence=header["sequence"],
        channel=header["channel"],
        intent=header["intent"],
        time_quality=header["time_quality"],
        time_us=header["time_second"] * 1_000_000 + header["time_microsecond"],
        message=kind(**flatten(payload)),
        flags=header["flags"],
    )


def build(frame: Frame) -> bytes:
    """Write one frame with Construct. Raises EncodeError when a value cannot travel."""
    kind = type(frame.message)
    try:
        second, microsecond = divmod(frame.time_us, 1_000_000)
        fields = frame.message._asdict()
        payload = PAYLOADS[kind].build(fields | {"quality": fields, "flags": fields})
        header = HEADER.build(
            {
                "type": TYPE_OF[kind],
                "flags": frame.flags,
                "length": HEADER_BYTES + len(payload) + CRC_BYTES,
                "channel": frame.channel,
                "source": frame.source,
                "session": frame.session,
                "intent": frame.intent,
                "sequence": frame.sequence,
                "time": {"time_quality": frame.time_quality, "time_second": second, "time_microsecond": microsecond},
            }
        )
    except (ConstructError, TypeError, ValueError, OverflowError, AttributeError, KeyError) as error:
        raise EncodeError(f"{kind.__name__}: {' '.join(str(error).split())}") from None
    if frame.flags & INCOMPATIBLE_FLAGS:
        raise EncodeError(f"{kind.__name__}: flags {frame.flags:#04x} sets an incompatible flag that is not defined")
    return with_crc(cast(bytes, header + payload))


def with_crc(body: bytes) -> bytes:
    """The header and payload with the checksum behind them."""
    checksum: int = google_crc32c.value(body)
    return body + checksum.to_bytes(CRC_BYTES, "big")


def header_slice(name: str) -> slice:
    """Which bytes of a frame a field of the header takes."""
    begin = 0
    for field in HEADER.subcons:
        end = begin + field.sizeof()
        if field.name == name:
            return slice(begin, end)
        begin = end
    raise KeyError(name)


def source_of(data: bytes) -> int:
    """The address in a header of any version."""
    return int.from_bytes(data[header_slice("source")], "big")


def check_envelope(data: bytes) -> None:
    """What holds for frames of every type, before any field is looked at. Raises DecodeError."""
    size = len(data)
    if not HEADER_BYTES + CRC_BYTES <= size <= MAX_FRAME_BYTES:
        raise DecodeError(Reason.LENGTH, f"{size} bytes; a frame has {HEADER_BYTES + CRC_BYTES} to {MAX_FRAME_BYTES}")
    if google_crc32c.value(data[:-CRC_BYTES]) != int.from_bytes(data[-CRC_BYTES:], "big"):
        raise DecodeError(Reason.CRC, "the checksum does not match: the frame was damaged on its way")
    if data[0] != VERSION:
        raise DecodeError(Reason.VERSION, f"version {data[0]}; this reader knows {VERSION}")
    if data[2] & INCOMPATIBLE_FLAGS:
        raise DecodeError(Reason.FLAGS, f"flags {data[2]:#04x} has an incompatible flag this reader does not know")
    if data[3] != size:
        raise DecodeError(Reason.LENGTH, f"the length field says {data[3]}, the frame has {size} bytes")
