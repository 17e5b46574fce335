"""The judge's books: for every session of every station, what was heard and what that leaves unheard.

A frame that was sent and not heard leaves a hole in the sequence numbers, and counts (of IDENTs, HAILs, ACKs) that
do not add up. Every proof of an absence rests on these two, so they are kept here once, for all clauses.
"""

from bisect import bisect_left, bisect_right
from enum import Enum
from typing import NamedTuple

from protocol.messages import (
    TIME_BOUND_NS,
    Ack,
    EmergencyState,
    Frame,
    Hail,
    Intent,
    IntentKind,
    Position,
    Watch,
    instant_ns,
)
from protocol.units import LIGHT_MPS, NM_M, NS_PER_S

JOIN_NS = 600 * NS_PER_S
"""Two frames further apart than this are not joined: 65,536 numbers might have gone by (at 109 frames a second)."""
SERIALS = 255
"""Serials run 1 to 255 and then again; beyond as many frames an old serial may mean something new."""


class Heard(NamedTuple):
    """One frame as the monitor got it. `at_ns` is the arrival of its first bit, by the monitor's clock."""

    id: str
    at_ns: int
    channel: int
    frame: Frame
    size: int
    clock_bound_ns: int


class Standing(Enum):
    """What a frame may be used for: only the first copy, in order and fresh by its own time, tells about a time."""

    FIRST = "first"
    COPY = "copy"
    STALE = "stale"


class Booked(NamedTuple):
    """A heard frame with its place in the books.

    `number` is the sequence number without wrapping. `early_ns` to `late_ns` is when it was sent, bounds and all.
    """

    heard: Heard
    standing: Standing
    number: int
    early_ns: int
    late_ns: int
    account: "Account"

    @property
    def frame(self) -> Frame:
        return self.heard.frame

    @property
    def at_ns(self) -> int:
        return self.heard.at_ns

    @property
    def id(self) -> str:
        return self.heard.id


class Count(NamedTuple):
    """What a POSITION or WATCH says that its session sent before it."""

    number: int
    late_ns: int
    hails: int
    acks: int


class Declared(NamedTuple):
    """An INTENT as heard. `until_ns` is when its validity is over, at the latest."""

    kind: IntentKind
    until_ns: int
    number: int
    id: str


