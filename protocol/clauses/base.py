"""What every clause is given and what it answers: the contract between the judge and its clauses."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from math import inf
from typing import Any, Protocol, TypeVar

from protocol.accounts import JOIN_NS, Account, Booked
from protocol.agreement import Agreement, Annexes, Station
from protocol.bounds import Fix, Limits, fix_of
from protocol.line.names import client_of_party
from protocol.line.presence import Presence
from protocol.losses import BY_LOSS, missing_of
from protocol.messages import TYPE_OF, Ack, Emergency, FrequencyChange, Hail, LostLink, Message
from protocol.sight import Sight, farthest_m, sight_of, surely_within
from protocol.units import NS_PER_S, seconds_ns
from protocol.verdicts import IDENTITY, UNATTRIBUTED, Cause, Finding, Outcome, Passes, room

Kept = TypeVar("Kept")
FLYING = ("aircraft", "uncrewed")
TALKING = (*FLYING, "ground")
EVERY_MESSAGE = tuple(TYPE_OF)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CALLS = frozenset({Hail, Ack, FrequencyChange, Emergency, LostLink})
"""Calls, answers and distress: what shared slots and guard channels are for."""
SPARE_M = 1.0
"""More than all roundings come to."""
EVERY_STATION = 0
"""The address of trouble that was with all stations."""
OWN_DISTRESS = "its own distress (0.1)"
EITHERS_DISTRESS = "the distress of either (0.1)"
ANNOUNCED = "a silence that was announced (EMCON)"
"""What suspends a clause, in words."""
LATE_NS = 30 * NS_PER_S
TROUBLE_MARGIN_NS = NS_PER_S
"""Trouble counts so long before and after it: it is noticed late, and who goes on needs a moment."""


class World:
    """What holds for a whole judgement: the terms, the register, when the monitor was deaf or the host in trouble."""

    def __init__(
        self,
        agreement: Agreement,
        annexes: Annexes,
        *,
        each_pass: bool = True,
        line: Presence | None = None,
        listener: str = "",
    ):
        self.agreement = agreement
        self.annexes = annexes
        self.each_pass = each_pass
        """Whether every pass must be a finding; if not, a clause may count its passes, and tell them later."""
        self.stations: dict[int, Station] = {s.address: s for s in annexes.register_}
        self._fixed: tuple[Booked | None, Fix | None] = (None, None)
        self._seen: tuple[Booked | None, Sight | None] = (None, None)
        self._hertz = {c.number: c.frequency_mhz * 1e6 for c in agreement.channel}
        self.flies = frozenset(s.address for s in annexes.register_ if s.role in FLYING)
        """The addresses of the aircraft: whom most clauses are about."""
        self.talks = frozenset(s.address for s in annexes.register_ if s.role in TALKING)
        """Those of everybody that sends: whom the rules of the channel are about."""
        self.from_ns = (agreement.in_force_from - EPOCH) // timedelta(microseconds=1) * 1000
        self._holds_ns = {c.number: c.longest_hold_ns for c in agreement.channel}
        self.longest_hold_ns = max(c.longest_hold_ns for c in agreement.channel)
        """How long after its time a frame may come because its channel was busy."""
        self.guards = {c.number: c.name for c in agreement.channel if c.guard}
        """The guard channels."""
        self.accounts: dict[tuple[int, int], Account] = {}
        """The books' own: by source and session, the account of it that is written now."""
        self.contested: dict[int, list[tuple[int, int]]] = {}
        """By address, from when and until when two stations were surely using it."""
        self.deaf: list[tuple[int, int]] = []
        self.line, self.listener = line, listener
        """The ground line as the monitor sees it (None: there is none), and what the monitor is called on it."""
        self.clients = {client_of_party(p.name): p.name for p in agreement.party}
        """The parties, by what their headquarters are called on the line."""
        manifests = agreement.clause.c9_1
        self.wait_ns = seconds_ns(manifests.wait_s) if manifests else LATE_NS
        """So long after its time a document that comes late still counts."""
        self.troubles: dict[int, dict[int, int | None]] = {}
        """The emulator's own trouble with each station: until when (None: not over), by since when."""

    def fix_of(self, booked: Booked) -> Fix | None:
        """What a POSITION bounds (see `bounds.fix_of`), which several clauses ask of the same one."""
        if self._fixed[0] is not booked:
            self._fixed = booked, fix_of(booked)
        return self._fixed[1]

    def hold_ns(self, channel: int) -> int:
        """How long after its time a frame may come on a channel because it was busy."""
        return self._holds_ns.get(channel, 0)

    def is_seen(self, booked: Booked) -> bool:
        """Whether power and delay of a POSITION say anything of its source: it was heard on the agreed channel that it
        names, and its session was not heard once before, a turn of the time field ago perhaps."""
        heard = booked.heard
        return (
            booked.frame.source in self.flies
            and booked.frame.channel == heard.channel
            and heard.channel in self._hertz
            and heard.receiver is not None
            and not booked.account.continues
        )

    def surely_weaker(self, booked: Booked, radiated_dbm: float) -> bool:
        """Whether a POSITION is so near, for its power, that its source surely radiates no more than this."""
        power_dbm, excess_db = booked.heard.power_dbm, self.agreement.bounds.excess_db
        hertz = self._hertz.get(booked.heard.channel)
        if power_dbm is None or excess_db is None or hertz is None:
            return False
        return surely_within(booked, farthest_m(power_dbm, radiated_dbm + excess_db, hertz) - SPARE_M)

    def sight_of(self, booked: Booked) -> Sight | None:
        """Of a POSITION with a bound (see `sight.sight_of`), which several clauses ask of the same one."""
        if self._seen[0] is not booked:
            fix, hertz = self.fix_of(booked), self._hertz.get(booked.heard.channel)
            excess_db = self.agreement.bounds.excess_db
            sight = None
            if fix is not None and hertz is not None and excess_db is not None:
                sight = sight_of(booked, fix, self._limits, hertz, excess_db)
            self._seen = booked, sight
        return self._seen[1]

    @cached_property
    def _limits(self) -> Limits:
        return Limits.of(self.agreement)

    def flying(self) -> list[Station]:
        """The registered aircraft, by address."""
        return sorted((s for s in self.stations.values() if s.role in FLYING), key=lambda s: s.address)

    def talking(self) -> list[Station]:
        """The registered stations that send, by address."""
        return sorted((s for s in self.stations.values() if s.role in TALKING), key=lambda s: s.address)

    def headquarters(self, party: str) -> list[int]:
        """The ground stations of a party, whose trouble is that of its headquarters."""
        return sorted(s.address for s in self.stations.values() if s.role == "ground" and s.party == party)

    def contest(self, address: int, from_ns: int, until_ns: int) -> None:
        """Two stations use an address from an instant on, and may do so until another."""
        known = self.contested.setdefault(address, [])
        if known and known[-1][1] >= from_ns:
            known[-1] = known[-1][0], until_ns
        else:
            known.append((from_ns, until_ns))

    def is_contested(self, subject: str, *instants_ns: int) -> bool:
        """Whether an address of a subject was contested at one of these instants; without any, at any time."""
        return any(
            not instants_ns or any(from_ns <= at_ns <= until_ns for at_ns in instants_ns)
            for address, stretches in self.contested.items()
            if address_text(address) in subject.split("/")
            for from_ns, until_ns in stretches
        )

    def troubled(self, address: int, from_ns: int, until_ns: int) -> bool:
        """Whether the emulator had trouble with a station between two instants, or nearly so."""
        begin, end = from_ns - TROUBLE_MARGIN_NS, until_ns + TROUBLE_MARGIN_NS
        return any(
            since <= end and (until is None or begin <= until)
            for known in (address, EVERY_STATION)
            for since, until in self.troubles.get(known, {}).items()
        )

    def suspended(self, account: Account, first: int, last: int) -> bool | None:
        """Whether 0.1 suspended duties (see `Account.suspended`); those of a ground station it never does."""
        return account.suspended(first, last) if account.source in self.flies else False

    def unless_troubled(self, finding: Finding, from_ns: int, until_ns: int, *addresses: int) -> Finding:
        """A finding about a stretch of time; no fail if the emulator had trouble with any of these stations in it."""
        if finding.outcome is not Outcome.FAIL or not any(self.troubled(a, from_ns, until_ns) for a in addresses):
            return finding
        return finding._replace(
            outcome=Outcome.INCONCLUSIVE,
            summary=f"{finding.summary}; but the emulator itself had trouble at that time",
            cause=Cause.HOST_TROUBLE,
            assumptions=(),
        )

    def why_unheard(self, from_ns: int, until_ns: int, *addresses: int) -> Cause:
        """Why frames of these stations between two instants may be missing."""
        if any(a < until_ns and from_ns < b for a, b in self.deaf):
            return Cause.MONITOR_DEAF
        troubled = any(self.troubled(address, from_ns, until_ns) for address in addresses)
        return Cause.HOST_TROUBLE if troubled else Cause.FRAME_LOST

    def unheard(self, finding: Finding, from_ns: int, until_ns: int, *addresses: int) -> Finding:
        """A finding that frames of these stations may explain, sent between two instants and not heard: with the cause,
        and with how many are missing."""
        cause = self.why_unheard(from_ns, until_ns, *addresses)
        return self.with_losses(finding._replace(cause=cause), from_ns, until_ns, *addresses)

    def with_losses(self, finding: Finding, from_ns: int, until_ns: int, *addresses: int) -> Finding:
        """A finding that stays open, and how many frames of these stations are missing between two instants: an
        annotation. Nothing where the cause is known to be another than loss."""
        if finding.cause not in BY_LOSS or self.why_unheard(from_ns, until_ns, *addresses) is not Cause.FRAME_LOST:
            return finding
        accounts = [a for a in self.accounts.values() if a.source in addresses]
        missing = (missing_of(address, accounts, from_ns, until_ns) for address in addresses)
        return finding._replace(losses=tuple(m for m in missing if m.unheard))


