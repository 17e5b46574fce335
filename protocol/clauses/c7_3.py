"""7.3: an EMERGENCY has the channel: what is about anything else waits, once a station has heard of it.

A breach waits for the next EMERGENCY, which proves that the incident went on.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from protocol.accounts import JOIN_NS, Account, Booked, Named
from protocol.clauses.base import BY_WORD, OWN_DISTRESS, World, address_text, unless_suspended
from protocol.messages import (
    Ack,
    Emergency,
    FrameKey,
    FrequencyChange,
    Hail,
    MessageType,
    PeerReport,
    Position,
    Severity,
    Sighting,
    Watch,
)
from protocol.terms import NoTerms
from protocol.units import NS_PER_S
from protocol.verdicts import CLOCK, Cause, Finding, Outcome, Passes

KEPT = 1024
"""EMERGENCYs that are kept of one incident; beyond, nobody comes to know of it any more who did not before."""
QUEUED_NS = 2 * NS_PER_S
"""What was given to a transmitter goes out so much later at most."""
KNOWN = 5
"""EMERGENCYs kept that a station is known to have received: one is older than `QUEUED_NS`, if they come no faster than
two a second."""
REPORTED = 33
"""Numbers of which a WATCH tells whether they were heard."""


class _Known(NamedTuple):
    """An EMERGENCY that a station received, and the frame that proves it.

    `still`: a POSITION after the frame that had to wait, and by that, as by all heard from the proof on, nothing for it
    was received since: no CANCEL either.
    """

    emergency: Booked
    proof: Booked
    still: Booked | None = None


class _Named(NamedTuple):
    """What the POSITIONs of a session name as the last frame received, and since which of them."""

    key: FrameKey
    since: Booked


@dataclass(slots=True, eq=False)
class _Incident:
    """An emergency that is open, as far as was heard."""

    account: Account
    last: Booked
    heard: dict[int, Booked] = field(default_factory=dict)
    """Its EMERGENCYs by sequence number, those that say truly on which channel they are."""
    first_on: dict[int, Booked] = field(default_factory=dict)
    """The first of them on each channel."""
    knowing: dict[tuple[Account, int], deque[_Known]] = field(default_factory=dict)
    """By session and channel, the last of them that it is known to have received there."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A frame about something else, and the incidents of which its source knew. It is a breach if one goes on."""

    frame: Booked
    incidents: dict[_Incident, _Known]
    suspended: bool | None


