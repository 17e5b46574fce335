"""The judge: gives each observation to the clauses, and adds their findings up to verdicts.

It is told what the monitor heard, when the monitor was deaf, when the emulator itself had trouble with a station, and
when the recording ends; it never sees the truth.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from protocol.accounts import Account, Booked, Standing
from protocol.agreement import Agreement, Annexes
from protocol.books import Books
from protocol.clauses import IDS, clauses_in_force
from protocol.clauses.base import EVERY_MESSAGE, World, address_text
from protocol.clauses.c1_1 import Registered
from protocol.clauses.c3_3 import WellFormed
from protocol.clauses.c4_3 import TrueTime
from protocol.clauses.c8_1 import CoOrdinated
from protocol.clauses.c8_2 import ClosedAreas
from protocol.clauses.c8_3 import LineAlive
from protocol.clauses.c8_4 import IncidentReported
from protocol.clauses.c9_1 import OwnWord
from protocol.heard import Heard, Malformed, Word
from protocol.line.manifest import Contradiction
from protocol.line.presence import Presence, Read
from protocol.units import NS_PER_S
from protocol.verdicts import Cause, Finding, Outcome, Passes, Verdict, room

RISES_TO = {
    Outcome.PASS: Verdict.PASS,
    Outcome.INCONCLUSIVE: Verdict.INCONCLUSIVE,
    Outcome.FAIL: Verdict.FAIL,
}
TOWARDS_OTHERS = frozenset({"6.2", "6.3", "6.4", "6.5", "7.2", "7.3"})
"""Clauses about what is owed to another station."""
DECEIVED_NS = 120 * NS_PER_S
"""Who was deceived may do otherwise for so long."""
MOST_KEPT = 1000
"""So many fails, and as many that stay open, are kept of one clause for one subject; all are counted, and told."""
NONE_YET = dict.fromkeys(Outcome, 0)


@dataclass(slots=True)
class Tally:
    """What the findings of one clause for one subject add up to."""

    clause: str
    subject: str
    counts: dict[Outcome, int] = field(default_factory=NONE_YET.copy)
    causes: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    nearest: Finding | None = None
    applicable: bool = True
    _least: float = field(default=float("inf"), compare=False, repr=False)
    """The room of `nearest`."""

    def take(self, finding: Finding) -> None:
        self.counts[finding.outcome] += 1
        if finding.cause:
            self.causes[finding.cause] = self.causes.get(finding.cause, 0) + 1
        if finding.outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE):
            if self.counts[finding.outcome] <= MOST_KEPT:
                self.findings.append(finding)
        elif finding.outcome is Outcome.PASS:
            self._come_near(finding)

    def take_passes(self, passes: Passes) -> None:
        """The same for passes that were counted, after all that was taken before."""
        self.counts[Outcome.PASS] += passes.passed
        if passes.nearest is not None:
            self._come_near(passes.nearest)

    def _come_near(self, finding: Finding) -> None:
        if (least := room(finding.measured, finding.limit)) < self._least:
            self.nearest, self._least = finding, least

    @property
    def verdict(self) -> Verdict:
        """The highest that any instance gave."""
        if not self.applicable:
            return Verdict.NOT_APPLICABLE
        reached = [verdict for outcome, verdict in RISES_TO.items() if self.counts[outcome]]
        if reached:
            return max(reached)
        return Verdict.NOT_APPLICABLE if self.counts[Outcome.EXCUSED] else Verdict.NOT_EXERCISED

    @property
    def decided(self) -> float | None:
        """The share of instances that passed or failed, of those that could be judged; None if there were none."""
        settled = self.counts[Outcome.PASS] + self.counts[Outcome.FAIL]
        judged = settled + self.counts[Outcome.INCONCLUSIVE]
        return settled / judged if judged else None


def _ns(at: datetime) -> int:
    """An instant with a time zone as nanoseconds, UTC."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def _stranger(heard: Heard) -> Booked:
    """A frame of a source that nobody keeps books of: there may be any number of those."""
    account = Account(heard.frame.source, heard.frame.session, heard.frame.sequence, continues=False)
    return Booked.of(heard, Standing.COPY, -1, heard.at_ns, heard.at_ns, account, fresh=False)


READERS = (CoOrdinated, ClosedAreas, LineAlive, IncidentReported, OwnWord)
"""The clauses that read documents."""
PASSED_BY_ALL = (Registered, WellFormed, TrueTime)
"""Clauses that every first copy of a registered station passes, whatever it says: the judge counts those itself, which
takes less time."""