class Account:
    """One session of one station (in one stretch: see JOIN_NS). Lists are in the order of `number`."""

    def __init__(self, source: int, session: int, number: int):
        self.source = source
        self.session = session
        self.last_number = number
        self.last_at_ns = 0
        self.counts: list[Count] = []
        self.hails: list[Booked] = []
        self.acks: list[Booked] = []
        self.intents: dict[int, Declared] = {}
        self.named: list[tuple[int, int, bool]] = []
        """(number, serial in force, whether an emergency was flagged) of every frame heard."""

    def number_of(self, sequence: int) -> int | None:
        """The unwrapped number of a sequence number near the last one heard; None if it lies behind it."""
        ahead = (sequence - self.last_number) & 0xFFFF
        return self.last_number + ahead if 0 < ahead < 0x8000 else None

    def enter(self, booked: Booked) -> None:
        """Write a first copy into the books."""
        frame, message = booked.frame, booked.frame.message
        self.last_number, self.last_at_ns = booked.number, booked.at_ns
        distress = self.named[-1][2] if self.named else False
        if isinstance(message, Position):
            distress = message.emergency is not EmergencyState.NONE
        self.named.append((booked.number, frame.intent, distress))
        if isinstance(message, Position | Watch):
            self.counts.append(Count(booked.number, booked.late_ns, message.hails, message.acks))
        elif isinstance(message, Hail):
            self.hails.append(booked)
        elif isinstance(message, Ack):
            self.acks.append(booked)
        elif isinstance(message, Intent):
            self._declare(message, booked)

    def _declare(self, intent: Intent, booked: Booked) -> None:
        until = booked.late_ns + intent.validity_s * NS_PER_S
        known = self.intent(intent.serial, booked.number)
        if known and known.kind is intent.kind:
            until = max(until, known.until_ns)
        self.intents[intent.serial] = Declared(intent.kind, until, booked.number, booked.id)

    def intent(self, serial: int, number: int) -> Declared | None:
        """What a serial that frame `number` names stands for, if its INTENT was heard."""
        declared = self.intents.get(serial)
        return declared if declared and abs(number - declared.number) < SERIALS else None

    def suspended(self, first: int, last: int) -> bool | None:
        """Whether clause 0.1 suspended duties at any time from frame `first` to frame `last` (numbers).

        None: an unheard INTENT may have declared an avoidance.
        """
        begin = max(bisect_right(self.named, (first, SERIALS + 1, False)) - 1, 0)
        end = bisect_right(self.named, (last, SERIALS + 1, False))
        answer: bool | None = False
        before: int | None = None
        for number, serial, distress in self.named[begin:end]:
            if distress:
                return True
            for s in _serials_passed(before, serial):
                declared = self.intent(s, number)
                if declared is None:
                    answer = None
                elif declared.kind is IntentKind.AVOID:
                    return True
            before = serial or before
        return answer

    def unheard_hails(self, upto: Count) -> int:
        """How many HAILs of the session before this count were not heard."""
        heard = bisect_left(self.hails, upto.number, key=_number)
        return (upto.hails - heard) & 0xFF

    def unheard_acks(self, since_ns: int, upto: Count) -> int:
        """How many ACKs were not heard, of those sent after a time and before this count."""
        base = Count(-1, 0, 0, 0)
        for count in reversed(self.counts):
            if count.number < upto.number and count.late_ns < since_ns:
                base = count
                break
        heard = bisect_left(self.acks, upto.number, key=_number) - bisect_left(self.acks, base.number, key=_number)
        return (upto.acks - base.acks - heard) & 0xFF

    def forget(self, before_ns: int) -> None:
        """Drop what no clause can ask for any more: counts and names older than an instant."""
        keep = next((i for i, c in enumerate(self.counts) if c.late_ns >= before_ns), len(self.counts))
        if keep > 1:
            first = self.counts[keep - 1].number
            del self.counts[: keep - 1]
            del self.named[: max(bisect_left(self.named, (first, -1, False)) - 1, 0)]


def _number(booked: Booked) -> int:
    return booked.number


def _serials_passed(before: int | None, serial: int) -> list[int]:
    """The serials in force from the frame that named `before` to the one that names `serial`."""
    if serial == 0:
        return []
    if before is None or before == serial:
        return [serial]
    steps = (serial - before) % SERIALS
    return [(before - 1 + i) % SERIALS + 1 for i in range(1, steps + 1)]


class Books:
    """All accounts. `range_nm` bounds the delay: no frame is heard from further away."""

    def __init__(self, range_nm: float):
        self.max_delay_ns = round(range_nm * NM_M / LIGHT_MPS * NS_PER_S)
        self.accounts: dict[tuple[int, int], Account] = {}

    def book(self, heard: Heard) -> Booked:
        """Give a frame its place; only first copies that are fresh enter the accounts."""
        frame = heard.frame
        stamp_ns = instant_ns(frame.time_us, heard.at_ns)
        bound = TIME_BOUND_NS.get(frame.time_quality)
        early, late = heard.at_ns - heard.clock_bound_ns - self.max_delay_ns, heard.at_ns + heard.clock_bound_ns
        key = (frame.source, frame.session)
        account = self.accounts.get(key)
        if account is None or heard.at_ns - account.last_at_ns > JOIN_NS:
            account = Account(frame.source, frame.session, frame.sequence - 1)
        number = account.number_of(frame.sequence)
        if number is None:
            return Booked(heard, Standing.COPY, -1, early, late, account)
        if bound is None or not early - bound - 1000 <= stamp_ns <= late + bound + 1000:
            return Booked(heard, Standing.STALE, number, early, late, account)
        # kind to the sender: the frame left at any time that its own clock or its arrival allows
        early, late = min(early, stamp_ns - bound), max(late, stamp_ns + bound)
        booked = Booked(heard, Standing.FIRST, number, early, late, account)
        self.accounts[key] = account
        account.enter(booked)
        if not number % 256:
            account.forget(heard.at_ns - JOIN_NS)
        return booked
