"""Whole lives for the twins: stations that start anew and whose numbers go round, and somebody who plays them back.

`traffic.Sender` numbers and counts what it sends; here it sends into the air (`Air`), which keeps the truth. A twin
reads the truth; what the judge gets is the part of it that was heard, and copies.
"""

from collections.abc import Iterable
from random import Random
from typing import Any, NamedTuple

from protocol.agreement import Agreement
from protocol.messages import FrameKey, Message, PeerReport, Position
from protocol.units import NS_PER_S
from protocol.verdicts import Finding, Outcome
from tests.protocol.conftest import START_NS, Monitor
from tests.protocol.traffic import Sender
from tests.protocol.twins.trace import ANNEXES, Sent, Trace

TOWER, D = 0x100009, 0x100003
"""The ground station of the register, and an uncrewed aircraft."""
LATER_S = (2.25, 8.25, 30.25)
"""When a recorded frame is played back: so late that it cannot be fresh on any channel."""


class Air:
    """What all stations send, in the order in which they do. Stands where a `Sender` expects a monitor."""

    def __init__(self) -> None:
        self.trace: Trace = []

    def hear(
        self, at_s: float, source: int, sequence: int, message: Message, *, session: int, intent: int, channel: int = 1
    ) -> None:
        self.trace.append(Sent(at_s, source, sequence, message, intent=intent, channel=channel, session=session))


def key(sent: Sent) -> FrameKey:
    """The name by which others can mean a frame."""
    return FrameKey(sent.source, sent.session, sent.number % 65536)


def restarted(sender: Sender) -> Sender:
    """The same station after a start: another session, numbers and counts from 0, and nothing remembered."""
    return Sender(sender.monitor, sender.source, session=sender.session + 1)


def peer_report(heard: Iterable[FrameKey], peer: int) -> PeerReport | None:
    """What a WATCH says of a peer, of whom these frames were heard, in their order."""
    keys = [k for k in heard if k.source == peer]
    if not keys:
        return None
    last = keys[-1]
    behind = {(last.sequence - k.sequence) % 65536 for k in keys if k.session == last.session}
    return PeerReport(peer, last.session, last.sequence, sum(1 << (i - 1) for i in behind if 1 <= i <= 32))


def reports_heard(report: PeerReport | None, frame: FrameKey) -> bool:
    """Whether a WATCH's report names a frame as heard."""
    return bool(
        report and (report.peer, report.session) == (frame.source, frame.session) and report.heard(frame.sequence)
    )


def lossy(random: Random, trace: Trace, loss: float) -> Trace:
    """The trace in order of time, some of it not heard by the monitor."""
    ordered = sorted(trace, key=lambda sent: sent.at_s)
    return [sent._replace(heard=random.random() >= loss) for sent in ordered]


class Arrival(NamedTuple):
    """A frame at the monitor; `original`: not played back."""

    at_s: float
    sent: Sent
    original: bool


class Judged(NamedTuple):
    """What the judge said, and what it had heard: the evidence `m1#3` is the third arrival."""

    monitor: Monitor
    arrivals: list[Arrival]

    def findings(self, clause: str, source: int) -> list[Finding]:
        """Of instances; that of a station nothing at all can be used is said without evidence."""
        mine = (f for f in self.monitor.findings if (f.clause, f.subject) == (clause, f"{source:06x}"))
        return [f for f in mine if f.evidence or f.outcome is not Outcome.INCONCLUSIVE]

    def heard_at(self, finding: Finding, source: int) -> Trace:
        """What was heard of a station at the instant of a finding."""
        at_s = (finding.at_ns - START_NS) / NS_PER_S
        return [a.sent for a in self.arrivals if a.sent.source == source and abs(a.at_s - at_s) < 1e-6]

    def evidence(self, finding: Finding) -> Trace:
        """The frames that a finding names."""
        return [self.arrivals[int(name.removeprefix("m1#")) - 1].sent for name in finding.evidence]


def judged(trace: Trace, terms: Agreement, end_s: float, *, replayed: Random | None = None) -> Judged:
    """The verdicts on what was heard. `replayed`: with this, some frames, heard or not, are sent again later."""
    arrivals = [Arrival(sent.at_s, sent, True) for sent in trace if sent.heard]
    for sent in trace if replayed else ():
        assert replayed
        if replayed.random() < 0.1:
            arrivals.append(Arrival(sent.at_s + replayed.choice(LATER_S), sent, False))
    arrivals.sort(key=lambda arrival: arrival.at_s)
    monitor = Monitor(terms, ANNEXES)
    for at_s, sent, _ in arrivals:
        how: dict[str, Any] = {"session": sent.session, "intent": sent.intent, "channel": sent.channel}
        monitor.hear(at_s, sent.source, sent.number, sent.message, sent_s=sent.at_s, **how)
    monitor.close(end_s)
    return Judged(monitor, arrivals)


def told(trace: Trace) -> str:
    """A trace for whoever has to understand it; of POSITIONs only what is not usual."""
    usual, lines = Position()._asdict(), []
    for sent in trace:
        fields = {
            k: v for k, v in sent.message._asdict().items() if not isinstance(sent.message, Position) or v != usual[k]
        }
        name = (
            f"{sent.at_s:7.2f} {sent.source:06x} {sent.session}#{sent.number % 65536} ch{sent.channel} i{sent.intent}"
        )
        lines.append(f"{name} {type(sent.message).__name__} {fields}{'' if sent.heard else ' (not heard)'}")
    return "\n" + "\n".join(lines)