class Judge:
    """One judgement under one agreement. Feed it in order of arrival, then `close` it once."""

    def __init__(
        self,
        agreement: Agreement,
        annexes: Annexes,
        on_finding: Callable[[Finding], None] | None = None,
        *,
        each_pass: bool = False,
        line: Presence | None = None,
        listener: str = "",
    ):
        """`on_finding` is told each finding as it is made: passes only if `each_pass`, which costs much among many.

        `line` is who is seen on the ground line, where there is one, and `listener` what the monitor is called there.
        """
        self.world = World(agreement, annexes, each_pass=each_pass, line=line, listener=listener)
        self.books = Books(agreement.bounds.range_nm, {c.number: c.longest_hold_ns for c in agreement.channel})
        self.world.accounts = self.books.accounts
        self.clauses = clauses_in_force(self.world)
        watching = {kind: [c for c in self.clauses if kind in c.watches] for kind in EVERY_MESSAGE}
        self._passed_by_all = [c.id for c in self.clauses if isinstance(c, PASSED_BY_ALL) and not each_pass]
        self._told_passes: Counter[int] = Counter()
        """How many first copies of each station have been told as passes of these."""
        self._everyday = {
            kind: [c.hear for c in some if c.id not in self._passed_by_all] for kind, some in watching.items()
        }
        """Who is told of a first copy, by its kind of message."""
        self._odd = {kind: [c.hear for c in some if c.hears_copies] for kind, some in watching.items()}
        """Who is told of any other frame."""
        self._by_word = {
            kind: [c.hear for c in some if c.kind != "X" and not isinstance(c, (*PASSED_BY_ALL, OwnWord))]
            for kind, some in watching.items()
        }
        """Who is told of a frame that was not heard, and that its party's manifest tells of: not how it came."""
        self._vouching = next((c for c in self.clauses if isinstance(c, OwnWord)), None)
        self._readers = [c for c in self.clauses if isinstance(c, READERS)]
        self._reporting = next((c for c in self.clauses if isinstance(c, IncidentReported)), None)
        self._disputed_ns: dict[int, int] = {}
        """When a frame that its party disowns was heard last, by the station in whose name it was sent."""
        self.now_ns = 0
        self.from_ns = self.world.from_ns
        self.until_ns = None if agreement.in_force_until is None else _ns(agreement.in_force_until)
        self.tallies: dict[tuple[str, str], Tally] = {}
        self.heard: dict[int, Counter[Standing]] = {}
        """What the frames of each registered station could be used for, as counts; how many were not heard, as of when
        it was last asked what was found."""
        self._on_finding = on_finding
        for clause in self.clauses:
            for subject in clause.subjects():
                self.tallies[clause.id, subject] = Tally(clause.id, subject)
        judged = {(clause, part) for clause, subject in self.tallies for part in subject.split("/")}
        everybody = [f"{s.address:06x}" for s in sorted(annexes.register_, key=lambda s: s.address)]
        for key in ((clause, subject) for clause in IDS for subject in everybody):
            if key not in judged:  # switched off, or it judges no such station, alone or as one of a pair
                self.tallies[key] = Tally(*key, applicable=False)

    def hear(self, heard: Heard) -> None:
        """One frame that the monitor received. Arrivals never go back in time.

        Nobody is held to an agreement before it is in force, or afterwards.
        """
        at_ns, frame = heard.at_ns, heard.frame
        if at_ns > self.now_ns:
            self.now_ns = at_ns
        if at_ns < self.from_ns or (self.until_ns is not None and at_ns >= self.until_ns):
            return
        told, is_registered = self._odd, frame.source in self.world.stations
        if heard.word is Word.DISPUTED:  # nobody's: it goes into no books
            self._disputed_ns[frame.source] = at_ns
            self._take(self._vouching.hear(_stranger(heard)) if self._vouching else ())
            return
        booked = self.books.book(heard) if is_registered else _stranger(heard)
        if heard.word is Word.TOLD:
            if booked.standing is not Standing.FIRST:
                return
            told = self._by_word
        elif is_registered:
            heard_of, standing = self.heard.get(frame.source), booked.standing
            if heard_of is None:
                heard_of = self.heard[frame.source] = Counter()
            heard_of[standing] += 1
            if standing is Standing.FIRST:
                told = self._everyday
        for hear in told[type(frame.message)]:
            for finding in hear(booked):
                self._enter(finding)

    def hear_malformed(self, heard: Malformed) -> None:
        """Bytes that the monitor received and that are no frame, though their CRC is right."""
        self.now_ns = max(self.now_ns, heard.at_ns)
        if heard.at_ns < self.from_ns or (self.until_ns is not None and heard.at_ns >= self.until_ns):
            return
        for clause in self.clauses:
            if isinstance(clause, WellFormed):
                self._take(clause.hear_malformed(heard))

    def read(self, read: Read) -> None:
        """A document of the ground line, which came and was accepted. It is in the presence already."""
        self.advance(read.at_ns)
        for clause in self._readers:
            self._take(clause.settle(read.at_ns))  # what this comes too late for
            self._take(clause.read(read))

    def contradicted(self, found: Contradiction, at_ns: int) -> None:
        """Two manifests of a party contradict each other."""
        if self._vouching:
            self._enter(self._vouching.contradicted(found, at_ns))

    def hearing_gap(self, from_ns: int, until_ns: int) -> None:
        """The monitor heard nothing in this time, and knows it."""
        self.world.deaf.append((from_ns, until_ns))

    def host_trouble(self, address: int, from_ns: int, until_ns: int | None) -> None:
        """The emulator had trouble of its own with a station (0: with every one); None: it is not over yet.

        Told again with the same `from_ns`, it is the same trouble: so its end is told. What has been found is not taken
        back, so trouble is to be told before the first frame that the station sends after it.
        """
        self.world.troubles.setdefault(address, {})[from_ns] = until_ns

    def advance(self, now_ns: int) -> None:
        """Time passes."""
        self.now_ns = max(self.now_ns, now_ns)

    def close(self, end_ns: int) -> list[Tally]:
        """The recording ends. Returns the tallies in order of clause and subject."""
        self.advance(end_ns)
        for clause in self.clauses:
            self._take(clause.close(self.now_ns))
        for source in sorted(self.heard):
            if not self.heard[source][Standing.FIRST]:
                self._take(self._unusable(source))
        if self.world.contested:
            self._take(list(self._doubtful()))
        return self.so_far()

    def _doubtful(self) -> Iterator[Finding]:
        """Where two stations used one address, nothing that was kept in its name is known to be kept by its owner."""
        for tally in self.so_far():
            if tally.verdict is Verdict.PASS and self.world.is_contested(tally.subject):
                yield Finding(
                    clause=tally.clause,
                    subject=tally.subject,
                    outcome=Outcome.INCONCLUSIVE,
                    at_ns=self.now_ns,
                    summary="two stations used one address: it is not known which of them kept the clause",
                    cause=Cause.IDENTITY_CONTESTED,
                )

    def _unless_contested(self, finding: Finding) -> Finding:
        """A fail, unless two stations used the address then, or do so now."""
        if not self.world.is_contested(finding.subject, finding.at_ns, self.now_ns):
            return finding
        return finding._replace(
            outcome=Outcome.INCONCLUSIVE,
            summary=f"{finding.summary}; but two stations use the address",
            cause=Cause.IDENTITY_CONTESTED,
            assumptions=(),
        )

    def _unless_deceived(self, finding: Finding) -> Finding:
        """A fail, unless it is of a duty towards another in whose name somebody else sent: whoever heard that, too, may
        have taken it for true."""
        others = (ns for address, ns in self._disputed_ns.items() if address_text(address) != finding.subject)
        if finding.clause not in TOWARDS_OTHERS or not any(self.now_ns - ns <= DECEIVED_NS for ns in others):
            return finding
        return finding._replace(
            outcome=Outcome.INCONCLUSIVE,
            summary=f"{finding.summary}; but somebody sent in another's name, and may have deceived it",
            cause=Cause.IDENTITY_CONTESTED,
            assumptions=(),
        )

    def _unusable(self, source: int) -> Iterator[Finding]:
        """A station was heard and nothing it sent can be used: that is not the same as not having been exercised."""
        subject = f"{source:06x}"
        frames = self.heard[source].total()
        for tally in self.so_far():
            if tally.verdict is Verdict.NOT_EXERCISED and subject in tally.subject.split("/"):
                yield Finding(
                    clause=tally.clause,
                    subject=tally.subject,
                    outcome=Outcome.INCONCLUSIVE,
                    at_ns=self.now_ns,
                    summary=f"{frames} frames of {subject} were heard and none can be used: "
                    "the time they give is not the time at which they came",
                    cause=Cause.NOT_FRESH,
                )

    def so_far(self) -> list[Tally]:
        """The tallies as they stand, in order of clause and subject."""
        for clause in self.clauses:
            self._take(clause.counted())
        self._count_first_copies()
        return [self.tallies[key] for key in sorted(self.tallies)]

    def _count_first_copies(self) -> None:
        for source, standings in self.heard.items():
            standings[Standing.UNHEARD] = self.books.passed(source) - standings[Standing.FIRST]
            passed = standings[Standing.FIRST] - self._told_passes[source]
            self._told_passes[source] += passed
            for clause in self._passed_by_all if passed and source in self.world.talks else ():
                self._enter(Passes(clause, address_text(source), passed, None))

    def _take(self, findings: Iterable[Finding | Passes]) -> None:
        for finding in findings:
            self._enter(finding)

    def _enter(self, finding: Finding | Passes) -> None:
        key = (finding.clause, finding.subject)
        tally = self.tallies.get(key)
        if tally is None:
            tally = self.tallies[key] = Tally(*key)
        if isinstance(finding, Passes):
            tally.take_passes(finding)
            return
        if self.world.contested and finding.outcome is Outcome.FAIL:
            finding = self._unless_contested(finding)
        if self._disputed_ns and finding.outcome is Outcome.FAIL:
            finding = self._unless_deceived(finding)
        tally.take(finding)
        if self._reporting:
            self._reporting.learn(finding)
        if self._on_finding and (self.world.each_pass or finding.outcome is not Outcome.PASS):
            self._on_finding(finding)
