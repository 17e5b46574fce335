"""What the protocol tests share: the world of the golden traces, and a monitor to feed the judge with."""

import tomllib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from protocol.accounts import Standing
from protocol.agreement import Agreement, Annexes
from protocol.clauses.base import World
from protocol.codec import encode
from protocol.heard import Heard, Malformed, Receiver
from protocol.judge import Judge, Tally
from protocol.malformed import malformed
from protocol.messages import Frame, Ident, Message, stamp
from protocol.units import NS_PER_S, seconds_ns
from protocol.verdicts import Finding, Outcome, Verdict
from protocol.wire import with_crc

ROOT = Path(__file__).parents[2]
START_NS = int(datetime(2015, 10, 21, 9, tzinfo=UTC).timestamp()) * NS_PER_S
CLOCK_BOUND_NS = 1_000_000
RECEIVER = Receiver(35.0, 36.0, 300.0)

STATIONS = (
    (0x100001, "coalition", "aircraft", (0, 25)),
    (0x100002, "coalition", "aircraft", (1, 26)),
    (0x100003, "coalition", "uncrewed", (2, 27)),
    (0x200001, "federation", "aircraft", (5, 30)),
    (0x200002, "federation", "aircraft", (6, 31)),
    (0x200003, "federation", "uncrewed", (7, 32)),
)
TOWER = {"address": 0x100009, "call_sign": "TOWER", "party": "coalition", "role": "ground"}


def shipped_agreement(off: tuple[str, ...] = ()) -> Agreement:
    """The agreement that ships, without the clauses in `off`."""
    text = (ROOT / "configs" / "agreements" / "safety-of-flight-2015.toml").read_text(encoding="utf-8")
    terms = tomllib.loads(text)
    for clause in off:
        del terms["clause"][clause]
    return Agreement.model_validate(terms)


def six_aircraft(**area: float) -> Annexes:
    """Two crewed aircraft and an uncrewed one on either side, two slots each, and a ground station; no area unless one
    is given."""
    register = [
        {"address": address, "call_sign": f"T{address:06X}", "party": party, "role": role}
        for address, party, role, _ in STATIONS
    ]
    register.append(TOWER)
    slots = {address: {1: own} for address, _, _, own in STATIONS}
    slots[0x100009] = {1: (10, 35)}
    return Annexes.model_validate({"version": "1", "register": register, "slots": slots, "area": area or None})


class Twins:
    """A judge that is told of each pass, so that it follows every pair, and one that counts; they must agree."""

    def __init__(self, agreement: Agreement, annexes: Annexes, on_finding: Callable[[Finding], None] | None = None):
        self.teller = Judge(agreement, annexes, on_finding, each_pass=True)
        self.told: list[Finding] = []
        self.counter = Judge(agreement, annexes, self.told.append)

    @property
    def world(self) -> World:
        return self.teller.world

    @property
    def tallies(self) -> dict[tuple[str, str], Tally]:
        return self.teller.tallies

    @property
    def heard(self) -> dict[int, Counter[Standing]]:
        return self.teller.heard

    def hear(self, heard: Heard) -> None:
        self.teller.hear(heard)
        self.counter.hear(heard)

    def hear_malformed(self, heard: Malformed) -> None:
        self.teller.hear_malformed(heard)
        self.counter.hear_malformed(heard)

    def hearing_gap(self, from_ns: int, until_ns: int) -> None:
        self.teller.hearing_gap(from_ns, until_ns)
        self.counter.hearing_gap(from_ns, until_ns)

    def host_trouble(self, address: int, from_ns: int, until_ns: int | None) -> None:
        self.teller.host_trouble(address, from_ns, until_ns)
        self.counter.host_trouble(address, from_ns, until_ns)

    def advance(self, now_ns: int) -> None:
        self.teller.advance(now_ns)
        self.counter.advance(now_ns)

    def so_far(self) -> list[Tally]:
        tallies = self.teller.so_far()
        assert self.counter.so_far() == tallies
        return tallies

    def close(self, end_ns: int) -> list[Tally]:
        tallies = self.teller.close(end_ns)
        assert self.counter.close(end_ns) == tallies
        assert all(finding.outcome is not Outcome.PASS for finding in self.told)
        return tallies


