"""What a hub tells those who asked for it, before the time that it grants next.

How far others have come, and what their own fleet has put on the air.
"""

from collections.abc import Iterator, Mapping, Sequence

from radio.envelope import Aired, Fleet, Mark, Marks
from radio.medium import Transmission
from radio.plan import Plan

MOST_FRAMES = 1000
"""Frames in one message: as long as they may be, they fit."""


class Asked:
    """Keeps what each station was told last. `marks` are the hub's, and change."""

    def __init__(self, plan: Plan, marks: Mapping[int, Mark]):
        self._plan, self._marks = plan, marks
        self._told: dict[int, Marks] = {}

    def begin_anew(self, address: int) -> None:
        """Another life of a station: it knows nothing yet."""
        self._told.pop(address, None)

    def told(self, address: int, sent: Sequence[Transmission]) -> Iterator[Marks | Fleet]:
        """What a station is told with a window, of which `sent` is now known to be on the air."""
        berth = self._plan.berths[address]
        if berth.keeps_up:
            marks = Marks(tuple(sorted(self._marks.items())))
            if marks != self._told.get(address, Marks(())):
                self._told[address] = marks
                yield marks
        if berth.fleet:
            own = (f for f in sent if f.source in berth.fleet)
            frames = [Aired(f.source, f.session, f.sequence, f.start_ns, f.data) for f in own]
            for begin in range(0, len(frames), MOST_FRAMES):
                yield Fleet(tuple(frames[begin : begin + MOST_FRAMES]))
