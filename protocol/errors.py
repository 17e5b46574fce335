"""The two errors of the codec: a peer's bytes that cannot be read, and our own values that cannot travel."""

from enum import StrEnum


class Reason(StrEnum):
    """Why bytes are no frame."""

    LENGTH = "length"
    CRC = "crc"
    VERSION = "version"
    FLAGS = "flags"
    FIELD = "field"


class DecodeError(ValueError):
    """The one exception that decoding raises, whatever the bytes."""

    def __init__(self, reason: Reason, detail: str):
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason


class EncodeError(ValueError):
    """A value that the wire format cannot carry: our mistake, never a peer's."""
