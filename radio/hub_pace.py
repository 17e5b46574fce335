"""Medium time against the clock: when the next window is due, and by how much a run was stretched."""

from radio.hub import WINDOW_NS


class Pace:
    """`paced`: medium time does not run ahead of the clock. Readings of the clock, `now_ns`, are given in.

    `stretched` counts the windows that came late, for somebody was waited for, and `stretched_ns` by how much.
    """

    def __init__(self, paced: bool):
        self.paced = paced
        self.stretched = self.stretched_ns = 0
        self._zero_ns: int | None = None
        """The clock's reading at medium time 0, while time runs."""

    def begin_anew(self) -> None:
        """Medium time was held on purpose; the clock counts from the next window."""
        self._zero_ns = None

    def due(self, now_ns: int, medium_ns: int) -> bool:
        """Whether the clock has come to where medium time stands; a run that fell behind is stretched."""
        if not self.paced:
            return True
        if self._zero_ns is None:
            self._zero_ns = now_ns - medium_ns
        behind_ns = now_ns - self._zero_ns - medium_ns
        if behind_ns > WINDOW_NS:
            self.stretched += 1
            self.stretched_ns += behind_ns
            self._zero_ns += behind_ns
        return behind_ns >= 0

    def medium_ns(self, now_ns: int) -> int | None:
        """Medium time by the clock, for stations that follow it; None while there is none."""
        return None if self._zero_ns is None or not self.paced else now_ns - self._zero_ns

    def left_ns(self, now_ns: int, *medium_ns: int) -> int:
        """How long until the first of these instants of medium time; less than 0 if it is past, or not held to."""
        if self._zero_ns is None or not self.paced:
            return -1
        return min(medium_ns) + self._zero_ns - now_ns
