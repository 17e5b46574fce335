"""Stations of one process that look up in the same window hear together: the same as each alone, and much faster.

Between two looks nobody asks what a station has heard. So what it will have heard at its next look can be entered as
soon as it is known, which is when the window begins.
"""

from collections.abc import Iterable
from typing import NamedTuple

from nodes.backlog import Backlog, Reader
from nodes.stations.ledger import Around, Ledger


class Look(NamedTuple):
    """A station's next look: when, what it reads with and enters into, and how far its own clock is ahead."""

    at_ns: int
    reader: Reader
    ledger: Ledger
    ahead_ns: int
    ask: Around | None = None
    """What it will ask its ledger then, if that is known."""


def hear_together(looks: Iterable[Look | None], backlog: Backlog, until_ns: int) -> None:
    """Enter what all these will have heard at their looks before an instant. What can be received until then is in the
    backlog."""
    near = [look for look in looks if look is not None and look.at_ns < until_ns]
    if len(near) > 1:
        block = backlog.until([(look.reader, look.at_ns, look.ahead_ns) for look in near])
        Ledger.overhear_together([look.ledger for look in near], block)
        asked = [(look.ledger, look.ask) for look in near if look.ask is not None]
        if asked:
            Ledger.opposed_around_together(*zip(*asked, strict=True))
