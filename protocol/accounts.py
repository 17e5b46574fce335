"""Accounts: for every session of every station, what was heard and what that leaves unheard.

A frame that was sent and not heard leaves a hole in the sequence numbers, and counts (of IDENTs, HAILs, ACKs) that
do not add up. Every proof of an absence rests on these two, so they are kept here once, for all clauses.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from enum import Enum
from itertools import pairwise
from typing import NamedTuple

from protocol.heard import Heard
from protocol.messages import (
    Ack,
    EmergencyState,
    Frame,
    Hail,
    Intent,
    IntentKind,
    Position,
    Watch,
)
from protocol.units import NS_PER_S

JOIN_NS = 600 * NS_PER_S
"""Two frames further apart than this are not joined: 65,536 numbers might have gone by (at 109 frames a second)."""
SERIALS = 255
"""Serials run 1 to 255 and then again; beyond as many frames an old serial may mean something new."""
COUNTED = 256
"""Counts go round after so many; two counts with fewer numbers between them differ by what they seem to."""
REORDER_NS = 5 * NS_PER_S
"""A number that comes later than this after a higher one was not overtaken on the way: its source began anew."""
BRIEF_NS = 5 * NS_PER_S
"""No avoidance is declared and over again, back to no INTENT at all, between two frames no further apart; and no
emergency between two POSITIONs."""
MOST_PER_S = 110
"""Frames a second that a source can send; see JOIN_NS."""
COUNTS = (Position, Watch)
"""The messages that say how many others their session sent. Not a union: a tuple is looked through in less time."""
REPORTS = 8
"""POSITIONs that the books keep of a session, for what is asked of the last few seconds."""
SESSIONS = 255
"""Sessions run 0 to 254 and then again."""


class Standing(Enum):
    """What a frame may be used for: only the first copy, in order and fresh by its own time, tells about a time."""

    FIRST = "first"
    COPY = "copy"
    STALE = "stale"
    UNHEARD = "unheard"
    """Of which there is none: a number that its source passed, and no frame of it can be used."""

    __hash__ = object.__hash__  # an enumeration's own is written in Python, and each frame is counted by this


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
    frame: Frame
    at_ns: int
    id: str
    """These three are `heard`'s: every clause asks for them, often."""
    fresh: bool = True
    """Whether its own time says that it was sent just now: so is each first copy; of an old session it may be."""

    @classmethod
    def of(
        cls, heard: Heard, standing: Standing, number: int, early_ns: int, late_ns: int, account: "Account", fresh: bool
    ) -> "Booked":
        return cls(heard, standing, number, early_ns, late_ns, account, heard.frame, heard.at_ns, heard.id, fresh)


class Count(NamedTuple):
    """What a POSITION or WATCH says that its session sent before it, with the turns of the 8-bit counts added.

    Counts of one `chain` can be subtracted: no turn between them was missed. Chain 0 counts from the session's start.
    """

    number: int
    late_ns: int
    hails: int
    acks: int
    chain: int
    early_ns: int = 0
    """It was sent no earlier than this, and no later than `late_ns`."""


class Named(NamedTuple):
    """What a heard frame says of its source's state: the INTENT in force, and whether an emergency is flagged."""

    number: int
    serial: int
    distress: bool
    at_ns: int
    report: bool
    """Whether it is a POSITION, which alone tells of an emergency."""


class Declared(NamedTuple):
    """An INTENT as heard. `until_ns` is when its validity is over, at the latest."""

    kind: IntentKind
    until_ns: int
    number: int
    id: str


