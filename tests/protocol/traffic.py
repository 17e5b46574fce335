"""Stations that number and count what they send, for the tests of soundness.

The innocent is mostly 100001 (`A`); its peer of the other party, honest or not, is 200001 (`B`).
"""

from dataclasses import dataclass, field
from typing import Any

from protocol.messages import (
    Ack,
    Emitter,
    Hail,
    Ident,
    Message,
    MessageType,
    PeerReport,
    Phrase,
    Position,
    Result,
    Watch,
)

A, B, C = 0x100001, 0x200001, 0x200002
A_TEXT = "100001"
PERIOD_S = 1024.0
SURE = {"baro_altitude_ft": 20_000, "velocity_up_mps": 0.0, "nic": 8, "nacp": 8, "nacv": 2, "age_s": 0.0}


def position(latitude_deg: float = 35.0, longitude_deg: float = 36.0, **fields: Any) -> Position:
    still = {"velocity_north_mps": 0.0, "velocity_east_mps": 0.0}
    return Position(latitude_deg=latitude_deg, longitude_deg=longitude_deg, **SURE | still | fields)


def hail(addressee: int, call_id: int = 1, reply_by_s: int = 10) -> Hail:
    return Hail(addressee, Phrase.CONTACT, call_id, reply_by_s, 1)


def ack(addressee: int, sequence: int) -> Ack:
    return Ack(addressee, 1, sequence, MessageType.HAIL, Result.ROGER)


def ident(sign_off: bool = False) -> Ident:
    return Ident("TEST", Emitter.FIXED_WING, 0, frozenset({1, 2, 3}), sign_off)


@dataclass
class Sender:
    """A station that numbers and counts what it sends; `lost` frames are numbered, counted, and not heard."""

    monitor: Any
    source: int
    session: int = 1
    number: int = 0
    intent: int = 0
    counts: dict[str, int] = field(default_factory=lambda: {"idents": 0, "hails": 0, "acks": 0})
    where: dict[str, Any] = field(default_factory=dict)

    def send(self, at_s: float, message: Message, *, lost: bool = False, **how: Any) -> int:
        """Returns the frame's sequence number."""
        number = self.number
        self.number += 1
        if not lost:
            self.monitor.hear(at_s, self.source, number, message, session=self.session, intent=self.intent, **how)
        name = {Ident: "idents", Hail: "hails", Ack: "acks"}.get(type(message))
        if name:
            self.counts[name] = (self.counts[name] + 1) % 256
        return number

    def report(self, at_s: float, *, lost: bool = False, channel: int = 1, **fields: Any) -> int:
        """A POSITION with its counts."""
        return self.send(at_s, position(**self.counts | self.where | fields), lost=lost, channel=channel)

    def reports(self, from_s: float, until_s: float, **fields: Any) -> None:
        """A POSITION a second."""
        while from_s < until_s:
            self.report(from_s, **fields)
            from_s += 1.0

    def watch(self, at_s: float, peer: "Sender") -> None:
        """A WATCH that names all of the peer's frames as heard."""
        report = PeerReport(peer.source, peer.session, (peer.number - 1) % 65536, 0xFFFFFFFF)
        self.send(at_s, Watch(frozenset({1, 2, 3}), 1, self.counts["hails"], self.counts["acks"], report))
