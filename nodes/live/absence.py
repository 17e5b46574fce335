"""How long, by the clock, those have been silent who should be heard of: the hub, and stations that are missing."""

import time

from nodes.live import forking

SUSPENDED_S = 1.0
"""A director that takes so long between two looks was stopped itself, such as by Ctrl-Z, or by its user's program."""
STANDING_S = 1.0
"""Medium time that stands still for so long is worth a word."""


class Absence:
    """What a supervisor is patient about."""

    def __init__(self) -> None:
        self.missing_s: dict[int, float] = {}
        """Since when stations that should be there are not."""
        self._hub_s = self._moved_s = self._looked_s = self._woken_s = time.monotonic()

    def begins(self, address: int) -> None:
        """A station is to be there, from now on."""
        self.missing_s[address] = time.monotonic()

    def ends(self, address: int) -> None:
        """A station is there, or is not waited for any more."""
        self.missing_s.pop(address, None)

    def hub_spoke(self, moved: bool) -> None:
        """The hub was heard, and says whether medium time goes on (or waits for nobody)."""
        self._hub_s = time.monotonic()
        if moved:
            self._moved_s = self._hub_s

    @property
    def standing(self) -> bool:
        """Whether medium time has stood still for long."""
        return time.monotonic() - self._moved_s >= STANDING_S

    def look(self) -> None:
        """To be called all the time: when it was not, nobody listened meanwhile, and nobody was silent."""
        now_s = time.monotonic()
        pause_s, self._looked_s = now_s - self._looked_s, now_s
        if pause_s > SUSPENDED_S:
            self._hub_s += pause_s
            self.missing_s.update({address: since_s + pause_s for address, since_s in self.missing_s.items()})
        if now_s - self._woken_s > forking.WAKE_S:  # it is the only one to tell how processes end
            self._woken_s = now_s
            forking.wake()

    def hub_is_silent(self, patience_s: float) -> bool:
        """Whether the hub has said nothing for so long."""
        return self._hub_s < time.monotonic() - patience_s

    def overdue(self, patience_s: float) -> list[int]:
        """The stations that have been missing for so long."""
        limit_s = time.monotonic() - patience_s
        return [address for address, since_s in self.missing_s.items() if since_s < limit_s]
