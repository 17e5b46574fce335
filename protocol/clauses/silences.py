"""An announced silence (EMCON), as an interval: what 4.1 and 4.7 both ask of it."""

from typing import NamedTuple

from protocol.accounts import SERIALS, Booked
from protocol.messages import Emcon
from protocol.units import NS_PER_S

STEP_NS = NS_PER_S
"""`from_s` is in whole seconds: in a repetition, what is left may have been rounded either way."""


class Silence(NamedTuple):
    """What one announcement says: it begins and ends between these instants."""

    booked: Booked
    begin_early_ns: int
    begin_late_ns: int
    end_early_ns: int
    end_late_ns: int

    @property
    def emcon(self) -> Emcon:
        message = self.booked.frame.message
        assert isinstance(message, Emcon)
        return message

    def is_same(self, other: "Silence") -> bool:
        """Whether two announcements of one serial may mean the same."""
        overlaps = self.begin_early_ns <= other.begin_late_ns and other.begin_early_ns <= self.begin_late_ns
        return overlaps and self.emcon.duration_s == other.emcon.duration_s


def silence_of(booked: Booked, emcon: Emcon) -> Silence:
    begin_early_ns = booked.early_ns + emcon.from_s * NS_PER_S - STEP_NS
    begin_late_ns = booked.late_ns + emcon.from_s * NS_PER_S + STEP_NS
    lasts_ns = emcon.duration_s * NS_PER_S
    return Silence(booked, begin_early_ns, begin_late_ns, begin_early_ns + lasts_ns, begin_late_ns + lasts_ns)


def serials_since(before: int, serial: int) -> list[int]:
    """The serials from the one that was the last (0: none yet, the first is 1) to the one that is now."""
    if serial == 0:
        return []
    first = before or 1
    return [(first - 1 + i) % SERIALS + 1 for i in range((serial - first) % SERIALS + 1)]
