"""What a station has received and not yet heard: calls at their instants, and all the rest when it looks up next.

Nearly all of what an aircraft receives asks nothing of it. Such frames lie in the backlog until the station does
something: then it hears them together, which is many times faster and comes to the same.
"""

from collections import deque
from typing import NamedTuple

from nodes.backlog import Backlog, Meaning, Reader
from nodes.stations.effects import Hearing
from nodes.stations.ledger import Overheard
from protocol.messages import Frame
from radio.delivery import Received

FAR_BEHIND = 20_000
"""Who has so many frames before it should look up, lest the backlog grow for ever."""


class Call(NamedTuple):
    """A frame that asks something of the station, at the instant at which it has it."""

    due_ns: int
    hearing: Hearing


class Ears:
    """One station's. Without a backlog it is attentive: it wants every frame at its instant, whatever it is."""

    def __init__(self, address: int, backlog: Backlog | None) -> None:
        self.attentive = backlog is None
        self._address = address
        self._reader = None if backlog is None else backlog.reader(address)
        self._calls: deque[Call] = deque()

    def take(self, received: Received, meaning: Meaning) -> None:
        """The calls in what it receives in a window; nothing in it is due before what it received earlier."""
        asking = meaning.asking(self._address, self.attentive)
        if not asking:
            return
        rows = range(received.box.begin, received.box.end)
        numbers = received.delivery.frame[received.rows()].tolist()
        for row, number in zip(rows, numbers, strict=True):
            frame = meaning.frames[number]
            if number in asking and frame is not None:
                self._calls.append(_call(received, row, number, frame))

    @property
    def next_call_ns(self) -> int | None:
        """When the next call is due."""
        return self._calls[0].due_ns if self._calls else None

    def call(self) -> Call:
        """The next call."""
        return self._calls.popleft()

    def overheard(self, until_ns: int) -> Overheard | None:
        """What else it has received up to an instant, and not yet heard."""
        return self._reader.until(until_ns) if self._reader is not None else None

    @property
    def reader(self) -> Reader | None:
        """How far it has heard; None if it hears everything at its instant."""
        return self._reader

    @property
    def far_behind(self) -> bool:
        """Whether it should look up, though it has nothing to do."""
        return self._reader is not None and self._reader.behind > FAR_BEHIND


def _call(received: Received, row: int, number: int, frame: Frame) -> Call:
    delivery = received.delivery
    power_dbm = int(delivery.power_tenths[row]) / 10
    hearing = Hearing(frame, delivery.frames[number].channel, int(delivery.arrival_ns[row]), power_dbm)
    return Call(int(delivery.due_ns[number]), hearing)
