"""6.3: a HAIL is answered."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from protocol.accounts import COUNTS, JOIN_NS, Account, Booked
from protocol.clauses.base import BY_WORD, EVERY_MESSAGE, OWN_DISTRESS, World, address_text, unless_suspended
from protocol.messages import Ack, FrameKey, Hail, MessageType, Position, Watch
from protocol.terms import AnswerTerms
from protocol.units import NS_PER_S, seconds_ns
from protocol.verdicts import CLOCK, Cause, Finding, Outcome, Passes

CALL_LIMITS = 6
"""HAILs of one call id no further apart than so many times the limit are one call."""


@dataclass(slots=True)
class _Call:
    """The HAILs heard of one call, and what proves that the addressee heard one of them."""

    caller: Account
    addressee: int
    hails: list[Booked] = field(default_factory=list)
    told: dict[str, tuple[Account, FrameKey | None]] = field(default_factory=dict)
    """For each HAIL, the addressee's receipt as last heard before."""
    proof: Booked | None = None
    proved: Booked | None = None
    settled: bool = False
    breach: tuple[int, int, Finding] | None = None
    """The silence that is proved, and the addressee's numbers between which 0.1 may suspend it."""
    doubted: bool = False
    """An ACK named a HAIL that was not heard, and that may have been this call's."""
    answered: int = 0
    """How many HAILs were there when an answer came too late; whoever gives one is not silent to these."""

    @property
    def unanswered(self) -> list[Booked]:
        """The HAILs since then."""
        return self.hails[self.answered :]

    def due_ns(self, limit_ns: int) -> int:
        """When an answer is due at the latest; a caller that leaves more time than the agreement is held to it."""
        return max(h.late_ns + max(limit_ns, _hail(h).reply_by_s * NS_PER_S) for h in self.hails)

    def holds(self, sequence: int) -> Booked | None:
        """The HAIL of this call with that sequence number."""
        return next((h for h in self.hails if h.frame.sequence == sequence), None)


