"""A monitor that is on the ground line, for tests: it is told documents in words, and signs them for their senders."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.agreement import Agreement, Annexes
from protocol.codec import encode
from protocol.heard import Heard
from protocol.judge import Tally
from protocol.line.documents import KINDS, Document, Manifest, hash_of
from protocol.line.envelope import Sealed, seal
from protocol.line.judging import LineJudge
from protocol.messages import Frame, Message, stamp
from protocol.units import seconds_ns
from protocol.verdicts import Finding

CLIENTS = ("coalition", "federation", "monitor-mon-1", "monitor-mon-2")
LISTENER = "monitor-mon-1"
CLOCK_BOUND_NS = 1_000_000


def key_of(client: str) -> Ed25519PrivateKey:
    """A key that only tests have."""
    return Ed25519PrivateKey.from_private_bytes(sha256(f"test key of {client}".encode()).digest())


def on_line(annexes: Annexes) -> Annexes:
    """The same annexes with a ground line, on which both parties' headquarters and two monitors are."""
    keys = {client: key_of(client).public_key().public_bytes_raw().hex() for client in CLIENTS}
    register = [s.model_dump() for s in annexes.register_]
    register.append({"address": 0x200009, "call_sign": "BASE", "party": "federation", "role": "ground"})
    whole = annexes.model_dump(by_alias=True) | {"register": register, "keys": keys}
    return Annexes.model_validate(whole)


class Sent(NamedTuple):
    """A frame that a station put on the air, heard or not."""

    at_ns: int
    frame: Frame
    data: bytes


class LineMonitor:
    """Hears frames and reads documents. Times are seconds after the start of the recording."""

    def __init__(self, agreement: Agreement, annexes: Annexes, start_ns: int):
        self.findings: list[Finding] = []
        self.agreement, self.start_ns = agreement, start_ns
        self.judge = LineJudge(
            agreement, on_line(annexes), self.findings.append, from_ns=start_ns, listener=LISTENER, each_pass=True
        )
        self.heard = 0
        self.sent: list[Sent] = []
        self._numbers: Counter[str] = Counter()
        self._published: dict[str, Sealed] = {}

    def at(self, seconds: float) -> int:
        return self.start_ns + seconds_ns(seconds)

    def put_on_air(
        self,
        at_s: float,
        source: int,
        sequence: int,
        message: Message,
        *,
        session: int = 1,
        intent: int = 0,
        channel: int = 1,
        sent_s: float | None = None,
        time_quality: int = 3,
    ) -> Sent:
        """A frame is sent, of which manifests tell."""
        sent_ns = self.at(at_s if sent_s is None else sent_s)
        frame = Frame(source, session, sequence % 65536, channel, intent, time_quality, stamp(sent_ns), message)
        self.sent.append(sent := Sent(sent_ns, frame, encode(frame)))
        return sent

    def hear(
        self,
        at_s: float,
        source: int,
        sequence: int,
        message: Message,
        *,
        heard_on: int | None = None,
        power_dbm: float | None = None,
        **how: Any,
    ) -> None:
        """The same, and the monitor hears it."""
        sent = self.put_on_air(at_s, source, sequence, message, **how)
        self.heard += 1
        on = sent.frame.channel if heard_on is None else heard_on
        self.judge.hear(Heard(f"m1#{self.heard}", self.at(at_s), on, sent.frame, sent.data, CLOCK_BOUND_NS, power_dbm))

    def read(
        self,
        at_s: float,
        sender: str,
        kind: str,
        body: Mapping[str, Any],
        *,
        issued_s: float | None = None,
        damage: str = "",
    ) -> str:
        """A document comes; returns its id. `damage`: what is wrong with it. A manifest without hashes has those of
        what was put on the air."""
        self._numbers[sender] += 1
        by_test = kind == "manifest" and "hashes" not in body
        document = Document(
            agreement="0" * 64 if damage == "agreement" else self.agreement.digest(),
            sender=sender,
            session=1,
            number=self._numbers[sender],
            at_ns=self.at(at_s - 0.1 if issued_s is None else issued_s),
            body=KINDS[kind].model_validate(self._manifest(body) if by_test else self._in_ns(body)),
        )
        sealed = seal(document, key_of(LISTENER if damage == "signature" else sender))
        if damage == "version":
            fields = json.loads(sealed.payload) | {"v": 2}
            sealed = sealed._replace(payload=json.dumps(fields, sort_keys=True, separators=(",", ":")).encode())
        if damage == "replayed":
            sealed = self._published[f"{sender}/{kind}"]
        self._published[f"{sender}/{kind}"] = sealed
        self.judge.advance(self.at(at_s))
        self.judge.document(sealed.topic, sealed.payload, self.at(at_s))
        return document.id

    def cut_off(self, from_s: float, until_s: float) -> None:
        """The monitor is cut off from the line; told when it begins."""
        self.judge.line_gap(self.at(from_s), self.at(until_s))

    def deaf(self, from_s: float, until_s: float) -> None:
        """The receiver hears nothing for a time."""
        self.judge.hearing_gap(self.at(from_s), self.at(until_s))

    def trouble(self, address: int, from_s: float, until_s: float) -> None:
        """The emulator has trouble with a station."""
        self.judge.host_trouble(address, self.at(from_s), self.at(until_s))

    def close(self, end_s: float) -> list[Tally]:
        """The recording ends."""
        return self.judge.close(self.at(end_s))

    def _in_ns(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return {
            f"{name[:-2]}_ns" if name.endswith("_s") else name: self.at(value) if name.endswith("_s") else value
            for name, value in body.items()
        }

    def _manifest(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """What a station sent in a time, by what the test put on the air, and what is wrong with it."""
        station, from_ns, until_ns = body["station"], self.at(body["from_s"]), self.at(body["until_s"])
        said = [s for s in self.sent if f"{s.frame.source:06x}" == station and from_ns <= s.at_ns < until_ns]
        return manifest_of(
            station, from_ns, until_ns, said, body.get("without", ()), body.get("altered", ()), body.get("frames", True)
        ).model_dump()


def manifest_of(
    station: str,
    from_ns: int,
    until_ns: int,
    said: Iterable[Sent],
    without: Iterable[int] = (),
    altered: Iterable[int] = (),
    frames: bool = True,
) -> Manifest:
    """A manifest of frames of one session; of those `without` it says that they were not sent."""
    by_number = {s.frame.sequence: s for s in said if s.frame.sequence not in set(without)}
    numbers = range(min(by_number), max(by_number) + 1) if by_number else range(0)
    told = [by_number[n].data if n in by_number else b"" for n in numbers]
    hashes = [hash_of(data).hex() if data else "00" * 8 for data in told]
    hashes = [f"{int(h, 16) ^ 1:016x}" if n in set(altered) else h for n, h in zip(numbers, hashes, strict=True)]
    return Manifest(
        station=station,
        from_ns=from_ns,
        until_ns=until_ns,
        session=next((s.frame.session for s in by_number.values()), 1),
        first=numbers.start,
        last=numbers.stop - 1,
        hashes=tuple(hashes),
        frames=tuple(d.hex() for d in told) if frames and not list(altered) else None,
    )