class Monitor:
    """Hears frames and passes them to a judge. Times are seconds after the start of the recording."""

    def __init__(self, agreement: Agreement, annexes: Annexes):
        self.findings: list[Finding] = []
        self.judge = Twins(agreement, annexes, self.findings.append)
        self.heard = 0
        self.digest = int(agreement.digest()[:8], 16)

    def hear(
        self,
        at_s: float,
        source: int,
        sequence: int,
        message: Message,
        *,
        session: int = 1,
        intent: int = 0,
        channel: int = 1,
        heard_on: int | None = None,
        sent_s: float | None = None,
        time_quality: int = 3,
        power_dbm: float | None = None,
        raw: str = "",
    ) -> None:
        """One frame arrives; unless told otherwise it says that it was sent just now, on the channel it came on.

        An IDENT that names no agreement gets the digest of the one in force. `raw` says how its bytes are spoilt.
        """
        if isinstance(message, Ident) and not message.agreement:
            message = message._replace(agreement=self.digest)
        at_ns = START_NS + seconds_ns(at_s)
        sent_ns = START_NS + seconds_ns(at_s if sent_s is None else sent_s)
        frame = Frame(source, session, sequence % 65536, channel, intent, time_quality, stamp(sent_ns), message)
        self.heard += 1
        name = f"m1#{self.heard}"
        on, data = channel if heard_on is None else heard_on, encode(frame)
        if raw:
            broken = malformed(name, at_ns, spoilt(data, raw))
            if broken is not None:
                self.judge.hear_malformed(broken)
            return
        self.judge.hear(Heard(name, at_ns, on, frame, data, CLOCK_BOUND_NS, power_dbm, RECEIVER))

    def deaf(self, from_s: float, until_s: float) -> None:
        """The receiver hears nothing for a time."""
        self.judge.hearing_gap(START_NS + seconds_ns(from_s), START_NS + seconds_ns(until_s))

    def close(self, end_s: float) -> list[Tally]:
        """The recording ends."""
        return self.judge.close(START_NS + seconds_ns(end_s))

    def outcomes(self, clause: str, subject: str) -> list[Outcome]:
        """What a clause found for a subject, in order."""
        return [f.outcome for f in self.findings if (f.clause, f.subject) == (clause, subject)]

    def verdict(self, clause: str, subject: str) -> Verdict:
        """The verdict so far; a subject that nobody asked about is not exercised."""
        tally = self.judge.tallies.get((clause, subject))
        return tally.verdict if tally else Verdict.NOT_EXERCISED

    def fails(self) -> list[tuple[str, str]]:
        """Clause and subject of every fail."""
        return [(f.clause, f.subject) for f in self.findings if f.outcome is Outcome.FAIL]


def spoilt(data: bytes, how: str) -> bytes:
    """A frame whose bytes are wrong, in one way; the CRC is right but for "crc"."""
    if how == "crc":
        return data[:-1] + bytes([data[-1] ^ 1])
    body = bytearray(data[:-4])
    if how == "length":
        body.append(0)
        body[3] += 1
    elif how == "range":
        body[16:20] = b"\x7f\xff\xff\xff"  # of a POSITION the latitude, of others fields that cannot be so either
    elif how == "reserved":
        body[40 if data[1] == 1 else -1] |= 1  # of a POSITION, or of an IDENT
    else:
        at, value = {"version": (0, 2), "type": (1, 99), "flags": (2, 0x10)}[how]
        body[at] = value
    return with_crc(bytes(body))


@pytest.fixture
def monitor() -> Monitor:
    """A monitor in the world of the golden traces."""
    return Monitor(shipped_agreement(), six_aircraft())


@pytest.fixture
def make_monitor() -> Callable[..., Monitor]:
    """Makes monitors: `off` names clauses to switch off; an area in degrees can be given."""

    def make(off: tuple[str, ...] = (), **area: Any) -> Monitor:
        return Monitor(shipped_agreement(off), six_aircraft(**area))

    return make
