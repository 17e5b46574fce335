"""Slot arithmetic for time division and the time a frame takes on the air. Whole nanoseconds UTC, pure integers."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotPlan:
    """A period of equal slots, repeated. Periods start at whole multiples of the period since the Unix epoch.

    `slot_ns` is the length of a slot, `slots_per_period` their number in a period (which others call a TDMA frame),
    `shared` the numbers of the slots anybody may use, rising. Raises ValueError where these do not fit together.
    """

    slot_ns: int
    slots_per_period: int
    shared: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.slot_ns <= 0 or self.slots_per_period <= 0:
            raise ValueError("a slot plan needs a positive slot length and at least one slot")
        if any(not 0 <= number < self.slots_per_period for number in self.shared):
            raise ValueError(f"shared slots must lie in 0..{self.slots_per_period - 1}, not {self.shared}")
        if list(self.shared) != sorted(set(self.shared)):
            raise ValueError(f"shared slots must rise, each named once, not {self.shared}")

    @property
    def period_ns(self) -> int:
        """The length of one period."""
        return self.slot_ns * self.slots_per_period

    def slot_of(self, at_ns: int) -> int:
        """The number of the slot an instant lies in; a slot's start belongs to it, its end to the next."""
        return at_ns % self.period_ns // self.slot_ns

    def slot_start(self, at_ns: int, slots: Collection[int]) -> int:
        """The first start, at `at_ns` or later, of any slot with one of these numbers.

        Raises ValueError when `slots` is empty or names a slot that the plan has not.
        """
        if not slots or min(slots) < 0 or max(slots) >= self.slots_per_period:
            raise ValueError(f"slots must lie in 0..{self.slots_per_period - 1} and be at least one, not {slots}")
        slot_ns, period_ns = self.slot_ns, self.period_ns
        into_period_ns = at_ns % period_ns
        return at_ns + min([(number * slot_ns - into_period_ns) % period_ns for number in slots])


@lru_cache(maxsize=4096)
def airtime_ns(n_bytes: int, bit_rate_bps: float) -> int:
    """How long so many bytes take at a bit rate: exact, then rounded up to a whole nanosecond."""
    numerator, denominator = bit_rate_bps.as_integer_ratio()
    return -(-8 * n_bytes * 1_000_000_000 * denominator // numerator)
