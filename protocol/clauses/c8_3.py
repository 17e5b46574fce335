"""8.3: the line is alive, and a call on it is answered."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from protocol.accounts import Booked
from protocol.clauses.base import World
from protocol.line.documents import Answer, Call
from protocol.line.names import client_of_party
from protocol.line.presence import Read
from protocol.messages import Message
from protocol.terms import LineTerms
from protocol.units import NS_PER_S, seconds_ns
from protocol.verdicts import CLOCK, SIGNED, Cause, Finding, Outcome, Passes

MOST_CALLS = 100
"""So many calls of one client to another wait for an answer; and ten times as many answers of each are remembered."""
WITNESSES = 2
"""So many others must have been seen on the line, beside the monitor, while a headquarters was not."""


class _Called(NamedTuple):
    """A call, when it came, and whom it is to."""

    id: str
    call: str
    caller: str
    to: str
    at_ns: int


class LineAlive:
    id = "8.3"
    title = "line alive"
    text = (
        "A headquarters sends something on the ground line at least every {limit_s:g} s (a heartbeat every "
        "{every_s:g} s), and answers a call on it within {answer_s:g} s."
    )
    instance = "the time between two documents of a headquarters that come one after the other; and a call to it"
    proof = (
        "Silence: the monitor and two other clients saw the broker up in the middle of it. A call: a later document of "
        "the headquarters shows that it has got the call, and no answer came."
    )
    limits = (
        "Why a headquarters was silent is not known; if by their dates documents that came later were written all "
        "along, it was cut off, or they are dated back: that stays open. With fewer than two other clients silence "
        "proves nothing. A call that it got in the last 30 s of the time may have come too late to be answered. A "
        "call under an id that was answered before is answered; of more than 100 calls that wait no more are judged."
    )
    suspended_by = ""
    kind = "G"
    hears_copies = False
    watches: tuple[type[Message], ...] = ()

    def __init__(self, world: World, terms: LineTerms):
        self.world = world
        self.limit_ns, self.answer_ns = seconds_ns(terms.limit_s), seconds_ns(terms.answer_s)
        self.parties = {client_of_party(p.name): p.name for p in world.agreement.party}
        begins_ns = world.line.from_ns if world.line else 0
        self.last: dict[str, tuple[int, str]] = dict.fromkeys(self.parties, (begins_ns, ""))
        """When the last document of each headquarters came, and which it is."""
        self.silences: list[tuple[str, int, int, tuple[str, ...]]] = []
        """Silences that are over and too long; they wait for their witnesses' next documents."""
        self.calls: list[_Called] = []
        self.answered: dict[str, dict[tuple[str, str], int]] = {client: {} for client in self.parties}
        """When each answer was issued, by whom: to whom, and to which call."""

    def subjects(self) -> list[str]:
        return sorted(self.parties.values())

    def hear(self, booked: Booked) -> Iterable[Finding]:
        return ()

    def read(self, read: Read) -> Iterable[Finding]:
        document, at_ns = read.document, read.at_ns
        sender, body = document.sender, document.body
        assert self.world.line is not None
        if self.world.line.dated_before(document):
            return ()
        findings = []
        if sender in self.parties:
            since_ns, before = self.last[sender]
            self.last[sender] = (at_ns, document.id)
            if at_ns - since_ns > self.limit_ns:
                self.silences.append((sender, since_ns, at_ns, (before, document.id) if before else (document.id,)))
            else:
                findings.append(self._heard(sender, since_ns, at_ns))
        if isinstance(body, Call) and body.to in self.parties:
            if sum((c.caller, c.to) == (sender, body.to) for c in self.calls) < MOST_CALLS:
                self.calls.append(_Called(document.id, body.id, sender, body.to, at_ns))
        elif isinstance(body, Answer) and sender in self.parties:
            answered = self.answered[sender]
            answered.setdefault((body.to, body.call), document.at_ns)
            if len(answered) > 10 * MOST_CALLS:
                del answered[next(iter(answered))]
        return findings

    def settle(self, now_ns: int) -> Iterator[Finding]:
        ripe = [s for s in self.silences if s[2] + self.world.wait_ns < now_ns]
        for silence in ripe:
            self.silences.remove(silence)
            yield self._silent(*silence)
        for called in list(self.calls):
            deadline_ns = called.at_ns + self.answer_ns
            if self.answered[called.to].get((called.caller, called.call), deadline_ns + 1) <= deadline_ns:
                yield self._finding(called, Outcome.PASS)
            elif deadline_ns + self.world.wait_ns < now_ns:
                yield self._unanswered(called)
            else:
                continue
            self.calls.remove(called)

    def _heard(self, client: str, since_ns: int, until_ns: int) -> Finding:
        took_s = round((until_ns - since_ns) / NS_PER_S, 3)
        limit_s = self.limit_ns / NS_PER_S
        subject = self.parties[client]
        return Finding(self.id, subject, Outcome.PASS, until_ns, measured=took_s, limit=limit_s, unit="s")

    def _silent(self, client: str, since_ns: int, until_ns: int, evidence: tuple[str, ...]) -> Finding:
        line, limit_ns, middle_ns = self.world.line, self.limit_ns, since_ns + self.limit_ns // 2
        assert line is not None
        took_s = round((until_ns - since_ns) / NS_PER_S, 3)
        told, cause = f"nothing from its headquarters on the line for {took_s:g} s", None
        others = line.witnesses({client, self.world.listener}, middle_ns, middle_ns, limit_ns // 2)
        if len(others) < WITNESSES:
            told, cause = f"{told}; fewer than {WITNESSES} others were seen on it all along", Cause.NO_WITNESS
        if line.says_it_wrote(client, since_ns, since_ns + limit_ns, limit_ns // 2):
            told, cause = f"{told}; what came later was written meanwhile, by its date", Cause.LINE_GAP
        if line.gap(since_ns, since_ns + limit_ns):
            told, cause = f"{told}; but the monitor was cut off from the line", Cause.LINE_GAP
        return self.world.unless_troubled(
            Finding(
                clause=self.id,
                subject=self.parties[client],
                outcome=Outcome.INCONCLUSIVE if cause else Outcome.FAIL,
                at_ns=since_ns + limit_ns,
                summary=told if cause else f"{told}, while {' and '.join(others)} were seen on it",
                evidence=evidence,
                cause=cause,
                measured=took_s,
                limit=limit_ns / NS_PER_S,
                unit="s",
                assumptions=() if cause else (SIGNED, CLOCK),
            ),
            since_ns,
            min(until_ns, since_ns + limit_ns),
            *self.world.headquarters(self.parties[client]),
        )

    def _unanswered(self, called: _Called) -> Finding:
        """No answer came in time; one that came later was too late."""
        line, deadline_ns = self.world.line, called.at_ns + self.answer_ns
        assert line is not None
        told, cause = f"the call {called.call} of {called.caller} was not answered in time", None
        if not line.proved(called.to, called.at_ns, deadline_ns - self.world.wait_ns):
            told, cause = f"{told}; it is not proved that it was got", Cause.NOT_PROVED_HEARD
        if line.gap(called.at_ns, deadline_ns + self.world.wait_ns):
            told, cause = f"{told}; but the monitor was cut off from the line", Cause.LINE_GAP
        finding = self._finding(called, Outcome.INCONCLUSIVE if cause else Outcome.FAIL, told, cause)
        stations = self.world.headquarters(self.parties[called.to])
        return self.world.unless_troubled(finding, called.at_ns, deadline_ns, *stations)

    def _finding(self, called: _Called, outcome: Outcome, summary: str = "", cause: Cause | None = None) -> Finding:
        return Finding(
            clause=self.id,
            subject=self.parties[called.to],
            outcome=outcome,
            at_ns=called.at_ns,
            summary=summary,
            evidence=(called.id,),
            cause=cause,
            assumptions=(SIGNED, CLOCK) if outcome is Outcome.FAIL else (),
        )

    def counted(self) -> Iterable[Passes]:
        return ()

    def close(self, end_ns: int) -> Iterator[Finding]:
        for client, (since_ns, before) in self.last.items():
            if end_ns - since_ns > self.limit_ns:
                self.silences.append((client, since_ns, end_ns, (before,) if before else ()))
            else:
                yield Finding(self.id, self.parties[client], Outcome.PENDING, since_ns)
        yield from self.settle(end_ns)
        for client, since_ns, until_ns, evidence in self.silences:
            yield self._silent(client, since_ns, until_ns, evidence)
        for called in self.calls:
            yield self._finding(called, Outcome.PENDING)
