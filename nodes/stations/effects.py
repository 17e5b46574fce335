"""What a station is told and what it answers: the contract between stations and whatever runs them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from protocol.messages import Frame, Message


class Hearing(NamedTuple):
    """A frame as a station hears it. `arrival_ns` is when its first bit arrived."""

    frame: Frame
    channel: int
    arrival_ns: int
    power_dbm: float


@dataclass(frozen=True, slots=True)
class Send:
    """Put this message on the air.

    `about_ns` is the instant the message speaks of: when a POSITION was measured, when an INTENT's validity ends, a
    change of channel is made, an EMCON begins, a link was lost. The transmitter turns it into the age or the time that
    is left, and fills in numbers, counts and serials.
    `shared`: take a shared slot, at once but at the risk of a collision, instead of waiting for one's own.
    """

    message: Message
    channel: int
    about_ns: int = 0
    shared: bool = False


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Call `wake` at this instant."""

    at_ns: int


@dataclass(frozen=True, slots=True)
class NewSession:
    """The station starts anew: sequence numbers and counts begin again in a session of its own."""


@dataclass(frozen=True, slots=True)
class Steer:
    """Fly so much beside the path from now on: in a smooth curve that begins at `begin_ns` and takes `takes_ns`."""

    begin_ns: int
    takes_ns: int
    north_m: float = 0.0
    east_m: float = 0.0
    up_ft: float = 0.0


Effect = Send | WakeAt | NewSession | Steer


class StationLogic(Protocol):
    """A station. Times are its own clock's, in ns UTC, and never go back."""

    def start(self, now_ns: int) -> Iterable[Effect]:
        """It is switched on."""
        ...

    def hear(self, now_ns: int, hearing: Hearing) -> Iterable[Effect]:
        """A frame was received; `now_ns` is when it was handed over."""
        ...

    def wake(self, now_ns: int) -> Iterable[Effect]:
        """An instant it asked for has come."""
        ...
