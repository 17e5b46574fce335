"""Bytes that are no frame, and yet were sent as they came: their CRC is right."""

from protocol import codec, wire
from protocol.errors import DecodeError, Reason
from protocol.heard import Malformed
from protocol.messages import MAX_FRAME_BYTES


def malformed(name: str, at_ns: int, data: bytes) -> Malformed | None:
    """What is wrong with bytes that `codec.decode` rejects; None where they may have been damaged on their way."""
    try:
        codec.decode(data)
    except DecodeError as error:
        fits = wire.HEADER_BYTES + wire.CRC_BYTES <= len(data) <= MAX_FRAME_BYTES
        if not fits or error.reason is Reason.CRC:
            return None
        return Malformed(name, at_ns, wire.source_of(data), len(data), str(error), error.reason is Reason.VERSION)
    return None
