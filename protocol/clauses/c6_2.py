"""6.2: inside the contact ring they talk. The party named first in the agreement calls; if it has not, the other does.

The clock of a duty starts with the WATCH that proves that the other is near.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from protocol.accounts import COUNTS, Account, Booked
from protocol.bounds import Fix, Limits, left_area, level_m, separation
from protocol.clauses.base import BY_WORD, EVERY_MESSAGE, OWN_DISTRESS, ByAccount, World, address_text, opposed
from protocol.messages import Ack, Emergency, FrameKey, Hail, Ident, MessageType, Position, Severity, Watch
from protocol.terms import ContactTerms
from protocol.units import NM_M, NS_PER_S, seconds_ns
from protocol.verdicts import BOUNDS, CLOCK, Cause, Finding, Outcome, Passes

REMEMBERED = 64
"""POSITIONs kept per session: a WATCH speaks of 33 sequence numbers."""
ARRIVAL_NS = NS_PER_S // 10
"""More than a frame's delay and the clock bounds come to."""
HUSH_NS = 60 * NS_PER_S
"""Who has heard an EMERGENCY leaves the channel to it (7.3) for so long, whoever else is near."""


@dataclass(slots=True)
class _Duty:
    """One station's duty to call another, from the moment it is proved to know that the other is near."""

    caller: Account
    peer: Account
    deadline_ns: int
    evidence: tuple[str, str]
    range_m: float
    since: int
    """The caller's number when the duty began."""
    begun_ns: int
    settled: bool = False
    hushed: bool = False
    """Somebody was heard to be in distress, not long before it began or since."""
    silent: Booked | None = None
    """The count that proves that neither called."""
    receipts: list[FrameKey | None] = field(default_factory=list)
    """What the caller's POSITIONs named: the last one before the duty, and each other one since."""


@dataclass(slots=True)
class _Session:
    """What is remembered of one session: its latest bounds, its POSITIONs by number, the first call to each peer."""

    fix: Fix | None = None
    fixes: dict[int, tuple[str, tuple[Any, ...]]] = field(default_factory=dict)
    """The ids of the last POSITIONs and what they bound, as in Fix but for what they are of: whole frames, a minute of
    them from everybody, are more than a processor's cache holds."""
    called: dict[int, Booked] = field(default_factory=dict)
    addressed_ns: dict[int, int] = field(default_factory=dict)
    """The earliest that a call or an answer of that source can have been sent, which a receipt or an ACK names."""
    aloft_ns: int = 0
    """When it last said that it flies in the area."""
    accounted_ns: int = 0
    """All its HAILs up to here were heard."""
    begun_ns: int = 0
    """When it was first heard."""
    receipt: FrameKey | None = None
    """What its last POSITION named."""


@dataclass(slots=True)
class _Past:
    """What is left of a station's sessions that are over."""

    called: dict[int, int] = field(default_factory=dict)
    """When, at the earliest, the first call to each peer was sent."""
    last_ns: dict[int | None, int] = field(default_factory=dict)
    """When the first session that called each peer was last heard; under None, the first with a HAIL not heard."""

    def add(self, account: Account, session: _Session) -> None:
        for peer, call in session.called.items():
            self.called[peer] = min(call.early_ns, self.called.get(peer, call.early_ns))
        unheard = bool(account.counts) and account.unheard_hails(account.counts[-1]) != 0
        for key in (*session.called, *([None] if unheard else [])):
            self.last_ns.setdefault(key, account.last_at_ns)


