"""7.2: an EMERGENCY is answered by the ground station that the agreement names."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from protocol.accounts import Account, Booked
from protocol.clauses.base import BY_WORD, World, address_text
from protocol.messages import Ack, Emergency, MessageType, Severity, Watch
from protocol.terms import DistressTerms
from protocol.units import NS_PER_S, seconds_ns
from protocol.unsent import number_before
from protocol.verdicts import CLOCK, Cause, Finding, Outcome, Passes

BEFORE_NS = 60 * NS_PER_S
"""An ACK no longer before the first EMERGENCY heard may answer one of the same incident that was not heard."""
KEPT = 1024
"""EMERGENCYs kept of one incident."""


@dataclass(slots=True)
class _Incident:
    """What was heard of one emergency, and of the answer to it."""

    account: Account
    number: int
    heard: deque[Booked]
    """Its EMERGENCYs, but for CANCEL."""
    proved: Booked | None = None
    """The first of them that the station surely heard."""
    proof: Booked | None = None
    """The WATCH that proves it."""
    answer: Booked | None = None
    answered: Booked | None = None
    """The first ACK heard of it, and the EMERGENCY that it names: the first, if it names one that was not heard."""
    cancelled_ns: int | None = None
    """When it was over, at the earliest."""
    silent: Booked | None = None
    """The WATCH that proves that no answer was sent."""

    def due_ns(self, limit_ns: int) -> int:
        """Until when the station has to answer, at the latest."""
        return (self.proved or self.heard[0]).late_ns + limit_ns

    def names(self, ack: Ack) -> Booked | None:
        """Which EMERGENCY of it an ACK answers, as far as is known."""
        first = self.heard[0]
        if (ack.addressee, ack.answers_session) != (self.account.source, self.account.session):
            return None
        ahead = (ack.answers_sequence - first.frame.sequence) & 0xFFFF
        number = first.number + (ahead if ahead < 0x8000 else ahead - 0x10000)
        known = next((e for e in self.heard if e.number == number), None)
        if known is not None or not self.account.unheard_between(number, number + 1):
            return known  # a frame that was heard and is none of these is answered for something else
        # an earlier one of the same incident may not have been heard
        return first if number > number_before(self.account, first.early_ns - BEFORE_NS) else None


class DistressAnswered:
    id = "7.2"
    title = "emergency answered"
    text = "An EMERGENCY is answered by the ground station {station} within {limit_s:g} s."
    instance = "each incident: the same session and number, until it is cancelled"
    proof = (
        "The station's own WATCH names a frame of the incident as heard, and its ACK counts, from a minute before the "
        "first EMERGENCY heard until after the deadline, leave no room for an ACK that was not heard."
    )
    limits = (
        "It needs the ground station's WATCH. A number missing between the EMERGENCY and the deadline may have been "
        "its CANCEL, unless the incident was heard to go on; an ACK that names a frame that was not heard is taken for "
        "the answer."
    )
    suspended_by = ""
    kind = "A"
    hears_copies = False
    watches = (Ack, Emergency, Watch)

    def __init__(self, world: World, terms: DistressTerms):
        self.world, self.limit_s = world, terms.limit_s
        self.limit_ns = seconds_ns(terms.limit_s)
        ground = (s.address for s in world.talking() if s.role == "ground" and s.call_sign == terms.station)
        self.station = next(ground, None)
        self.open: list[_Incident] = []
        """Those without a verdict."""
        self.settled: set[tuple[Account, int]] = set()
        """Those that have one, by session and number, until they are cancelled."""
        self.acks: deque[Booked] = deque()
        """What the station answered to EMERGENCYs in the last `BEFORE_NS`."""

    def subjects(self) -> list[str]:
        return [] if self.station is None else [address_text(self.station)]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message, source = booked.frame.message, booked.frame.source
        if isinstance(message, Emergency):
            if self.station is not None and source in self.world.flies:
                return tuple(self._distress(booked, message))
        elif source == self.station:
            if isinstance(message, Ack) and message.answers_type is MessageType.EMERGENCY:
                return tuple(self._answered(booked))
            if isinstance(message, Watch) and self.open:
                return tuple(self._watched(booked, message))
        return ()

    def _distress(self, booked: Booked, emergency: Emergency) -> Iterator[Finding]:
        account = booked.account
        key = account, emergency.incident
        incident = next((i for i in self.open if (i.account, i.number) == key and i.cancelled_ns is None), None)
        if emergency.severity is Severity.CANCEL:
            self.settled.discard(key)
            if incident is not None:
                incident.cancelled_ns = booked.early_ns
        elif incident is not None:
            incident.heard.append(booked)
        elif key not in self.settled:
            incident = _Incident(account, emergency.incident, deque([booked], KEPT))
            self.open.append(incident)
            self._forget(booked.early_ns - BEFORE_NS)
            for ack in list(self.acks):
                yield from self._match(incident, ack)

    def _forget(self, before_ns: int) -> None:
        while self.acks and self.acks[0].late_ns < before_ns:
            self.acks.popleft()

    def _answered(self, booked: Booked) -> Iterator[Finding]:
        self._forget(booked.early_ns - BEFORE_NS)
        self.acks.append(booked)
        for incident in list(self.open):
            yield from self._match(incident, booked)

    def _match(self, incident: _Incident, booked: Booked) -> Iterator[Finding]:
        """An ACK settles the incident of which it names an EMERGENCY, if it comes in time."""
        ack = booked.frame.message
        assert isinstance(ack, Ack)
        named = incident.names(ack)
        if named is None or incident.answer is not None:
            return
        incident.answer, incident.answered = booked, named
        if booked.early_ns <= incident.due_ns(self.limit_ns):
            yield self._passed(incident)

    def _watched(self, booked: Booked, watch: Watch) -> Iterator[Finding]:
        for incident in list(self.open):
            if incident.proof is None:
                self._prove(incident, booked, watch)
                if incident.proof is None:
                    continue
                if incident.answer and incident.answer.early_ns <= incident.due_ns(self.limit_ns):
                    yield self._passed(incident)
                    continue
            if incident.silent is None and self._is_silent(incident, booked):
                incident.silent = booked
            if incident.silent and incident.account.last_at_ns > incident.due_ns(self.limit_ns):
                yield from self._breach(incident)

    def _prove(self, incident: _Incident, booked: Booked, watch: Watch) -> None:
        """A report may be old and name another frame of this number, if the source began anew or its numbers went
        round."""
        report, account = watch.report, incident.account
        if report is None or (report.peer, report.session) != (account.source, account.session):
            return
        if self.world.accounts.get((report.peer, report.session)) is not account or account.continues:
            return
        heard = (e for e in incident.heard if e.number <= 0xFFFF and report.heard(e.frame.sequence))
        incident.proved = next(heard, None)
        incident.proof = booked if incident.proved else None

    def _is_silent(self, incident: _Incident, booked: Booked) -> bool:
        """Whether a WATCH proves that no answer was sent in time."""
        assert incident.proof is not None
        if booked.early_ns <= incident.due_ns(self.limit_ns):
            return False
        if incident.proof.account is not booked.account:
            return False  # it started anew in between: what it heard before is forgotten
        since_ns = incident.heard[0].early_ns - BEFORE_NS
        return booked.account.unheard_acks(since_ns, booked.account.counts[-1]) == 0

    def _breach(self, incident: _Incident) -> Iterator[Finding]:
        """It did not answer, unless there was nothing left to answer."""
        proved, proof, silent = incident.proved, incident.proof, incident.silent
        assert proved is not None
        assert proof is not None
        assert silent is not None
        if self._may_be_over(incident, proved):
            return
        self._settle(incident)
        due_ns = incident.due_ns(self.limit_ns)
        finding = Finding(
            clause=self.id,
            subject=address_text(silent.frame.source),
            outcome=Outcome.FAIL,
            at_ns=silent.at_ns,
            summary=f"its WATCH proves it heard incident {incident.number} of "
            f"{address_text(incident.account.source)}, and its count of ACKs shows no answer in time",
            evidence=tuple(dict.fromkeys((proved.id, proof.id, silent.id))),
            measured=round((silent.at_ns - proved.at_ns) / NS_PER_S, 3),
            limit=self.limit_s,
            unit="s",
            assumptions=(*BY_WORD, CLOCK),
        )
        # the trouble of the one in distress counts too: who seems to be gone need not be answered
        both = silent.frame.source, incident.account.source
        yield self.world.unless_troubled(finding, proved.early_ns, due_ns, *both)

    def _may_be_over(self, incident: _Incident, proved: Booked) -> bool:
        """Whether it was cancelled before an answer was due, or may have been in a frame that was not heard."""
        due_ns = incident.due_ns(self.limit_ns)
        if incident.cancelled_ns is not None and incident.cancelled_ns <= due_ns:
            return True
        if incident.heard[-1].early_ns > due_ns:
            return False
        return incident.account.unheard_between(proved.number, incident.account.last_number) > 0

    def _passed(self, incident: _Incident) -> Finding:
        self._settle(incident)
        ack, named = incident.answer, incident.proved or incident.answered
        assert ack is not None
        assert named is not None
        return Finding(
            clause=self.id,
            subject=address_text(ack.frame.source),
            outcome=Outcome.PASS,
            at_ns=ack.at_ns,
            evidence=(named.id, ack.id),
            measured=round(max(ack.at_ns - named.at_ns, 0) / NS_PER_S, 3),
            limit=self.limit_s,
            unit="s",
        )

    def _settle(self, incident: _Incident) -> None:
        self.open.remove(incident)
        if incident.cancelled_ns is None:
            self.settled.add((incident.account, incident.number))

    def counted(self) -> Iterable[Passes]:
        return ()

    def close(self, end_ns: int) -> Iterator[Finding]:
        for incident in list(self.open):
            found = tuple(self._breach(incident)) if incident.silent else ()
            yield from found or self._left_open(incident, end_ns)

    def _left_open(self, incident: _Incident, end_ns: int) -> Iterator[Finding]:
        assert self.station is not None
        due_ns, first = incident.due_ns(self.limit_ns), incident.heard[0]
        if incident.cancelled_ns is not None and incident.cancelled_ns <= due_ns:
            return
        if end_ns <= due_ns:
            yield Finding(self.id, address_text(self.station), Outcome.PENDING, end_ns)
            return
        answer, answered = incident.answer, incident.answered
        if incident.proved is None and answer and answered and answer.early_ns <= answered.late_ns + self.limit_ns:
            yield self._passed(incident)
            return
        cause = Cause.NOT_PROVED_HEARD
        if incident.proved or self.world.troubled(self.station, first.early_ns, due_ns):
            cause = self.world.why_unheard(first.early_ns, end_ns, self.station, incident.account.source)
        yield Finding(
            clause=self.id,
            subject=address_text(self.station),
            outcome=Outcome.INCONCLUSIVE,
            at_ns=end_ns,
            summary=f"no answer heard to incident {incident.number} of {address_text(incident.account.source)}",
            evidence=(first.id,),
            cause=cause,
            limit=self.limit_s,
            unit="s",
        )
