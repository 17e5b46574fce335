"""7.3: an EMERGENCY has the channel: what is about anything else waits, once a station has heard of it.

A breach waits for the next EMERGENCY, which proves that the incident went on.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from protocol.accounts import JOIN_NS, Account, Booked
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
REPORTED = 33
"""Numbers of which a WATCH tells whether they were heard."""


@dataclass(slots=True, eq=False)
class _Incident:
    """An emergency that is open, as far as was heard."""

    account: Account
    last: Booked
    heard: dict[int, Booked] = field(default_factory=dict)
    """Its EMERGENCYs by sequence number."""
    first_on: dict[int, Booked] = field(default_factory=dict)
    """The first of them on each channel."""
    knowing: dict[Account, Booked] = field(default_factory=dict)
    """By session, the frame that proves that it received one of them."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A frame about something else, and the incidents of which its source knew. It is a breach if one goes on."""

    frame: Booked
    incidents: list[_Incident]
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
        "last EMERGENCY heard may have come after the end: neither is judged. A change of frequency for everybody, and "
        "a SIGHTING without a subject, may be about the one in distress."
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

    def subjects(self) -> list[str]:
        return [address_text(s.address) for s in self.world.talking()]

    def hear(self, booked: Booked) -> Iterable[Finding]:
        message = booked.frame.message
        if isinstance(message, Emergency):
            return tuple(self._distress(booked, message)) if booked.frame.source in self.world.flies else ()
        if not self.open or booked.frame.source not in self.world.talks:
            return ()
        if isinstance(message, Position):
            if message.receipt is not None:
                self._received(booked, message.receipt)
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
        if booked.number <= 0xFFFF and not booked.account.continues and len(incident.heard) < KEPT:
            incident.heard[booked.frame.sequence] = booked  # of others a receipt or a report may name an older frame
        if booked.frame.channel == booked.heard.channel:
            incident.first_on.setdefault(booked.frame.channel, booked)

    def _forget(self, before_ns: int) -> None:
        for key in [key for key, incident in self.open.items() if incident.last.at_ns < before_ns]:
            self._over(key)
        while self.waiting and self.waiting[0].frame.at_ns < before_ns:
            self.waiting.popleft()

    def _over(self, key: tuple[Account, int]) -> None:
        """An incident was cancelled, or may have been: nothing that waits for it will be proved by it."""
        incident = self.open.pop(key)
        for waiting in self.waiting:
            if incident in waiting.incidents:
                waiting.incidents.remove(incident)
        self.waiting = deque(w for w in self.waiting if w.incidents)

    def _received(self, booked: Booked, key: FrameKey) -> None:
        for incident in self.open.values():
            named = incident.heard.get(key.sequence)
            if named is not None and named.frame.key == key:
                self._knows(incident, booked)

    def _reported(self, booked: Booked, report: PeerReport) -> None:
        for incident in self.open.values():
            if (report.peer, report.session) != (incident.account.source, incident.account.session):
                continue
            near = ((report.last_sequence - i) & 0xFFFF for i in range(REPORTED))
            if any(sequence in incident.heard and report.heard(sequence) for sequence in near):
                self._knows(incident, booked)

    def _knows(self, incident: _Incident, booked: Booked) -> None:
        account = incident.account
        if self.world.accounts.get((account.source, account.session)) is account:
            incident.knowing.setdefault(booked.account, booked)

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
        known = [i for i in on_it if booked.account in i.knowing and self._had_time(i.knowing[booked.account], booked)]
        if known:
            suspended = self.world.suspended(booked.account, booked.number, booked.number)
            self.waiting.append(_Waiting(booked, known, suspended))
        return ()

    @staticmethod
    def _had_time(proof: Booked, booked: Booked) -> bool:
        """Whether it knew of the incident when it gave the frame to its transmitter, and not only since."""
        return booked.early_ns - proof.late_ns > QUEUED_NS

    def _goes_on(self, incident: _Incident, booked: Booked) -> Iterator[Finding]:
        """Another EMERGENCY of an incident: what was sent before it was sent while the incident was open."""
        proved = [w for w in self.waiting if incident in w.incidents and w.frame.late_ns < booked.early_ns]
        if proved:
            self.waiting = deque(w for w in self.waiting if w not in proved)  # by identity
        for waiting in proved:
            yield self._breach(waiting, incident, booked)

    def _breach(self, waiting: _Waiting, incident: _Incident, after: Booked) -> Finding:
        booked = waiting.frame
        proof, before = incident.knowing[booked.account], incident.first_on[booked.frame.channel]
        source, account = booked.frame.source, booked.account
        finding = Finding(
            clause=self.id,
            subject=address_text(source),
            outcome=Outcome.FAIL,
            at_ns=booked.at_ns,
            summary=f"a {booked.frame.type.name} on channel {booked.frame.channel}, and not about "
            f"{address_text(incident.account.source)}, whose EMERGENCY was open there and which it had heard",
            evidence=(before.id, proof.id, booked.id, after.id),
            assumptions=(*BY_WORD, CLOCK),
        )
        suspended = waiting.suspended
        if suspended is None:  # what it sent since may tell
            suspended = self.world.suspended(account, booked.number, account.last_number)
        return unless_suspended(self.world.unless_troubled(finding, proof.early_ns, booked.late_ns, source), suspended)

    def counted(self) -> Iterable[Passes]:
        return ()

    def close(self, end_ns: int) -> Iterator[Finding]:
        yield from ()


def _is_about(message: object, in_distress: set[int]) -> bool:
    """Whether a frame is, or may be, about one of those in distress, or to it."""
    if isinstance(message, Hail):
        return message.addressee in in_distress or message.subject in in_distress
    if isinstance(message, FrequencyChange):
        return message.addressee is None or message.addressee in in_distress
    return isinstance(message, Sighting) and (message.subject is None or message.subject in in_distress)
