"""The messages between a station and the hub, as values; their bytes are in `radio.envelope`.

All instants are ns UTC of medium time.
"""

from typing import NamedTuple

KEY_BYTES = 16
NO_KEY = bytes(KEY_BYTES)


class Hello(NamedTuple):
    """A station asks to take part. `granted`: it takes medium time in windows; else it follows the clock."""

    address: int
    granted: bool
    key: bytes = NO_KEY


class Transmit(NamedTuple):
    """A frame to be put on the air. `session` and `sequence` are its name in the records of the medium.

    `slot` is the one that it is meant for, if the station tells: for the truth, which also says what it hit.
    """

    start_ns: int
    channel: int
    session: int
    sequence: int
    data: bytes
    slot: int | None = None


class Jam(NamedTuple):
    """Power on a channel that nobody can receive; only jammers send it."""

    start_ns: int
    channel: int
    duration_ns: int


class Place(NamedTuple):
    """Where the station is at an instant, and how it moves on: degrees (WGS-84), metres over the ellipsoid, m/s."""

    at_ns: int
    latitude_deg: float
    longitude_deg: float
    height_m: float
    north_mps: float = 0.0
    east_mps: float = 0.0
    up_mps: float = 0.0


class OffAir(NamedTuple):
    """The station is off the air from an instant until it is placed again."""

    at_ns: int


class Tune(NamedTuple):
    """The channels it listens to from an instant on."""

    at_ns: int
    channels: frozenset[int]


class Done(NamedTuple):
    """Everything that it has to say up to this instant has been said: time may go on."""

    until_ns: int


class Mark(NamedTuple):
    """How far a station has come in something of its own that others must not overtake: see `Marks`."""

    major: int
    minor: int


class Alive(NamedTuple):
    """The sender is still there. Both say it; there is nothing to answer."""


class Bye(NamedTuple):
    """It leaves the link."""


class Welcome(NamedTuple):
    """It takes part. `life` counts how often its address has taken part before; `briefing` is JSON."""

    start_ns: int
    end_ns: int
    now_ns: int
    window_ns: int
    life: int
    briefing: str


class Refused(NamedTuple):
    """It does not take part, or no longer; the text says why."""

    reason: str


class Reception(NamedTuple):
    """One frame received.

    `due_ns` is when the station has the frame, whole; `arrival_ns` is when its first bit came. `number` counts what was
    delivered to this station, so that a hole shows a loss between hub and station. Power is in tenths of dBm.
    """

    due_ns: int
    arrival_ns: int
    number: int
    channel: int
    power_tenths_dbm: int
    data: bytes


class Time(NamedTuple):
    """Medium time from here to there, and what is received in it, by `due_ns`."""

    from_ns: int
    until_ns: int
    receptions: tuple[Reception, ...]


class Trouble(NamedTuple):
    """Told to monitors: the emulator had trouble with a station (0: with all of them) from an instant until another.

    `until_ns` is None while it is not over. `at_ns` is when it is told.
    """

    at_ns: int
    address: int
    from_ns: int
    until_ns: int | None


class Marks(NamedTuple):
    """Told to those who asked for it, before the time that is granted next: how far others have come, by address."""

    marks: tuple[tuple[int, Mark], ...]


class Aired(NamedTuple):
    """One frame that a station has put on the air."""

    source: int
    session: int
    sequence: int
    start_ns: int
    data: bytes


class Fleet(NamedTuple):
    """Told to those who asked for it, before the time that is granted next: what others have put on the air."""

    frames: tuple[Aired, ...]


class End(NamedTuple):
    """The run is over."""

    now_ns: int
    reason: str


FromStation = Hello | Transmit | Jam | Place | OffAir | Tune | Done | Mark | Alive | Bye
FromHub = Welcome | Refused | Time | Trouble | Marks | Fleet | Alive | End
