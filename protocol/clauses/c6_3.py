"""6.3: a HAIL is answered. One instance per call: the same caller, call id and addressee, called up to `calls` times.

A breach is proved when the addressee's own receipt or WATCH names one of the calls, and its ACK counts, before the
first call and after the last deadline, leave no room for an ACK that was not heard.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from protocol.accounts import Account, Booked
from protocol.agreement import AnswerTerms
from protocol.clauses.base import BY_WORD, World, address_text
from protocol.messages import Ack, Hail, MessageType, Position, Watch
from protocol.units import NS_PER_S, seconds_ns
from protocol.verdicts import CLOCK, Cause, Finding, Outcome


@dataclass(slots=True)
class _Call:
    """The HAILs heard of one call, and what proves that the addressee heard one of them."""

    caller: Account
    addressee: int
    hails: list[Booked] = field(default_factory=list)
    proof: Booked | None = None
    proved: Booked | None = None
    settled: bool = False
    doubted: bool = False
    """An ACK named a HAIL that was not heard, and that may have been this call's."""

    def due_ns(self, limit_ns: int) -> int:
        """When an answer is due at the latest; a caller that leaves more time than the agreement is held to it."""
        return max(h.late_ns + max(limit_ns, _hail(h).reply_by_s * NS_PER_S) for h in self.hails)

    def holds(self, sequence: int) -> Booked | None:
        """The HAIL of this call with that sequence number."""
        return next((h for h in self.hails if h.frame.sequence == sequence), None)


class Answered:
    id = "6.3"
    text = "A HAIL is answered within {limit_s:g} s; silence to {calls} calls is a breach."
    kind = "A"
    hears_copies = False

    def __init__(self, world: World, terms: AnswerTerms):
        self.world = world
        self.terms = terms
        self.limit_ns = seconds_ns(terms.limit_s)
        self.calls: dict[int, list[_Call]] = {}

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.flying()]

    def hear(self, booked: Booked) -> Iterator[Finding]:
        message = booked.frame.message
        if isinstance(message, Hail):
            self._called(booked, message)
        elif isinstance(message, Ack):
            yield from self._answered(booked, message)
        elif isinstance(message, Position | Watch):
            for call in self.calls.get(booked.frame.source, ()):
                if not call.settled:
                    self._prove(call, booked)
                    yield from self._judge(call, booked)

    def _called(self, booked: Booked, hail: Hail) -> None:
        addressee = self.world.stations.get(hail.addressee)
        if addressee is None or addressee.role == "monitor":
            return
        calls = self.calls.setdefault(hail.addressee, [])
        for call in calls:
            again = _hail(call.hails[-1]).call_id == hail.call_id and call.caller is booked.account
            if again and booked.at_ns - call.hails[-1].at_ns < 6 * self.limit_ns:
                call.hails.append(booked)
                return
        calls.append(_Call(booked.account, hail.addressee, [booked]))

    def _answered(self, booked: Booked, ack: Ack) -> Iterator[Finding]:
        """An ACK settles the call whose HAIL it names; one to a HAIL that was not heard, the call around it.

        One that comes too late for every HAIL heard settles nothing: it is no pass.
        """
        if ack.answers_type is not MessageType.HAIL:
            return
        caller = (ack.addressee, ack.answers_session)
        calls = [c for c in self.calls.get(booked.frame.source, ()) if (c.caller.source, c.caller.session) == caller]
        owner = next((c for c in calls if c.holds(ack.answers_sequence)), None)
        for call in calls:
            if call.settled or owner not in (None, call):
                continue
            first = call.hails[0]
            if (ack.answers_sequence - first.frame.sequence) & 0xFFFF >= 0x8000:
                call.doubted = True
            elif booked.early_ns <= call.due_ns(self.limit_ns):
                named = call.holds(ack.answers_sequence) or first
                call.settled = True
                yield self._finding(call, Outcome.PASS, booked.at_ns, (named.id, booked.id), named)

    def _prove(self, call: _Call, booked: Booked) -> None:
        message = booked.frame.message
        for hail in call.hails:
            key = hail.frame.key
            if isinstance(message, Position):
                named = message.receipt == key
            elif isinstance(message, Watch) and message.report:
                report = message.report
                named = (report.peer, report.session) == key[:2] and report.heard(key.sequence)
            else:
                named = False
            if named and call.proof is None:
                call.proof, call.proved = booked, hail

    def _judge(self, call: _Call, booked: Booked) -> Iterator[Finding]:
        last = call.hails[-1]
        over = booked.early_ns > call.due_ns(self.limit_ns) and not call.doubted
        if not over or call.proof is None or call.proved is None or len(call.hails) < self.terms.calls:
            return
        if booked.account.unheard_acks(call.hails[0].early_ns, booked.account.counts[-1]) != 0:
            return
        if call.proof.account is not booked.account:
            return  # it started anew in between: what it heard before is forgotten
        call.settled = True
        since = min(booked.account.number_before(call.hails[0].early_ns), call.proof.number)
        suspended = booked.account.suspended(since, booked.number)
        evidence = (*(h.id for h in call.hails), call.proof.id, booked.id)
        if suspended:
            yield self._finding(call, Outcome.EXCUSED, booked.at_ns, evidence, last, Cause.DISTRESS)
        elif suspended is None:
            yield self._finding(call, Outcome.INCONCLUSIVE, booked.at_ns, evidence, last, Cause.STATE_UNHEARD)
        else:
            yield self._finding(call, Outcome.FAIL, booked.at_ns, evidence, last)

    def _finding(
        self,
        call: _Call,
        outcome: Outcome,
        at_ns: int,
        evidence: tuple[str, ...],
        since: Booked,
        cause: Cause | None = None,
    ) -> Finding:
        caller, calls = address_text(call.caller.source), len(call.hails)
        told = {
            Outcome.FAIL: f"called {calls} times by {caller}, proved to have heard, "
            "and its count of ACKs shows no answer",
            Outcome.INCONCLUSIVE: f"no answer heard to {calls} call(s) by {caller}",
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

    def close(self, end_ns: int) -> Iterator[Finding]:
        for calls in self.calls.values():
            for call in calls:
                last = call.hails[-1]
                if call.settled:
                    continue
                if end_ns <= call.due_ns(self.limit_ns):
                    yield Finding(self.id, address_text(call.addressee), Outcome.PENDING, end_ns)
                    continue
                cause = self.world.why_unheard(call.hails[0].at_ns, end_ns) if call.proof else Cause.NOT_PROVED_HEARD
                evidence = tuple(h.id for h in call.hails)
                yield self._finding(call, Outcome.INCONCLUSIVE, end_ns, evidence, last, cause)


def _hail(booked: Booked) -> Hail:
    assert isinstance(booked.frame.message, Hail)
    return booked.frame.message