class Answered:
    id = "6.3"
    title = "calls answered"
    text = "A HAIL is answered within {limit_s:g} s; silence to {calls} calls is a breach."
    instance = "each call: the same caller, call id and addressee"
    proof = (
        "Its own receipt or WATCH names one of the calls, and its ACK counts, from before the first call until after "
        "the last deadline, leave no room for an ACK that was not heard."
    )
    limits = (
        "An ACK that names a HAIL which was not heard may be the answer, and whoever answers too late is not silent to "
        "the calls before. Who starts anew has forgotten what it heard, and a caller that leaves more time than the "
        "agreement is held to it."
    )
    suspended_by = OWN_DISTRESS
    kind = "A"
    hears_copies = False
    watches = EVERY_MESSAGE

    def __init__(self, world: World, terms: AnswerTerms):
        self.world = world
        self.terms = terms
        self.limit_ns = seconds_ns(terms.limit_s)
        self.calls: dict[int, list[_Call]] = {}
        self.open: dict[int, list[_Call]] = {}
        """Those that may not be settled yet."""
        self.receipts: dict[int, tuple[Account, FrameKey | None]] = {}
        """What each station's last POSITION gave as its receipt."""
        self.current: dict[tuple[int, int], Account] = {}
        """The account of each source's session; a later one means that it began the session anew."""

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.talking()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message = booked.frame.message
        if self.current.get(booked.frame.key[:2]) is not booked.account:
            self._begun(booked)
        if isinstance(message, Hail):
            return self._called(booked, message)
        if isinstance(message, Ack):
            return self._answered(booked, message)
        if isinstance(message, COUNTS):
            found = self._check(booked) if self.open.get(booked.frame.source) else ()
            if isinstance(message, Position):
                self.receipts[booked.frame.source] = booked.account, message.receipt
            return found
        return ()

    def _begun(self, booked: Booked) -> None:
        source, before_ns = booked.frame.source, booked.at_ns - JOIN_NS
        for key in [k for k, account in self.current.items() if k[0] == source and account.last_at_ns < before_ns]:
            del self.current[key]
        self.current[source, booked.frame.session] = booked.account

    def _check(self, booked: Booked) -> list[Finding]:
        """What a count says of the calls to its source."""
        calls = self.open[booked.frame.source] = [c for c in self.open[booked.frame.source] if not c.settled]
        found: list[Finding] = []
        for call in calls:
            if call.proof is None:
                self._prove(call, booked)
            if call.proof is not None:
                found += self._judge(call, booked)
        return found

    def _forget(self, booked: Booked, addressee: int) -> Iterator[Finding]:
        """Calls that are long over are no longer kept, nor who made them."""
        kept_ns, kept = max(JOIN_NS, CALL_LIMITS * self.limit_ns), []
        for call in self.calls.get(addressee, ()):
            end_ns = call.due_ns(self.limit_ns) + kept_ns
            if booked.at_ns <= end_ns:
                kept.append(call)
                continue
            yield from self._left_open(call, end_ns)
            call.settled = True
        self.calls[addressee] = kept
        self.open[addressee] = [call for call in self.open.get(addressee, ()) if not call.settled]

    def _called(self, booked: Booked, hail: Hail) -> Iterator[Finding]:
        addressee = self.world.stations.get(hail.addressee)
        if addressee is None or addressee.role == "monitor":
            return
        yield from self._forget(booked, hail.addressee)
        calls = self.calls[hail.addressee]
        for call in calls:
            again = _hail(call.hails[-1]).call_id == hail.call_id and call.caller is booked.account
            if again and booked.at_ns - call.hails[-1].at_ns < CALL_LIMITS * self.limit_ns:
                call.hails.append(booked)
                break
        else:
            call = _Call(booked.account, hail.addressee, [booked])
            calls.append(call)
            self.open[hail.addressee].append(call)
        if hail.addressee in self.receipts:
            call.told[booked.id] = self.receipts[hail.addressee]

    def _answered(self, booked: Booked, ack: Ack) -> Iterator[Finding]:
        """An ACK settles the call whose HAIL it names; one to a HAIL that was not heard, the call around it.

        One that comes too late for every HAIL heard is no pass; but whoever gives it was not silent to them.
        """
        if ack.answers_type is not MessageType.HAIL:
            return
        caller = (ack.addressee, ack.answers_session)
        calls = [c for c in self.calls.get(booked.frame.source, ()) if (c.caller.source, c.caller.session) == caller]
        owners = [c for c in calls if c.holds(ack.answers_sequence)]
        for call in calls:
            if call.settled or call.breach is not None or (owners and call not in owners):
                continue
            first = call.hails[0]
            if (ack.answers_sequence - first.frame.sequence) & 0xFFFF >= 0x8000:
                call.doubted = True
            elif booked.early_ns <= call.due_ns(self.limit_ns):
                named = call.holds(ack.answers_sequence) or first
                call.settled = True
                yield self._finding(call, Outcome.PASS, booked.at_ns, (named.id, booked.id), named)
            elif not owners:
                call.doubted = True
            elif len(call.unanswered) < self.terms.calls:  # perhaps in time for a HAIL that was not heard
                call.answered, call.proof, call.proved = len(call.hails), None, None

    def _prove(self, call: _Call, booked: Booked) -> None:
        """A receipt or a report may be old and name another frame of this number: the caller's numbers went round, or
        it began its session anew. Then a report proves nothing, and a receipt only if it was another before the call.
        """
        message = booked.frame.message
        if self.current.get((call.caller.source, call.caller.session)) is not call.caller:
            return
        for hail in call.unanswered:
            key = hail.frame.key
            if isinstance(message, Position):
                account, receipt = call.told.get(hail.id, (None, None))
                named = message.receipt == key and account is booked.account and receipt != key
            elif isinstance(message, Watch) and message.report and not call.caller.continues and hail.number <= 0xFFFF:
                report = message.report
                named = (report.peer, report.session) == key[:2] and report.heard(key.sequence)
            else:
                named = False
            if named and call.proof is None:
                call.proof, call.proved = booked, hail

    def _judge(self, call: _Call, booked: Booked) -> Iterator[Finding]:
        """What a count proves; with silence proved, an INTENT that is said again may tell yet whether it avoided."""
        if call.breach is None:
            self._find_silent(call, booked)
        if call.breach is not None and (told := self._told(call, booked.at_ns)).cause is not Cause.STATE_UNHEARD:
            call.settled = True
            yield told

    def _told(self, call: _Call, at_ns: int) -> Finding:
        """What is said of a silence that is proved."""
        assert call.breach is not None
        assert call.proof is not None
        first, last, finding = call.breach
        suspended = self.world.suspended(call.proof.account, first, last)
        return unless_suspended(finding._replace(at_ns=at_ns), suspended)

    def _find_silent(self, call: _Call, booked: Booked) -> None:
        if call.proof is None or call.doubted or len(call.unanswered) < self.terms.calls:
            return
        if booked.early_ns <= call.due_ns(self.limit_ns):
            return
        count, begin_ns = booked.account.counts[-1], call.hails[0].early_ns
        if booked.account.unheard_acks(begin_ns, count) != 0 or self._answered_before(call, booked.account):
            return
        if call.proof.account is not booked.account:
            return  # it started anew in between: what it heard before is forgotten
        since = min(booked.account.number_before(call.hails[0].early_ns), call.proof.number)
        evidence = (*(h.id for h in call.unanswered), call.proof.id, booked.id)
        # the caller's trouble counts too: who seems to be gone need not be answered
        finding = self._finding(call, Outcome.FAIL, booked.at_ns, evidence, call.hails[-1])
        both = call.addressee, call.caller.source
        finding = self.world.unless_troubled(finding, begin_ns, call.due_ns(self.limit_ns), *both)
        call.breach = since, booked.number, finding

    def _answered_before(self, call: _Call, account: Account) -> bool:
        """Whether an ACK before the first HAIL heard may have answered one of the same call that was not heard."""
        since_ns = call.hails[0].early_ns - CALL_LIMITS * self.limit_ns
        if account.unheard_acks(since_ns, account.counts[-1], or_first=True) != 0:
            return True
        others = [c for c in self.calls[call.addressee] if c is not call and c.caller is call.caller]
        for booked in reversed(account.acks):
            if booked.late_ns < since_ns:
                break
            ack = booked.frame.message
            assert isinstance(ack, Ack)
            mine = (ack.addressee, ack.answers_session) == (call.caller.source, call.caller.session)
            mine = mine and booked.early_ns <= call.hails[0].late_ns
            if mine and not any(c.holds(ack.answers_sequence) for c in others):
                return True
        return False

    def _finding(
        self,
        call: _Call,
        outcome: Outcome,
        at_ns: int,
        evidence: tuple[str, ...],
        since: Booked,
        cause: Cause | None = None,
    ) -> Finding:
        caller, calls = address_text(call.caller.source), len(call.unanswered or call.hails)
        told = {
            Outcome.FAIL: f"called {calls} times by {caller}, proved to have heard, "
            "and its count of ACKs shows no answer",
            Outcome.INCONCLUSIVE: f"no answer in time was heard to {calls} call(s) by {caller}",
        }
        return Finding(
            clause=self.id,
            subject=address_text(call.addressee),
            outcome=outcome,
            at_ns=at_ns,
            summary=told.get(outcome, ""),
            evidence=evidence,
            cause=cause,
            measured=round((at_ns - since.at_ns) / NS_PER_S, 3),
            limit=self.terms.limit_s,
            unit="s",
            assumptions=(*BY_WORD, CLOCK) if outcome is Outcome.FAIL else (),
        )

    def counted(self) -> Iterable[Passes]:
        return ()

    def close(self, end_ns: int) -> Iterator[Finding]:
        for calls in self.calls.values():
            for call in calls:
                yield from self._left_open(call, end_ns)

    def _left_open(self, call: _Call, end_ns: int) -> Iterator[Finding]:
        """What becomes of a call that nothing settled."""
        begin_ns, due_ns = call.hails[0].early_ns, call.due_ns(self.limit_ns)
        if not call.settled and end_ns <= due_ns:
            yield Finding(self.id, address_text(call.addressee), Outcome.PENDING, end_ns)
        elif call.breach is not None and not call.settled:
            yield self._told(call, end_ns)
        elif not call.settled:
            evidence, last = tuple(h.id for h in call.hails), call.hails[-1]
            finding = self._finding(call, Outcome.INCONCLUSIVE, end_ns, evidence, last, Cause.NOT_PROVED_HEARD)
            if call.proof or self.world.why_unheard(begin_ns, due_ns, call.addressee) is not Cause.FRAME_LOST:
                finding = self.world.unheard(finding, begin_ns, end_ns, call.addressee)
            yield finding


def _hail(booked: Booked) -> Hail:
    assert isinstance(booked.frame.message, Hail)
    return booked.frame.message