class Clause(Protocol):
    """One clause. It keeps what it must remember, and answers what it hears with findings.

    Findings depend only on what was heard, never on how the hearing was cut into blocks.
    """

    id: str
    title: str
    """Two or three words, for a table."""
    text: str
    """The rule in a sentence; a number of the agreement stands as its key in braces."""
    instance: str
    """What is judged once: it goes on from "an instance is"."""
    proof: str
    """What a fail rests on, in a sentence or two."""
    limits: str
    """What it cannot prove, and where it is kind."""
    suspended_by: str
    """What excuses a breach; empty if nothing does."""
    kind: str
    """C content, X circumstance, S state, A absence (see docs/architecture.md)."""
    hears_copies: bool
    """Whether copies, stale frames and frames of unregistered stations are of interest."""

    def __init__(self, world: World, terms: Any):
        """`terms`: the clause's own, of `protocol.terms`."""

    @property
    def watches(self) -> tuple[type[Message], ...]:
        """The kinds of message that it hears."""
        ...

    def subjects(self) -> list[str]:
        """Whom the clause applies to."""
        ...

    def hear(self, booked: Booked) -> Iterable[Finding | Passes]:
        """One frame, in the order of arrival. All are taken from what it answers before the next is heard."""
        ...

    def counted(self) -> Iterable[Passes]:
        """The passes counted and not told yet: for whoever asks what was found so far."""
        ...

    def close(self, end_ns: int) -> Iterator[Finding | Passes]:
        """The recording ends: what is still open becomes pending or inconclusive."""
        ...