class Contact:
    id = "6.2"
    title = "contact"
    text = "Inside the contact ring they talk: the first-named calls in {first_s:g} s, or the other in {second_s:g} s."
    instance = "each pair of sessions, once the one with the duty is proved to know that the other is near"
    proof = (
        "Its own WATCH proves that it heard the other's POSITION inside the ring; the HAIL counts of both leave no "
        "room for a call, and neither does its receipt after the deadline, or all that it answered until one was due."
    )
    limits = (
        "Whoever was called in time need not call, or a peer could frame it by calling first. The duty lapses if "
        "either lands, leaves or signs off, or the two are not surely inside the ring, before the deadline; once "
        "settled, the same two sessions are not judged again."
    )
    suspended_by = f"{OWN_DISTRESS}; an EMERGENCY heard from a minute before its duty began until it ended"
    kind = "A"
    hears_copies = False
    watches = EVERY_MESSAGE

    def __init__(self, world: World, terms: ContactTerms):
        self.world = world
        self._limits = Limits.of(world.agreement)
        self.terms = terms
        self.ring_m = terms.ring_nm * NM_M
        answer, report = world.agreement.clause.c6_3, world.agreement.clause.c4_1
        self.answer_ns = seconds_ns(answer.limit_s) if answer else 0
        self.receipt_ns = 2 * seconds_ns(report.every_s if report else 1.0) + world.longest_hold_ns
        """The receipt in a POSITION is no older, when that is sent."""
        self.first_party = world.agreement.party[0].name
        self.sessions: dict[Account, _Session] = {}
        self.current: dict[tuple[int, int], Account] = {}
        """The account of each source's session."""
        self.duties: dict[tuple[Account, Account], _Duty] = {}
        self.of_source: dict[int, ByAccount[_Session]] = {}
        """The sessions of each source."""
        self.past: dict[int, _Past] = {}
        self.by_caller: dict[Account, list[_Duty]] = {}
        """Duties that may not be settled yet."""
        self.by_peer: dict[Account, list[_Duty]] = {}
        self.distress: deque[Booked] = deque()
        """EMERGENCYs of anybody, but for CANCEL, of the last minutes."""

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.flying()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message, account = booked.frame.message, booked.account
        session = self.sessions.get(account)
        if session is None:
            return *self._begun(booked), *self.hear(booked)
        found: Iterable[Finding] = ()
        if isinstance(message, Position):
            self._report(session, booked, message)
        elif isinstance(message, Hail) and message.addressee in self.world.stations:
            session.called.setdefault(message.addressee, booked)
        elif isinstance(message, Ack) and message.answers_type is MessageType.HAIL:
            self._addressed(session, FrameKey(message.addressee, message.answers_session, message.answers_sequence))
            found = tuple(self._answered(booked, message))
        elif isinstance(message, Watch) and message.report and self.world.stations[account.source].party:
            self._begin(booked, message, session)
        elif isinstance(message, Ident) and message.sign_off:
            self._gone(account)
        elif isinstance(message, Emergency) and message.severity is not Severity.CANCEL:
            self._hushed(booked)
        if isinstance(message, COUNTS) and account.unheard_hails(account.counts[-1]) == 0:
            session.accounted_ns = booked.early_ns
        return (*found, *self._check(booked)) if self.by_caller.get(account) else found

    def _begun(self, booked: Booked) -> Iterator[Finding]:
        """A session begins; those of its station that are over leave what they say of later ones."""
        of_source = self.of_source.setdefault(booked.account.source, ByAccount())
        for account, session in of_source.over(booked):
            self.past.setdefault(account.source, _Past()).add(account, session)
            for caller, peer in [pair for pair in self.duties if account in pair]:
                duty = self.duties.pop((caller, peer))
                yield from self._left_open(duty, booked.at_ns)
                duty.settled = True
                for some in (self.by_caller[caller], self.by_peer[peer]):
                    some[:] = [other for other in some if other is not duty]
            for kept in (self.sessions, self.by_caller, self.by_peer):
                kept.pop(account, None)
            if self.current[account.source, account.session] is account:
                del self.current[account.source, account.session]
        account = booked.account
        of_source[account] = self.sessions[account] = _Session(begun_ns=booked.early_ns)
        self.current[account.source, account.session] = account

    def _report(self, session: _Session, booked: Booked, message: Position) -> None:
        aloft = message.airborne and not left_area(message, self.world.annexes.area)
        session.fix = self.world.fix_of(booked) if aloft else None
        if aloft:
            session.aloft_ns = booked.early_ns
        else:
            self._gone(booked.account)
        if message.receipt:
            self._addressed(session, message.receipt)
        session.receipt = message.receipt
        for duty in self.by_caller.get(booked.account, ()):
            if duty.silent is None and message.receipt not in duty.receipts:
                duty.receipts.append(message.receipt)
        for duty in (*self.by_caller.get(booked.account, ()), *self.by_peer.get(booked.account, ())):
            if not duty.settled and booked.early_ns <= duty.deadline_ns and not self._inside(duty, booked.at_ns):
                duty.settled = True  # whoever leaves the ring, or was never there, need not be called: it begins anew
                self.duties.pop((duty.caller, duty.peer), None)
        if session.fix:
            session.fixes[booked.number] = booked.id, session.fix[1:]
            if len(session.fixes) > REMEMBERED:
                del session.fixes[next(iter(session.fixes))]
                for over in [s for s in self.of_source[booked.account.source].values() if s is not session]:
                    over.fixes.clear()  # nobody asks for them any more

    def _inside(self, duty: _Duty, at_ns: int) -> bool:
        """Whether the two, by what both reported last, surely are inside the ring."""
        mine, its = self.sessions[duty.caller].fix, self.sessions[duty.peer].fix
        return (
            mine is not None
            and its is not None
            and separation(mine, its, at_ns, self._limits).level_high_m < self.ring_m
        )

    def _addressed(self, session: _Session, named: FrameKey) -> None:
        """A frame that was addressed to this session's station was heard by it."""
        account, sent_ns = self.current.get((named.source, named.session)), 0
        if account is not None and account.number_of(named.sequence) is not None:
            sent_ns = account.last_at_ns - ARRIVAL_NS
        elif account is not None and (passed := account.passed_ns(named.sequence)):
            sent_ns = passed[0] - ARRIVAL_NS
        session.addressed_ns[named.source] = min(sent_ns, session.addressed_ns.get(named.source, sent_ns))

    def _gone(self, account: Account) -> None:
        """A station that landed or signed off before the deadline has nobody to call, and need not be called."""
        for duty in (*self.by_caller.get(account, ()), *self.by_peer.get(account, ())):
            if account.last_at_ns <= duty.deadline_ns:
                duty.settled = True

    def _begin(self, booked: Booked, watch: Watch, session: _Session) -> None:
        """A WATCH names a peer: if it proves a POSITION heard inside the ring, a duty begins."""
        report = watch.report
        assert report is not None
        peer = self.current.get((report.peer, report.session))
        if peer is None or (booked.account, peer) in self.duties or session.fix is None:
            return
        if peer.last_number > 0xFFFF:
            return  # its numbers went round, and an old report may name those of the round before
        if not opposed(self.world.stations[booked.frame.source], self.world.stations[peer.source]):
            return
        known = next((f for n, f in reversed(self.sessions[peer].fixes.items()) if report.heard(n & 0xFFFF)), None)
        newest = self.sessions[peer].fix
        if known is None or newest is None:
            return
        heard_id, bounds = known
        heard = Fix(newest.booked, *bounds)
        if level_m(session.fix, heard, heard.at_ns) >= self.ring_m:
            return  # most are: no bound on the distance is less than this
        apart = separation(session.fix, heard, heard.at_ns, self._limits).level_high_m
        if apart >= self.ring_m:
            return
        wait = seconds_ns(self._limit_s(booked.account))
        evidence = (heard_id, booked.id)
        duty = _Duty(booked.account, peer, booked.late_ns + wait, evidence, apart, booked.number, booked.early_ns)
        duty.receipts.append(session.receipt)
        duty.hushed = any(e.late_ns >= duty.begun_ns - HUSH_NS for e in self.distress)
        self.duties[booked.account, peer] = duty
        self.by_caller.setdefault(booked.account, []).append(duty)
        self.by_peer.setdefault(peer, []).append(duty)

    def _answered(self, booked: Booked, ack: Ack) -> Iterator[Finding]:
        """An answer to a HAIL proves that the HAIL was sent, before the answer."""
        for duty in self.by_peer.get(booked.account, ()):
            answered = (duty.caller.source, duty.caller.session) == (ack.addressee, ack.answers_session)
            if answered and not duty.settled and booked.late_ns <= duty.deadline_ns:
                yield self._settle(duty, Outcome.PASS, booked.at_ns, (booked.id,), booked.at_ns)

    def _check(self, booked: Booked) -> Iterator[Finding]:
        duties = self.by_caller[booked.account] = [d for d in self.by_caller[booked.account] if not d.settled]
        for duty in duties:
            call = self.sessions[duty.caller].called.get(duty.peer.source)
            if call is not None and call.early_ns <= duty.deadline_ns:
                yield self._settle(duty, Outcome.PASS, booked.at_ns, (call.id,), call.at_ns)
            elif isinstance(booked.frame.message, COUNTS):
                yield from self._count(duty, booked)

    def _count(self, duty: _Duty, booked: Booked) -> Iterator[Finding]:
        """A count arrives; with silence proved, an INTENT that is said again may tell yet whether there was a duty."""
        duty.silent = duty.silent or (booked if self._is_silent(duty, booked) else None)
        if duty.silent is None or self._was_called(duty):
            return
        suspended = duty.caller.suspended(duty.since, duty.silent.number)
        if suspended or (suspended is False and duty.hushed):
            yield self._settle(duty, Outcome.EXCUSED, booked.at_ns, (), None, Cause.DISTRESS)
        elif suspended is False and any(self._is_unheard(receipt) for receipt in duty.receipts[1:]):
            yield self._settle(duty, Outcome.INCONCLUSIVE, booked.at_ns, (booked.id,), None, Cause.STATE_UNHEARD)
        elif suspended is False:
            yield self._silent(duty, duty.silent)._replace(at_ns=booked.at_ns)

    def _is_silent(self, duty: _Duty, booked: Booked) -> bool:
        """With every HAIL accounted for, and none of them in time, none was sent in time."""
        if self.sessions[duty.caller].accounted_ns <= duty.deadline_ns:
            return False
        if self._was_called(duty):
            duty.settled = True  # the other called in time, so they talk: no duty was left
            return False
        caller, peer = self.sessions[duty.caller], self.sessions[duty.peer]
        if peer.accounted_ns <= duty.deadline_ns or min(caller.aloft_ns, peer.aloft_ns) <= duty.deadline_ns:
            return False  # the other may have called, or one of them landed
        # what the other's counts hide, a receipt shows at once, and an answer in its time
        never = isinstance(booked.frame.message, Position) and caller.receipt is None
        if booked.early_ns <= duty.deadline_ns + min(self.answer_ns, self.receipt_ns if never else self.answer_ns):
            return False
        return duty.caller.unheard_acks(0, duty.caller.counts[-1]) == 0  # else one of them may have answered the other

    def _hushed(self, booked: Booked) -> None:
        """Somebody is in distress: whoever has to call now, or soon, waits if its call is about anything else."""
        while self.distress and self.distress[0].late_ns < booked.early_ns - 2 * HUSH_NS:
            self.distress.popleft()
        self.distress.append(booked)
        for duty in self.duties.values():
            duty.hushed = duty.hushed or booked.early_ns <= duty.deadline_ns

    def _is_unheard(self, receipt: FrameKey | None) -> bool:
        """Whether the caller received a frame that the monitor did not: it may have been an EMERGENCY."""
        account = self.world.accounts.get((receipt.source, receipt.session)) if receipt else None
        return receipt is not None and (account is None or not account.has_heard(receipt.sequence))

    def _silent(self, duty: _Duty, booked: Booked) -> Finding:
        """It did not call: a breach, unless the emulator had trouble with one of the two while it should have.

        Who seems to be gone is not called, so the other's trouble counts too. The time in which an answer may show a
        call that was not heard belongs to it. What trouble explains is forgotten: a later WATCH begins another duty.
        """
        both = duty.caller.source, duty.peer.source
        finding = self._settle(duty, Outcome.FAIL, booked.at_ns, (booked.id,), None)
        told = self.world.unless_troubled(finding, duty.begun_ns, duty.deadline_ns + self.answer_ns, *both)
        if told.outcome is not Outcome.FAIL:
            del self.duties[duty.caller, duty.peer]
            return told
        past = self.past.get(duty.caller.source, _Past())
        last_ns = [past.last_ns[key] for key in (duty.peer.source, None) if key in past.last_ns]
        mine = self.of_source[duty.caller.source].items()
        last_ns += [a.last_at_ns for a, s in mine if a is not duty.caller and self._may_have_called(a, s, both[1])]
        for since_ns in last_ns:
            # cut off, and back in a new session, it may remember that they have talked
            told = self.world.unless_troubled(told, since_ns, self.sessions[duty.caller].begun_ns, duty.caller.source)
        return told

    @staticmethod
    def _may_have_called(account: Account, session: _Session, peer: int) -> bool:
        """Whether a HAIL to the peer was heard in a session, or a HAIL of it was not heard."""
        return peer in session.called or (bool(account.counts) and account.unheard_hails(account.counts[-1]) != 0)

    def _limit_s(self, caller: Account) -> float:
        is_first = self.world.stations[caller.source].party == self.first_party
        return self.terms.first_s if is_first else self.terms.second_s

    def _was_called(self, duty: _Duty) -> bool:
        """Whether the peer, in any of its sessions, called the one that has the duty before its time was over.

        What the peer's counts hide, the other's receipts and answers show.
        """
        if self.sessions[duty.caller].addressed_ns.get(duty.peer.source, duty.deadline_ns + 1) <= duty.deadline_ns:
            return True
        past = self.past.get(duty.peer.source, _Past()).called.get(duty.caller.source, duty.deadline_ns + 1)
        calls = (session.called.get(duty.caller.source) for session in self.of_source[duty.peer.source].values())
        return past <= duty.deadline_ns or any(call and call.early_ns <= duty.deadline_ns for call in calls)

    def _settle(
        self,
        duty: _Duty,
        outcome: Outcome,
        at_ns: int,
        evidence: tuple[str, ...],
        called_ns: int | None,
        cause: Cause | None = None,
    ) -> Finding:
        duty.settled, limit = True, self._limit_s(duty.caller)
        begin_ns = duty.deadline_ns - seconds_ns(limit)
        measured = max((at_ns if called_ns is None else called_ns) - begin_ns, 0) / NS_PER_S
        peer = address_text(duty.peer.source)
        told = {
            Outcome.FAIL: f"its WATCH proves it heard {peer} at most {duty.range_m / NM_M:.1f} NM away; "
            f"{measured:.1f} s later its count of HAILs shows none to {peer}",
            Outcome.INCONCLUSIVE: f"no HAIL to {peer} was heard; the HAILs or INTENTs not heard may explain it",
        }
        return Finding(
            clause=self.id,
            subject=address_text(duty.caller.source),
            outcome=outcome,
            at_ns=at_ns,
            summary=told.get(outcome, ""),
            evidence=(*duty.evidence, *evidence),
            cause=cause,
            measured=round(measured, 3),
            limit=limit,
            unit="s",
            assumptions=(*BY_WORD, CLOCK, BOUNDS) if outcome is Outcome.FAIL else (),
        )

    def counted(self) -> Iterable[Passes]:
        return ()

    def close(self, end_ns: int) -> Iterator[Finding]:
        for duty in self.duties.values():
            yield from self._left_open(duty, end_ns)

    def _left_open(self, duty: _Duty, end_ns: int) -> Iterator[Finding]:
        """What becomes of a duty that nothing settled."""
        if duty.settled or self._was_called(duty):
            return
        last = duty.caller.last_at_ns
        if duty.deadline_ns > min(end_ns, last):
            yield Finding(self.id, address_text(duty.caller.source), Outcome.PENDING, end_ns)
            return
        left = self._settle(duty, Outcome.INCONCLUSIVE, end_ns, (), None, Cause.STATE_UNHEARD)
        told, since = self.world.with_losses if duty.silent else self.world.unheard, seconds_ns(self.terms.second_s)
        yield told(left, duty.deadline_ns - since, last, duty.caller.source, duty.peer.source)