class Account:
    """One session of one station (in one stretch: see JOIN_NS). Lists are in the order of `number`."""

    def __init__(self, source: int, session: int, number: int, *, continues: bool):
        self.source = source
        self.session = session
        self.last_number = number
        self.first_number = number + 1
        self.tidy_from = number + 1
        """From which number on what is old is forgotten again."""
        self.continues = continues
        """Whether frames of the session were heard before this stretch of it."""
        self.last_at_ns = 0
        self.counts: list[Count] = []
        self.hails: list[Booked] = []
        self.acks: list[Booked] = []
        self.reports: deque[Booked] = deque(maxlen=REPORTS)
        """The last POSITIONs."""
        self.old_hails = self.old_acks = 0
        """How many of them were heard and are forgotten."""
        self.intents: dict[int, Declared] = {}
        self.named: list[Named] = []

    def number_of(self, sequence: int) -> int | None:
        """The unwrapped number of a sequence number near the last one heard; None if it lies behind it."""
        ahead = (sequence - self.last_number) & 0xFFFF
        return self.last_number + ahead if 0 < ahead < 0x8000 else None

    def reached(self, number: int, at_ns: int) -> bool:
        """Whether its source can have come to a number by then; if not, it is one of long ago, and has come round."""
        return number - self.last_number <= MOST_PER_S * (at_ns - self.last_at_ns + REORDER_NS) // NS_PER_S

    def passed_ns(self, sequence: int) -> tuple[int, int] | None:
        """Between which two instants a number that lies behind was sent; None if it is older than the books."""
        number = self.last_number - ((self.last_number - sequence) & 0xFFFF)
        named = self.named
        if not named or number < named[0].number:
            return None
        place = bisect_right(named, number, key=_number) - 1
        before = named[place]
        return before.at_ns, before.at_ns if before.number == number else named[place + 1].at_ns

    def has_heard(self, sequence: int) -> bool:
        """Whether the last frame of a sequence number was heard, as far as the books go back."""
        number = self.last_number - ((self.last_number - sequence) & 0xFFFF)
        return self.unheard_between(number, number + 1) == 0

    def enter(self, booked: Booked) -> None:
        """Write a first copy into the books."""
        frame, message = booked.frame, booked.frame.message
        self.last_number, self.last_at_ns = booked.number, booked.at_ns
        if isinstance(message, Position):
            self.reports.append(booked)
            distress = message.emergency is not EmergencyState.NONE
            self.named.append(Named(booked.number, frame.intent, distress, booked.at_ns, True))
            self._count(booked, message)
            return
        distress = self.named[-1].distress if self.named else False
        self.named.append(Named(booked.number, frame.intent, distress, booked.at_ns, False))
        if isinstance(message, Watch):
            self._count(booked, message)
        elif isinstance(message, Hail):
            self.hails.append(booked)
        elif isinstance(message, Ack):
            self.acks.append(booked)
        elif isinstance(message, Intent):
            self._declare(message, booked)

    def _count(self, booked: Booked, message: Position | Watch) -> None:
        hails, acks = message.hails, message.acks
        if not self.counts:
            sent = hails + acks + (message.idents if isinstance(message, Position) else 0)
            chain = 0 if sent <= booked.number < COUNTED and not self.continues else 1
        else:
            before = self.counts[-1]
            chain = before.chain if booked.number - before.number <= COUNTED else before.chain + 1
            if chain == before.chain:
                hails = before.hails + ((hails - before.hails) & 0xFF)
                acks = before.acks + ((acks - before.acks) & 0xFF)
        self.counts.append(Count(booked.number, booked.late_ns, hails, acks, chain, booked.early_ns))

    def _declare(self, intent: Intent, booked: Booked) -> None:
        # whole seconds are written: what is left may have been rounded down
        until = booked.late_ns + (intent.validity_s + 1) * NS_PER_S
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

        None: an unheard INTENT may have declared an avoidance, or an unheard POSITION an emergency.
        """
        begin = max(bisect_right(self.named, first, key=_number) - 1, 0)
        end = bisect_right(self.named, last, key=_number)
        answer: bool | None = False
        if self.named[begin].number > (first if self.continues else max(first, 0)) or self._may_hide_emergency(
            begin, end, first == last
        ):
            answer = None
        before: Named | None = None
        serial_before = 0
        for named in self.named[begin:end]:
            if named.distress:
                return True
            if before and _may_hide(before, named, serial_before):
                answer = None
            for serial in serials_passed(serial_before, named.serial):
                declared = self.intent(serial, named.number)
                if declared is None:
                    answer = None
                elif declared.kind is IntentKind.AVOID:
                    return True
            before, serial_before = named, named.serial or serial_before
        return answer

    def _may_hide_emergency(self, begin: int, end: int, strict: bool) -> bool:
        """Whether unheard POSITIONs may have flagged an emergency at some frame of named[begin:end].

        `strict` counts short times too: what one frame does may be the beginning of an emergency.
        """
        report = begin
        while report and not self.named[report].report:
            report -= 1
        unheard, last = 0 if self.named[report].report else 1, self.named[report]
        for before, named in pairwise(self.named[report:end]):
            unheard += named.number - before.number - 1
            if named.report:
                if unheard and named.at_ns - last.at_ns > BRIEF_NS:
                    return True
                unheard, last = 0, named
        return unheard > 0 and (strict or self.named[end - 1].at_ns - last.at_ns > BRIEF_NS)

    def unheard_between(self, first: int, last: int) -> int:
        """How many numbers between two frames that were heard were not."""
        heard = bisect_left(self.named, last, key=_number) - bisect_left(self.named, first, key=_number)
        return last - first - heard

    def missing_between(self, from_ns: int, until_ns: int) -> tuple[int, int]:
        """Between the last frame heard at an instant or before it (the first of all, if none was) and the last one at
        another: how many numbers passed, and how many of them were not heard."""
        first = max(bisect_right(self.named, from_ns, key=_at_ns) - 1, 0)
        last = bisect_right(self.named, until_ns, key=_at_ns) - 1
        if last <= first:
            return 0, 0
        passed = self.named[last].number - self.named[first].number - 1
        return passed, passed - (last - first - 1)

    def named_since_ns(self, serial: int) -> int:
        """When the last frame was heard that named another INTENT than this one, as all have since then; of the first
        frame of all, if none did."""
        for named in reversed(self.named):
            if named.serial != serial:
                return named.at_ns
        return self.named[0].at_ns

    @property
    def passed(self) -> int:
        """How many numbers it is known to have passed, from the first frame heard to the last."""
        return self.last_number - self.first_number + 1

    def unheard_since(self, at_ns: int, last: int) -> int:
        """How many numbers up to a frame that was heard were not, of those that may have been sent after an instant.

        Before the first frame that was heard of it, nothing was missed.
        """
        before = max(bisect_left(self.named, at_ns, key=_at_ns) - 1, 0)
        return self.unheard_between(self.named[before].number, last)

    def heard_all(self, since_ns: int, last: int) -> bool:
        """Whether every frame was heard that may have been sent from an instant on, up to a number."""
        begins = bisect_left(self.named, since_ns, key=_at_ns) - 1
        if begins < 0:
            return False  # it may have sent others before the first one heard, in this session or another
        return self.unheard_between(self.named[begins].number, last) == 0

    def number_before(self, at_ns: int) -> int:
        """The number of the last frame heard before an instant; one before the first if none was heard."""
        before = bisect_left(self.named, at_ns, key=_at_ns) - 1
        return self.named[before].number if before >= 0 else self.named[0].number - 1

    def unheard_hails(self, upto: Count) -> int | None:
        """How many HAILs of the session before this count were not heard; None if the counts do not say."""
        if upto.chain:
            return None
        return upto.hails - self.old_hails - bisect_left(self.hails, upto.number, key=_number)

    def unheard_acks(self, since_ns: int, upto: Count, *, or_first: bool = False) -> int | None:
        """How many ACKs were not heard, of those sent after a time and before this count; None: it is not said.

        `or_first`: where no count is that old, those after the first count heard.
        """
        base = self._count_before(since_ns, upto, or_first)
        return (
            upto.acks - base.acks - _between(self.acks, base, upto, self.old_acks) if base.chain == upto.chain else None
        )

    def unheard_hails_since(self, since_ns: int, upto: Count) -> int | None:
        """The same for HAILs."""
        base = self._count_before(since_ns, upto, or_first=False)
        return (
            upto.hails - base.hails - _between(self.hails, base, upto, self.old_hails)
            if base.chain == upto.chain
            else None
        )

    def _count_before(self, since_ns: int, upto: Count, or_first: bool) -> Count:
        """The last count before another that is older than an instant; else that of the session's start."""
        for count in reversed(self.counts):
            if count.number < upto.number and count.late_ns < since_ns:
                return count
        return self.counts[0] if or_first else Count(-1, 0, 0, 0, 0)

    def forget(self, before_ns: int) -> None:
        """Drop what no clause can ask for any more: what is older than an instant."""
        if self.last_at_ns < before_ns:
            self.reports.clear()
        keep = next((i for i, c in enumerate(self.counts) if c.late_ns >= before_ns), len(self.counts))
        del self.counts[: max(keep - 1, 0)]
        named = self.named[max(bisect_left(self.named, before_ns, key=_at_ns) - 1, 0)].number
        first = min([named, *(count.number for count in self.counts[:1])])
        del self.named[: max(bisect_left(self.named, first, key=_number) - 1, 0)]
        hails, acks = (bisect_left(some, first, key=_number) for some in (self.hails, self.acks))
        del self.hails[:hails], self.acks[:acks]
        self.old_hails, self.old_acks = self.old_hails + hails, self.old_acks + acks