@lru_cache(maxsize=4096)
def address_text(address: int) -> str:
    """An address as a subject: six lower-case hex digits."""
    return f"{address:06x}"


class ByAccount(dict[Account, Kept]):
    """What a clause keeps of each account, until no frame can continue it any more."""

    def over(self, booked: Booked) -> list[tuple[Account, Kept]]:
        """A frame begins another account of its station: take out what is kept of those that are over."""
        source, session = booked.frame.source, booked.frame.session
        old = [a for a in self if a.source == source and a is not booked.account]
        over = [a for a in old if a.session == session or a.last_at_ns < booked.at_ns - JOIN_NS]
        return [(account, self.pop(account)) for account in over]


class Tacit:
    """The passes of one clause that nobody needs to hear of one by one: they are counted, by station.

    A pass is told, as a finding, only where every pass must be, and where it comes nearer to the limit than all of its
    station before: so the nearest is known.
    """

    def __init__(self, clause: str, world: World):
        self._clause = clause
        self._each = world.each_pass
        self._counts: dict[int, int] = {}
        self._least: dict[int, float] = {}

    def count(self, source: int, measured: float | None = None, limit: float | None = None) -> bool:
        """Count a pass, rounded as its finding has it; False if it is to be told."""
        if self._each:
            return False
        if measured is not None:
            least = room(measured, limit)
            if least < self._least.get(source, inf):
                self._least[source] = least
                return False
        self._counts[source] = self._counts.get(source, 0) + 1
        return True

    def counted(self) -> Iterator[Passes]:
        """What was counted since this was asked before."""
        counts, self._counts = self._counts, {}
        for source, count in counts.items():
            yield Passes(self._clause, address_text(source), count, None)


def unless_suspended(finding: Finding, suspended: bool | None) -> Finding:
    """A fail of a clause that 0.1 suspends, by what the books say (see `Account.suspended`): none in distress, and none
    where distress cannot be ruled out."""
    open_ = (Outcome.FAIL, Outcome.INCONCLUSIVE) if suspended else (Outcome.FAIL,)
    if suspended is False or finding.outcome not in open_:
        return finding
    outcome, cause = (Outcome.EXCUSED, Cause.DISTRESS) if suspended else (Outcome.INCONCLUSIVE, Cause.STATE_UNHEARD)
    return finding._replace(outcome=outcome, cause=cause, assumptions=())


def not_fresh(finding: Finding) -> Finding:
    """What would be a fail, had the frame come at the time that it gives: anybody can have recorded it."""
    return finding._replace(subject=UNATTRIBUTED, outcome=Outcome.INCONCLUSIVE, cause=Cause.NOT_FRESH, assumptions=())


def opposed(a: Station, b: Station) -> bool:
    """Whether two stations fly for different parties."""
    return a.party is not None and b.party is not None and a.party != b.party


def pair_text(a: int, b: int) -> str:
    """Two addresses as one subject, the lower first."""
    return f"{min(a, b):06x}/{max(a, b):06x}"


BY_WORD = (IDENTITY,)
