"""What a monitor heard, as its judge is told: frames, and bytes that are none."""

from enum import Enum
from typing import NamedTuple

from protocol.messages import Frame


class Receiver(NamedTuple):
    """Where the monitor was when it heard a frame: WGS-84, height above the ellipsoid."""

    latitude_deg: float
    longitude_deg: float
    height_m: float


class Word(Enum):
    """What the manifests of its party say of a frame (9.1)."""

    NONE = "none"
    """Nothing, or nothing yet."""
    HAS = "has"
    DISPUTED = "disputed"
    """They cover its time, and have no such frame."""
    TOLD = "told"
    """They have it, and the monitor did not hear it."""


class Heard(NamedTuple):
    """One frame as the monitor got it, and its bytes. `at_ns` is the arrival of its first bit, by the monitor's clock.

    `power_dbm` and `receiver` are None where they are not known. `word` is what its party says of it; a frame that is
    only `TOLD` was not heard: then `at_ns` is when its own time says that it was sent.
    """

    id: str
    at_ns: int
    channel: int
    frame: Frame
    data: bytes
    clock_bound_ns: int
    power_dbm: float | None = None
    receiver: Receiver | None = None
    word: Word = Word.NONE


class Malformed(NamedTuple):
    """What the monitor got in place of a frame. `source` is the address in its header.

    `is_foreign`: it is of another version, of which only the first eight bytes are known.
    """

    id: str
    at_ns: int
    source: int
    size: int
    what: str
    is_foreign: bool
