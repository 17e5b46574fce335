"""What the judge says: findings, and what they add up to. Values only."""

from enum import IntEnum, StrEnum
from math import inf
from typing import NamedTuple

UNATTRIBUTED = "unattributed"


class Outcome(StrEnum):
    """Of one judged instance. `EXCUSED`: the clause was suspended. `PENDING`: its deadline lies beyond the end."""

    PASS = "pass"
    INCONCLUSIVE = "inconclusive"
    FAIL = "fail"
    PENDING = "pending"
    EXCUSED = "excused"

    __hash__ = str.__hash__  # an enumeration's own is written in Python, and each finding is counted by its outcome


class Verdict(IntEnum):
    """Of a clause for a subject; while one judgement runs it only rises."""

    NOT_APPLICABLE = 0
    NOT_EXERCISED = 1
    PASS = 2
    INCONCLUSIVE = 3
    FAIL = 4

    @property
    def label(self) -> str:
        return self.name.lower()


class Cause(StrEnum):
    """Why an instance could not be decided, or did not count."""

    FRAME_LOST = "frame_lost"
    MONITOR_DEAF = "monitor_deaf"
    HOST_TROUBLE = "host_trouble"
    STATE_UNHEARD = "state_unheard"
    NOT_PROVED_HEARD = "not_proved_heard"
    NO_BOUND = "no_bound"
    NOT_FRESH = "not_fresh"
    NOT_HEARD_AGAIN = "not_heard_again"
    AREA_EDGE = "area_edge"
    DISTRESS = "distress"
    IDENTITY_CONTESTED = "identity_contested"
    LINE_GAP = "line_gap"
    NO_WITNESS = "no_witness"
    NO_MANIFEST = "no_manifest"
    DISPUTED = "disputed"


class Missing(NamedTuple):
    """How much of one station was not heard in a stretch: of so many numbers that it passed between the first and the
    last frame heard there, so many were not heard."""

    address: int
    passed: int
    unheard: int


class Finding(NamedTuple):
    """One judged instance.

    `measured` and `limit` are in `unit`; `evidence` names frames of the recording, such as `m1#812`. `losses`: where
    frames that were not heard leave it open, how many they are; they never decide anything.
    """

    clause: str
    subject: str
    outcome: Outcome
    at_ns: int
    summary: str = ""
    evidence: tuple[str, ...] = ()
    cause: Cause | None = None
    measured: float | None = None
    limit: float | None = None
    unit: str = ""
    assumptions: tuple[str, ...] = ()
    losses: tuple[Missing, ...] = ()


def room(measured: float | None, limit: float | None) -> float:
    """How far a pass was from the limit, as a share of it; without end if that cannot be said."""
    if measured is None or not limit:
        return inf
    return abs(measured - limit) / limit


class Passes(NamedTuple):
    """Passes of one clause for one subject that were counted without a finding for each.

    `nearest`: the first of those that came nearest to the limit, if it is known.
    """

    clause: str
    subject: str
    passed: int
    nearest: Finding | None


IDENTITY = "the frames are from the station they name (identity taken at its word)"
NO_RELAY = "no live relay repeated the frames within the time tolerance"
CLOCK = "the monitor's clock is right within the bound recorded with each frame"
BOUNDS = "positions lie within the radius that NIC stands for, altitudes and motion within the agreement's bounds"
SIGNED = "the headquarters alone has the key that it signs with"
STAYED_UP = "the aircraft did not land and take off again between the two reports"