def _between(some: list[Booked], base: Count, upto: Count, forgotten: int) -> int:
    """How many were heard between two counts; the first may be the session's start."""
    since = bisect_left(some, base.number, key=_number) if base.number >= 0 else -forgotten
    return bisect_left(some, upto.number, key=_number) - since


def _number(entry: Booked | Named) -> int:
    return entry.number


def _at_ns(entry: Named) -> int:
    return entry.at_ns


def _may_hide(a: Named, b: Named, serial_before: int) -> bool:
    """Whether a whole avoidance may lie in the unheard numbers from a to b, and not show in the serials they name."""
    unheard = b.number - a.number - 1
    if not unheard:
        return False
    gone_round = unheard >= SERIALS
    came_and_went = b.serial == 0 and b.at_ns - a.at_ns > BRIEF_NS
    came_unseen = serial_before == 0 and b.serial > 1  # one is enough, if b is itself the INTENT that came after it
    return gone_round or came_and_went or came_unseen


def serials_passed(before: int, serial: int) -> list[int]:
    """The serials in force from the frame that named `before` (0: none yet) to the one that names `serial`."""
    if serial == 0:
        return []
    if before in (0, serial):
        return [serial]
    steps = (serial - before) % SERIALS
    return [(before - 1 + i) % SERIALS + 1 for i in range(1, steps + 1)]