class ChannelLeft:
    id = "7.3"
    title = "channel left to distress"
    text = "While an EMERGENCY is open, HAIL, FREQUENCY_CHANGE and SIGHTING about anything else wait on its channel."
    instance = (
        "each HAIL, FREQUENCY CHANGE or SIGHTING on the channel of an open incident, of whoever is proved to know of it"
    )
    proof = (
        "Its own receipt, WATCH or answer proves that it heard an EMERGENCY of the incident, its frame comes later, "
        "and the next EMERGENCY proves that the incident was still open then."
    )
    limits = (
        "What was sent within 2 s after the proof of receipt may have waited for a slot, and what was sent after the "
        "last EMERGENCY heard may have come after the end: neither is judged. A number of the one in distress that is "
        "missing may have been its CANCEL, unless from 2 s before the frame to 2 s after it all POSITIONs of the "
        "accused name one EMERGENCY as the last that it heard. A change of frequency for everybody, a SIGHTING "
        "without a subject, and what a ground station says without one may be about it. Who heard it on one channel "
        "is held on that. Whoever is in distress is taken to flag it in POSITION: where one that a frame is to or "
        "about does, or was not heard without a gap from its last POSITION before the frame until after, the frame "
        "convicts nobody."
    )
    suspended_by = OWN_DISTRESS
    kind = "S"
    hears_copies = False
    watches = (Ack, Emergency, FrequencyChange, Hail, Position, Sighting, Watch)

    def __init__(self, world: World, terms: NoTerms):
        self.world = world
        self.open: dict[tuple[Account, int], _Incident] = {}
        """By session and number; none that was not heard of for ten minutes."""
        self.waiting: deque[_Waiting] = deque()
        """In order of arrival."""
        self.named: dict[int, _Named] = {}
        """By source, of its present session."""

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.talking()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message = booked.frame.message
        if isinstance(message, Emergency):
            return tuple(self._distress(booked, message)) if booked.frame.source in self.world.flies else ()
        if not self.open or booked.frame.source not in self.world.talks:
            return ()
        if isinstance(message, Position):
            self._reports(booked, message.receipt)
        elif isinstance(message, Watch):
            if message.report is not None:
                self._reported(booked, message.report)
        elif not isinstance(message, Ack):
            return self._used(booked, message)
        elif message.answers_type is MessageType.EMERGENCY:
            key = FrameKey(message.addressee, message.answers_session, message.answers_sequence)
            self._received(booked, key)
        return ()

    def _distress(self, booked: Booked, emergency: Emergency) -> Iterator[Finding]:
        self._forget(booked.at_ns - JOIN_NS)
        key = booked.account, emergency.incident
        incident = self.open.get(key)
        if emergency.severity is Severity.CANCEL:
            if incident is not None:
                self._over(key)
            return
        if incident is None:
            incident = self.open[key] = _Incident(booked.account, booked)
        else:
            yield from self._goes_on(incident, booked)
        incident.last = booked
        if booked.frame.channel != booked.heard.channel:
            return
        incident.first_on.setdefault(booked.frame.channel, booked)
        if booked.number <= 0xFFFF and not booked.account.continues and len(incident.heard) < KEPT:
            incident.heard[booked.frame.sequence] = booked  # of others a receipt or a report may name an older frame

    def _forget(self, before_ns: int) -> None:
        for key in [key for key, incident in self.open.items() if incident.last.at_ns < before_ns]:
            self._over(key)
        while self.waiting and self.waiting[0].frame.at_ns < before_ns:
            self.waiting.popleft()

    def _over(self, key: tuple[Account, int]) -> None:
        """An incident was cancelled, or may have been: nothing that waits for it will be proved by it."""
        incident = self.open.pop(key)
        for waiting in self.waiting:
            waiting.incidents.pop(incident, None)
        self.waiting = deque(w for w in self.waiting if w.incidents)

    def _received(self, booked: Booked, key: FrameKey) -> None:
        for incident in self.open.values():
            named = incident.heard.get(key.sequence)
            if named is not None and named.frame.key == key:
                self._knows(incident, named, booked)

    def _reports(self, booked: Booked, key: FrameKey | None) -> None:
        """A POSITION: what its source knows, and what it still knew when it sent what had to wait."""
        named = self.named.pop(booked.frame.source, None)
        if key is None:
            return
        self._received(booked, key)
        if named is None or named.key != key or named.since.account is not booked.account:
            named = _Named(key, booked)
        self.named[booked.frame.source] = named
        for waiting in reversed(self.waiting):
            if waiting.frame.early_ns - named.since.late_ns <= QUEUED_NS:
                break
            if waiting.frame.account is booked.account and booked.early_ns - waiting.frame.late_ns > QUEUED_NS:
                self._knew(waiting, named, booked)

    @staticmethod
    def _knew(waiting: _Waiting, named: _Named, still: Booked) -> None:
        for incident in waiting.incidents:
            emergency = incident.heard.get(named.key.sequence)
            is_it = emergency is not None and emergency.frame.key == named.key
            if emergency is not None and is_it and emergency.frame.channel == waiting.frame.frame.channel:
                waiting.incidents[incident] = _Known(emergency, named.since, still)

    def _reported(self, booked: Booked, report: PeerReport) -> None:
        for incident in self.open.values():
            if (report.peer, report.session) != (incident.account.source, incident.account.session):
                continue
            near = ((report.last_sequence - i) & 0xFFFF for i in reversed(range(REPORTED)))
            for sequence in near:
                if sequence in incident.heard and report.heard(sequence):
                    self._knows(incident, incident.heard[sequence], booked)

    def _knows(self, incident: _Incident, emergency: Booked, proof: Booked) -> None:
        account, channel = incident.account, emergency.frame.channel
        if self.world.accounts.get((account.source, account.session)) is not account:
            return
        known = incident.knowing.setdefault((proof.account, channel), deque(maxlen=KNOWN))
        if known and known[-1].proof is proof:
            known.pop()  # a WATCH names many: the last that it proves, and what was proved before it, are enough
        if not known or known[-1].emergency.number < emergency.number:
            known.append(_Known(emergency, proof))

    def _used(self, booked: Booked, message: object) -> Iterable[Finding]:
        """A frame that may have to wait."""
        source, channel = booked.frame.source, booked.frame.channel
        if channel != booked.heard.channel:
            return ()
        on_it = [i for i in self.open.values() if channel in i.first_on and i.account.source != source]
        on_it = [i for i in on_it if i.first_on[channel].late_ns < booked.early_ns]
        if not on_it:
            return ()
        in_distress = {i.account.source for i in self.open.values()}
        subject = address_text(source)
        if source in in_distress:
            return (Finding(self.id, subject, Outcome.EXCUSED, booked.at_ns, cause=Cause.DISTRESS),)
        if _is_about(message, in_distress):
            return (Finding(self.id, subject, Outcome.PASS, booked.at_ns),)
        if source not in self.world.flies and _names_nobody(message):
            return ()
        known = {i: k for i in on_it if (k := self._known(i, booked)) is not None}
        if known:
            suspended = self.world.suspended(booked.account, booked.number, booked.number)
            self.waiting.append(_Waiting(booked, known, suspended))
        return ()

    @staticmethod
    def _known(incident: _Incident, booked: Booked) -> _Known | None:
        """The last EMERGENCY of which it knew when it gave the frame to its transmitter, and not only since."""
        known = incident.knowing.get((booked.account, booked.frame.channel), ())
        return next((k for k in reversed(known) if booked.early_ns - k.proof.late_ns > QUEUED_NS), None)

    def _goes_on(self, incident: _Incident, booked: Booked) -> Iterator[Finding]:
        """Another EMERGENCY of an incident: what was sent before it was sent while the incident was open."""
        before = [w for w in self.waiting if incident in w.incidents and w.frame.late_ns < booked.early_ns]
        proved = [w for w in before if self._heard_since(w.frame)]
        if proved:
            self.waiting = deque(w for w in self.waiting if w not in proved)  # by identity
        for waiting in proved:
            yield self._breach(waiting, incident, booked)

    def _breach(self, waiting: _Waiting, incident: _Incident, after: Booked) -> Finding:
        booked = waiting.frame
        emergency, proof, still = waiting.incidents[incident]
        source, account = booked.frame.source, booked.account
        finding = Finding(
            clause=self.id,
            subject=address_text(source),
            outcome=Outcome.FAIL,
            at_ns=booked.at_ns,
            summary=f"a {booked.frame.type.name} on channel {booked.frame.channel}, and not about "
            f"{address_text(incident.account.source)}, whose EMERGENCY was open there and which it had heard",
            evidence=(emergency.id, proof.id, booked.id, *([still.id] if still else []), after.id),
            assumptions=(*BY_WORD, CLOCK),
        )
        if still is None and _may_be_another(incident.account, emergency, booked, after):
            finding = finding._replace(outcome=Outcome.INCONCLUSIVE, assumptions=())
            return self.world.unheard(finding, emergency.early_ns, booked.late_ns, incident.account.source)
        suspended = waiting.suspended
        if suspended is None:  # what it sent since may tell
            suspended = self.world.suspended(account, booked.number, account.last_number)
        found = unless_suspended(self.world.unless_troubled(finding, proof.early_ns, booked.late_ns, source), suspended)
        doubtful = any(self._may_be_in_distress(address, booked) for address in self._about(booked))
        if found.outcome is not Outcome.FAIL or not doubtful:
            return found
        return found._replace(outcome=Outcome.INCONCLUSIVE, cause=Cause.STATE_UNHEARD, assumptions=())

    def _heard_since(self, booked: Booked) -> bool:
        """Whether all were heard after a frame that it is about, but for those who are not heard at all."""
        last_ns = {a: max(some) for a in self._about(booked) if (some := [x.last_at_ns for x in self._accounts(a)])}
        return all(at_ns > booked.late_ns for at_ns in last_ns.values())

    def _may_be_in_distress(self, address: int, booked: Booked) -> bool:
        """Whether somebody whom a frame is about may have been in distress then: flags it, or may have called for help,
        unheard, since its last POSITION."""
        accounts = self._accounts(address)
        begun = [a for a in accounts if a.named[0].at_ns <= booked.late_ns]
        if not begun:
            return bool(accounts)
        account = max(begun, key=lambda a: a.named[0].at_ns)
        place = bisect_right(account.named, booked.late_ns, key=_at_ns)
        report = next((n.number for n in reversed(account.named[:place]) if n.report), None)
        if report is None or place == len(account.named):
            return True
        near = [n for n in account.named[: place + 1] if n.number >= report]
        return any(n.distress for n in near) or account.unheard_between(report, near[-1].number) > 0

    def _about(self, booked: Booked) -> list[int]:
        """The aircraft to which a frame is addressed, and that it is about."""
        message = booked.frame.message
        some = {getattr(message, "addressee", None), getattr(message, "subject", None)}
        return [address for address in some if address in self.world.flies]

    def _accounts(self, address: int) -> list[Account]:
        return [account for (source, _), account in self.world.accounts.items() if source == address]

    def counted(self) -> Iterable[Passes]:
        return ()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from ()


def _may_be_another(account: Account, emergency: Booked, booked: Booked, after: Booked) -> bool:
    """Whether a CANCEL that was not heard may lie between an EMERGENCY and a frame of somebody else: what comes
    `after` is another incident then, under the number of the first."""
    place = bisect_right(account.named, booked.late_ns, key=_at_ns)
    last = account.named[place].number if place < len(account.named) else after.number
    return account.unheard_between(emergency.number, last) > 0


def _at_ns(named: Named) -> int:
    return named.at_ns


def _names_nobody(message: object) -> bool:
    """Whether a ground station may send it for the sake of those in distress: to clear the channel or call for help."""
    return isinstance(message, FrequencyChange) or (isinstance(message, Hail) and message.subject is None)


def _is_about(message: object, in_distress: set[int]) -> bool:
    """Whether a frame is, or may be, about one of those in distress, or to it."""
    if isinstance(message, Hail):
        return message.addressee in in_distress or message.subject in in_distress
    if isinstance(message, FrequencyChange):
        return message.addressee is None or message.addressee in in_distress
    return isinstance(message, Sighting) and (message.subject is None or message.subject in in_distress)
