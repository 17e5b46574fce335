"""What a monitor heard, as its judge is told: frames, and bytes that are none."""

from typing import NamedTuple

from protocol.messages import Frame


class Receiver(NamedTuple):
    """Where the monitor was when it heard a frame: WGS-84, height above the ellipsoid."""

    latitude_deg: float
    longitude_deg: float
    height_m: float


class Heard(NamedTuple):
    """One frame as the monitor got it, and its bytes. `at_ns` is the arrival of its first bit, by the monitor's clock.

    `power_dbm` and `receiver` are None where they are not known.
    """

    id: str
    at_ns: int
    channel: int
    frame: Frame
    data: bytes
    clock_bound_ns: int
    power_dbm: float | None = None
    receiver: Receiver | None = None


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
