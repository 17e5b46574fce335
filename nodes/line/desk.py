"""A client of the ground line in a flight: what it does in a window, and what signs and checks its documents."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from nodes.stations.headquarters import Errand
from protocol.line.documents import Body, Document
from protocol.line.envelope import Author, Sealed
from protocol.line.intake import Intake
from radio.line import Delivered


class Clerk(Protocol):
    """Who decides what is published."""

    @property
    def next_ns(self) -> int: ...
    def wake(self, now_ns: int) -> Iterator[Body]: ...
    def read(self, now_ns: int, document: Document) -> Iterator[Body]: ...


class Posted(NamedTuple):
    """What is published, and when."""

    at_ns: int
    sealed: Sealed


class Desk:
    """One client. What came is checked before anybody acts on it."""

    def __init__(self, clerk: Clerk, author: Author, intake: Intake, now_ns: int):
        self.clerk, self._author, self.intake, self._now_ns = clerk, author, intake, now_ns

    def earlier(self, errands: Iterable[Errand]) -> list[Posted]:
        """What was published before the run, dated so."""
        return [Posted(self._now_ns, self._author.write(e.body, e.at_ns)) for e in errands]

    def run(self, until_ns: int, delivered: Iterable[Delivered]) -> list[Posted]:
        """All that it does before an instant; what came stands in order of time."""
        posted: list[Posted] = []
        for came in delivered:
            posted += self._wake(came.at_ns)
            self._now_ns = max(self._now_ns, came.at_ns)
            document = self.intake.take(came.topic, came.payload, came.at_ns)
            if isinstance(document, Document):
                posted += self.write(self.clerk.read(self._now_ns, document))
        posted += self._wake(until_ns)
        self._now_ns = max(self._now_ns, until_ns)
        return posted

    def write(self, bodies: Iterable[Body]) -> list[Posted]:
        """Publish something now."""
        return [Posted(self._now_ns, self._author.write(body, self._now_ns)) for body in bodies]

    def _wake(self, before_ns: int) -> list[Posted]:
        posted: list[Posted] = []
        while self.clerk.next_ns < before_ns:
            self._now_ns = max(self._now_ns, self.clerk.next_ns)
            posted += self.write(self.clerk.wake(self._now_ns))
        return posted
