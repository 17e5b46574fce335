"""An uncrewed aircraft without its link: it says so, and what it does."""

from collections.abc import Iterator
from dataclasses import dataclass

from nodes.stations.effects import Send
from nodes.stations.machine import Machine
from nodes.stations.procedures import LOST_LINK
from protocol.messages import LinkPoint, LostLink, Procedure
from protocol.units import NS_PER_S

NOTICED_NS = 3 * NS_PER_S
EVERY_NS = 2 * NS_PER_S
"""So often that nobody who loses a few frames can take the procedure for left and taken up again."""


@dataclass(frozen=True, slots=True)
class LinkLoss:
    """The link is lost from one instant until another; the flight goes on by the procedure."""

    from_ns: int
    until_ns: int
    procedure: Procedure = Procedure.CONTINUE
    point: LinkPoint | None = None


class Link:
    """The link to the pilot, of one session."""

    def __init__(self, loss: LinkLoss | None):
        self._loss = loss
        self._machine = Machine(LOST_LINK)
        self._said_ns = 0

    def tick(self, now_ns: int, channel: int) -> Iterator[Send]:
        """What is to be said now."""
        loss = self._loss
        if loss is None:
            return
        actions: tuple[str, ...] = ()
        if now_ns >= loss.until_ns:
            actions = self._machine.on("restored")
        elif now_ns >= loss.from_ns + NOTICED_NS and self._machine.state == "linked":
            actions = self._machine.on("lost")
        elif now_ns - self._said_ns >= EVERY_NS:
            actions = self._machine.on("time")
        for action in actions:
            self._said_ns = now_ns
            since_s = (now_ns - loss.from_ns) // NS_PER_S
            restored = action == "say it is back"
            message = LostLink(
                Procedure.LINK_RESTORED if restored else loss.procedure, since_s, 0, None if restored else loss.point
            )
            yield Send(message, channel, loss.from_ns, shared=True)
