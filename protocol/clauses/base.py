"""What every clause is given and what it answers: the contract between the judge and its clauses."""

from collections.abc import Iterator
from typing import Protocol

from protocol.accounts import Booked
from protocol.agreement import Agreement, Annexes, Station
from protocol.verdicts import IDENTITY, Cause, Finding

FLYING = ("aircraft", "uncrewed")


class World:
    """What holds for a whole judgement: the terms, the register, and when the monitor was deaf."""

    def __init__(self, agreement: Agreement, annexes: Annexes):
        self.agreement = agreement
        self.annexes = annexes
        self.stations: dict[int, Station] = {s.address: s for s in annexes.register_}
        self.deaf: list[tuple[int, int]] = []

    def flying(self) -> list[Station]:
        """The registered aircraft, by address."""
        return sorted((s for s in self.stations.values() if s.role in FLYING), key=lambda s: s.address)

    def why_unheard(self, from_ns: int, until_ns: int) -> Cause:
        """Why frames between two instants may be missing."""
        deaf = any(a < until_ns and from_ns < b for a, b in self.deaf)
        return Cause.MONITOR_DEAF if deaf else Cause.FRAME_LOST


class Clause(Protocol):
    """One clause. It keeps what it must remember, and answers what it hears with findings.

    Findings depend only on what was heard, never on how the hearing was cut into blocks.
    """

    id: str
    title: str
    """Two or three words, for a table."""
    text: str
    """The rule in a sentence; a number of the agreement stands as its key in braces."""
    kind: str
    """C content, X circumstance, S state, A absence (see docs/architecture.md)."""
    hears_copies: bool
    """Whether copies, stale frames and frames of unregistered stations are of interest."""

    def subjects(self) -> list[str]:
        """Whom the clause applies to."""
        ...

    def hear(self, booked: Booked) -> Iterator[Finding]:
        """One frame, in the order of arrival."""
        ...

    def close(self, end_ns: int) -> Iterator[Finding]:
        """The recording ends: what is still open becomes pending or inconclusive."""
        ...


def address_text(address: int) -> str:
    """An address as a subject: six lower-case hex digits."""
    return f"{address:06x}"


def pair_text(a: int, b: int) -> str:
    """Two addresses as one subject, the lower first."""
    return f"{min(a, b):06x}/{max(a, b):06x}"


BY_WORD = (IDENTITY,)
