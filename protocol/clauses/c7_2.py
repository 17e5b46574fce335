"""7.2: an EMERGENCY is answered by the ground station that the agreement names."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from protocol.accounts import JOIN_NS, SESSIONS, Account, Booked, Named
from protocol.clauses.base import BY_WORD, World, address_text
from protocol.messages import Ack, Emergency, MessageType, Severity, Watch
from protocol.terms import DistressTerms
from protocol.units import NS_PER_S, seconds_ns
from protocol.unsent import flagged_throughout, number_before
from protocol.verdicts import CLOCK, Cause, Finding, Outcome, Passes

BEFORE_NS = 60 * NS_PER_S
"""An ACK no longer before the first EMERGENCY heard answers one of the same incident, if what it names was not heard;
an older one may."""
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
        "The station's own WATCH names a frame of the incident as heard, and its ACK counts, from the start of "
        "its session until after the deadline, leave no room for an ACK that was not heard."
    )
    limits = (
        "It needs the ground station's WATCH. A number of the one in distress that is missing until the deadline may "
        "have been its CANCEL, unless an EMERGENCY of the incident comes after it, and all POSITIONs until then, no "
        "more than 5 s apart, flag the emergency; so may one after the last that was heard of it. An ACK that names a "
        "frame that was not heard is taken for the answer, and so is one to the same number in the session before. A "
        "ground station that began anew within 600 s before may have answered then, and a WATCH proves nothing of a "
        "number that has gone round."
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
        """Those that have one, by session and number, until they are cancelled or the session is over."""
        self.acks: deque[Booked] = deque()
        """What the station answered to EMERGENCYs in the last `BEFORE_NS`."""
        self.doubtful: dict[tuple[int, int], int] = {}
        """When, before that, it last answered an EMERGENCY that was not heard, by the addressee and its session."""

    def subjects(self) -> list[str]:
        return [] if self.station is None else [address_text(self.station)]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message, source = booked.frame.message, booked.frame.source
        if isinstance(message, Emergency):
            if self.station is not None and source in self.world.flies:
                return (*self._forget(booked), *self._distress(booked, message))
        elif source == self.station:
            if isinstance(message, Ack) and message.answers_type is MessageType.EMERGENCY:
                return (*self._forget(booked), *self._answered(booked))
            if isinstance(message, Watch) and self.open:
                return (*self._forget(booked), *self._watched(booked, message))
        return ()

    def _distress(self, booked: Booked, emergency: Emergency) -> Iterator[Finding]:
        account = booked.account
        key = account, emergency.incident
        incident = next((i for i in self.open if (i.account, i.number) == key and i.cancelled_ns is None), None)
        if emergency.severity is Severity.CANCEL:
            self.settled = {s for s in self.settled if not _is_same(s, key)}
            if incident is not None:
                incident.cancelled_ns = booked.early_ns
        elif incident is not None:
            incident.heard.append(booked)
        elif self._is_settled(key, booked.early_ns - JOIN_NS):
            self.settled.add(key)
        else:
            incident = _Incident(account, emergency.incident, deque([booked], KEPT))
            self.open.append(incident)
            for ack in list(self.acks):
                yield from self._match(incident, ack)

    def _is_settled(self, key: tuple[Account, int], since_ns: int) -> bool:
        """Whether an incident was answered, or judged, in its own session or in one heard since an instant: who begins
        anew may go on with it under its number."""
        answered = {(i.account, i.number) for i in self.open if i.answer and i.cancelled_ns is None}
        same = (s[0] for s in self.settled | answered if _is_same(s, key))
        return any(account is key[0] or account.last_at_ns >= since_ns for account in same)

    def _forget(self, booked: Booked) -> Iterator[Finding]:
        """What is too old to be decided any more."""
        now_ns = booked.early_ns
        while self.acks and self.acks[0].late_ns < now_ns - BEFORE_NS:
            ack = self.acks.popleft()
            if (key := self._unheard(ack)) is not None:
                self.doubtful[key] = ack.late_ns
        for incident in [i for i in self.open if i.due_ns(self.limit_ns) + JOIN_NS < now_ns]:
            yield from self._left_open(incident, now_ns)
            if incident in self.open:
                self._settle(incident)
        self.settled = {s for s in self.settled if s[0].last_at_ns >= now_ns - JOIN_NS}

    def _unheard(self, booked: Booked) -> tuple[int, int] | None:
        """To whom and to which session an ACK went, if what it answers was not heard."""
        ack = booked.frame.message
        assert isinstance(ack, Ack)
        key = ack.addressee, ack.answers_session
        account = self.world.accounts.get(key)
        heard = account is not None and account.has_heard(ack.answers_sequence)
        return None if heard or ack.addressee not in self.world.flies else key

    def _answered(self, booked: Booked) -> Iterator[Finding]:
        self.acks.append(booked)
        for incident in list(self.open):
            yield from self._match(incident, booked)

    def _match(self, incident: _Incident, booked: Booked) -> Iterator[Finding]:
        """An ACK settles the incident of which it names an EMERGENCY, if it comes in time, in all its sessions."""
        ack = booked.frame.message
        assert isinstance(ack, Ack)
        named = incident.names(ack)
        if named is None or incident.answer is not None:
            return
        key = incident.account, incident.number
        for same in [i for i in self.open if i.answer is None and _is_same((i.account, i.number), key)]:
            if same.cancelled_ns is not None and same is not incident:
                continue
            same.answer, same.answered = booked, named if same is incident else same.heard[0]
            if booked.early_ns <= same.due_ns(self.limit_ns):
                yield self._passed(same)

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
            if self._is_due(incident):
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
        since_ns, station = incident.heard[0].early_ns - JOIN_NS, booked.account
        others = (a for a in self.world.accounts.values() if a.source == station.source and a is not station)
        if any(other.last_at_ns >= since_ns for other in others):
            return False  # nor is it known what it answered in the session before
        return not self._may_be_answered(incident) and booked.account.unheard_acks(0, booked.account.counts[-1]) == 0

    def _is_due(self, incident: _Incident) -> bool:
        """Whether no answer was sent, and the one in distress was heard after the deadline: the last that it sent,
        unheard, may be its CANCEL."""
        return incident.silent is not None and incident.account.last_at_ns > incident.due_ns(self.limit_ns)

    def _may_be_answered(self, incident: _Incident) -> bool:
        """Whether what the station was heard to answer, and was not heard itself, may have been this incident: in its
        session, or in one before, not long ago."""
        account, since_ns = incident.account, incident.heard[0].early_ns - JOIN_NS
        due_ns = incident.due_ns(self.limit_ns)
        recent = {key: a.late_ns for a in self.acks if a.early_ns <= due_ns and (key := self._unheard(a)) is not None}
        return any(
            source == account.source
            and (session == account.session or (_is_before(session, account.session) and at_ns >= since_ns))
            for (source, session), at_ns in (self.doubtful | recent).items()
        )

    def _breach(self, incident: _Incident) -> Iterator[Finding]:
        """It did not answer, unless there was nothing left to answer."""
        proved, proof, silent = incident.proved, incident.proof, incident.silent
        assert proved is not None
        assert proof is not None
        assert silent is not None
        is_open = self._is_open(incident, proved)
        if not is_open:
            if is_open is False:
                self._ask_again(incident, proved)
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

    def _is_open(self, incident: _Incident, proved: Booked) -> bool | None:
        """Whether it surely was not cancelled before an answer was due, in a frame that was heard or in another; None:
        the next EMERGENCY may prove that.

        It does for a station that flags an emergency all the time: its number is not used for another incident.
        """
        due_ns = incident.due_ns(self.limit_ns)
        if incident.cancelled_ns is not None and incident.cancelled_ns <= due_ns:
            return False
        account = incident.account
        place = bisect_right(account.named, due_ns, key=_at_ns)
        last = account.named[place].number if place < len(account.named) else account.last_number
        if not account.unheard_between(proved.number, last):
            return True
        again = next((e for e in incident.heard if e.early_ns > due_ns), None)
        if flagged_throughout(account, proved, again or incident.heard[-1]):
            return True if again else None
        return False

    @staticmethod
    def _ask_again(incident: _Incident, proved: Booked) -> None:
        """Each EMERGENCY that it heard is to be answered: a later one may decide."""
        later = [e for e in incident.heard if e.number > proved.number]
        if later and incident.cancelled_ns is None:
            incident.heard = deque(later, KEPT)
            incident.proved = incident.proof = incident.silent = None

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
            found = tuple(self._breach(incident)) if self._is_due(incident) else ()
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
        finding = Finding(
            clause=self.id,
            subject=address_text(self.station),
            outcome=Outcome.INCONCLUSIVE,
            at_ns=end_ns,
            summary=f"no answer heard to incident {incident.number} of {address_text(incident.account.source)}",
            evidence=(first.id,),
            cause=Cause.NOT_PROVED_HEARD,
            limit=self.limit_s,
            unit="s",
        )
        if incident.proved or self.world.why_unheard(first.early_ns, due_ns, self.station) is not Cause.FRAME_LOST:
            finding = self.world.unheard(finding, first.early_ns, end_ns, self.station, incident.account.source)
        yield finding


def _is_same(a: tuple[Account, int], b: tuple[Account, int]) -> bool:
    """Whether two incidents of a station have one number, in whichever session."""
    return a[0].source == b[0].source and a[1] == b[1]


def _at_ns(named: Named) -> int:
    return named.at_ns


def _is_before(session: int, other: int) -> bool:
    """Whether one session of a station may have come before another: they count up, and round."""
    return (other - session) % SESSIONS <= SESSIONS // 2
