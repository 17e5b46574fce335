"""The working channel of a station, and the changes of it that a ground station orders."""

from collections.abc import Iterator

from nodes.stations.calling import read_back
from nodes.stations.effects import Send
from nodes.stations.machine import Machine
from nodes.stations.procedures import CHANGE
from protocol.messages import FrameKey, FrequencyChange, Result
from protocol.units import NS_PER_S, seconds_ns

EARLY_NS = NS_PER_S
"""It retunes with the last report before the time: what waits for slots of the old channel still goes out then."""
NOBODY_NS = 30 * NS_PER_S
"""Who has heard nobody for so long on the new channel goes back."""


class Tuning:
    """`channel` is where reports and answers go."""

    def __init__(self, channel: int, agreed: frozenset[int]):
        self.channel, self._agreed = channel, agreed
        self._machine = Machine(CHANGE)
        self._order: tuple[int, FrequencyChange] | None = None
        """When, and to where."""

    @property
    def is_changing(self) -> bool:
        """Whether a change is to come, or has just been made."""
        return self._order is not None

    def ordered(self, key: FrameKey, change: FrequencyChange, sent_ns: int) -> Iterator[Send]:
        """A change was ordered by a frame that was sent at an instant; one that leads nowhere, or from where it is not,
        cannot be done."""
        if change.to_channel not in self._agreed or change.from_channel != self.channel:
            yield read_back(key, change, self.channel, Result.UNABLE)
            return
        if self._machine.on("ordered"):
            self._order = sent_ns + seconds_ns(change.effective_s), change
            yield read_back(key, change, self.channel)

    def tick(self, now_ns: int, heard_ns: int) -> None:
        """Time passes; `heard_ns` is when anybody was last heard."""
        if self._order is None:
            return
        at_ns, change = self._order
        if self._machine.state == "waiting" and now_ns >= at_ns - EARLY_NS:
            self._machine.on("time")
            self.channel = change.to_channel
        elif self._machine.state == "arrived" and heard_ns > at_ns:
            self._machine.on("heard")
            self._order = None
        elif self._machine.state == "arrived" and now_ns - at_ns > NOBODY_NS:
            self._machine.on("nobody heard")
            self.channel = change.from_channel if change.fallback is None else change.fallback
            self._order = None
