"""A headquarters that keeps the agreement on the ground line: it is there, answers, reports, and tells what its
stations sent. Sans-I/O: it is told the time, what came and what its stations sent, and answers with what to publish."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from protocol.codec import decode
from protocol.errors import DecodeError
from protocol.line.documents import (
    NO_HASH,
    Answer,
    Body,
    Call,
    Document,
    Heartbeat,
    Incident,
    Manifest,
    Plan,
    PlanAnswer,
    Verdict,
    hash_of,
)
from protocol.messages import Emergency, Message, Severity
from protocol.units import NS_PER_S
from protocol.wire import header_slice

INCIDENTS: Mapping[str, Literal["too_close", "simulated_attack"]] = {"6.1": "too_close", "6.6": "simulated_attack"}
"""What breaches of two are called in a report."""
TURN = 1 << 16
NOT_SENT = b""
"""In place of a frame that was numbered and did not go on the air: its channel was busy for too long."""
SOURCE = header_slice("source")


@dataclass(frozen=True, slots=True)
class Errand:
    """Something to be published at an instant."""

    at_ns: int
    body: Body


@dataclass(frozen=True, slots=True)
class Office:
    """What a headquarters knows from the beginning. `says` has its answers to plans of the other party; `stations` are
    its party's, by address. A manifest is written `settled_ns` after the end of its time: by then all that was sent in
    it is known. `discloses`: manifests have the frames themselves."""

    client: str
    stations: tuple[int, ...]
    start_ns: int
    heartbeat_ns: int
    manifest_ns: int
    settled_ns: int = NS_PER_S
    errands: tuple[Errand, ...] = ()
    says: Mapping[str, str] = field(default_factory=dict)
    discloses: bool = True
    quiet: tuple[tuple[int, int], ...] = ()
    """Faults: from when until when it says nothing at all; whether it reports no incident; and when its manifests are
    followed by false ones."""
    hides: bool = False
    false: tuple[tuple[int, int], ...] = ()


class _Log:
    """What a station has sent and no manifest has told, by session and number; numbers count past 65,535."""

    def __init__(self) -> None:
        self.frames: dict[int, dict[int, tuple[int, bytes]]] = {}
        self.next: dict[int, int] = {}
        """The first number that no manifest has told."""
        self.last_session = 0

    def add(self, start_ns: int, session: int, sequence: int, data: bytes) -> bool:
        """Note a frame; False if its number was told: it is the same frame again."""
        begin = self.next.setdefault(session, sequence)
        ahead = (sequence - begin) % TURN
        if ahead > TURN // 2:
            return False
        self.last_session = session
        self.frames.setdefault(session, {}).setdefault(begin + ahead, (start_ns, data))
        return True

    def take(self, until_ns: int) -> dict[int, tuple[int, list[bytes]]]:
        """By session the first number, and the frames from it on up to the last that was sent before an instant."""
        told: dict[int, tuple[int, list[bytes]]] = {}
        for session, frames in self.frames.items():
            first = self.next[session]
            last = max((n for n, (start_ns, _) in frames.items() if start_ns < until_ns), default=first - 1)
            if last >= first:
                told[session] = first, [frames.pop(n, (0, NOT_SENT))[1] for n in range(first, last + 1)]
                self.next[session] = last + 1
        return told or {self.last_session: (self.next.get(self.last_session, 0), [])}


class Headquarters:
    """One party's. What it answers is published at the instant at which it was asked."""

    def __init__(self, office: Office, now_ns: int):
        self._office = office
        self._logs = {address: _Log() for address in office.stations}
        self.earlier = [e for e in office.errands if e.at_ns < office.start_ns] if now_ns <= office.start_ns else []
        """What it had published before the run."""
        self._errands = [e for e in office.errands if e.at_ns >= now_ns]
        self._heartbeat_ns = now_ns
        self._manifest_ns = _next(now_ns, office.start_ns, office.manifest_ns)
        self._since_ns = now_ns
        self._reported: set[tuple[str, str]] = set()
        self._own = {f"{address:06x}" for address in office.stations}

    @property
    def next_ns(self) -> int:
        """When it has something to do."""
        errand_ns = self._errands[0].at_ns if self._errands else self._heartbeat_ns
        return min(self._heartbeat_ns, self._manifest_ns + self._office.settled_ns, errand_ns)

    def wake(self, now_ns: int) -> Iterator[Body]:
        """Time has come so far."""
        said = list(self._wake(now_ns))
        return iter(()) if _during(now_ns, self._office.quiet) else iter(said)

    def _wake(self, now_ns: int) -> Iterator[Body]:
        while self._errands and self._errands[0].at_ns <= now_ns:
            yield self._errands.pop(0).body
        if self._heartbeat_ns <= now_ns:
            self._heartbeat_ns += self._office.heartbeat_ns
            yield Heartbeat()
        if self._manifest_ns + self._office.settled_ns <= now_ns:
            yield from self._manifests(self._manifest_ns)
            self._since_ns, self._manifest_ns = self._manifest_ns, self._manifest_ns + self._office.manifest_ns

    def read(self, now_ns: int, document: Document) -> Iterator[Body]:
        """A document came."""
        body, sender, own = document.body, document.sender, self._office.client
        if _during(now_ns, self._office.quiet):
            return
        if isinstance(body, Plan) and sender != own and document.at_ns >= self._office.start_ns:
            if (says := self._office.says.get(body.id, "agreed")) in ("agreed", "refused"):
                yield PlanAnswer(owner=sender, plan=body.id, result="agreed" if says == "agreed" else "refused")
        elif isinstance(body, Call) and body.to == own:
            yield Answer(call=body.id, to=sender, text="received")
        elif isinstance(body, Verdict) and body.verdict == "fail" and body.clause in INCIDENTS:
            stations = tuple(body.subject.split("/"))
            if self._own & set(stations):
                yield from self._report(INCIDENTS[body.clause], body.subject, stations, document.at_ns)

    def sent(self, start_ns: int, station: int, session: int, sequence: int, data: bytes) -> Iterator[Body]:
        """One of its stations has put a frame on the air. What it says in another's name is none of its own."""
        log = self._logs.get(station)
        if log is None or int.from_bytes(data[SOURCE]) != station or not log.add(start_ns, session, sequence, data):
            return
        message = _message(data)
        if isinstance(message, Emergency) and message.severity is not Severity.CANCEL:
            text = f"{station:06x}"
            yield from self._report("emergency", f"{text}/{session}/{message.incident}", (text,), start_ns)

    def _report(
        self,
        what: Literal["too_close", "simulated_attack", "emergency"],
        key: str,
        stations: tuple[str, ...],
        at_ns: int,
    ) -> Iterator[Body]:
        if (what, key) not in self._reported and not self._office.hides:
            self._reported.add((what, key))
            yield Incident(what=what, stations=stations, at_ns=at_ns)

    def _manifests(self, until_ns: int) -> Iterator[Body]:
        for address, log in sorted(self._logs.items()):
            for session, (first, frames) in sorted(log.take(until_ns).items()):
                hashes = tuple(hash_of(data).hex() if data else NO_HASH for data in frames)
                manifest = Manifest(
                    station=f"{address:06x}",
                    from_ns=self._since_ns,
                    until_ns=until_ns,
                    session=session,
                    first=first,
                    last=first + len(frames) - 1,
                    hashes=hashes,
                    frames=tuple(data.hex() for data in frames) if self._office.discloses else None,
                )
                yield manifest
                if hashes and _during(until_ns, self._office.false):
                    other = f"{int(hashes[-1], 16) ^ 1:016x}"
                    yield manifest.model_copy(update={"hashes": (*hashes[:-1], other), "frames": None})


def _during(at_ns: int, spans: tuple[tuple[int, int], ...]) -> bool:
    return any(begin <= at_ns < end for begin, end in spans)


def _next(now_ns: int, start_ns: int, every_ns: int) -> int:
    """The first of the regular instants after now."""
    return start_ns + ((now_ns - start_ns) // every_ns + 1) * every_ns


def _message(data: bytes) -> Message | None:
    try:
        return decode(data).message
    except DecodeError:
        return None
