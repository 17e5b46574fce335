"""A station's own clock: medium time to its time and back. Whole numbers, one or many."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nodes.scenario import SensorErrors

PPB = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Off by `offset_ns` at `start_ns` of medium time, and gaining `drift_ppb` ns in each second. Positive: fast."""

    offset_ns: int
    start_ns: int = 0
    drift_ppb: int = 0

    @classmethod
    def of(cls, errors: SensorErrors, start_ns: int) -> "Clock":
        """The clock of a station with these errors, in a flight that starts then."""
        return cls(offset_ns=round(errors.clock_us * 1000), start_ns=start_ns, drift_ppb=round(errors.drift_ppm * 1000))

    def local_ns(self, medium_ns: int) -> int:
        """What it shows at an instant of medium time."""
        if not self.drift_ppb:
            return medium_ns + self.offset_ns
        return medium_ns + self.offset_ns + (medium_ns - self.start_ns) * self.drift_ppb // PPB

    def column_ns(self, medium_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """The same for a column of instants."""
        if not self.drift_ppb:
            return medium_ns + self.offset_ns
        # one by one: in 64 bits the product would not fit
        return np.array([self.local_ns(at_ns) for at_ns in medium_ns.tolist()], np.int64)

    def medium_ns(self, local_ns: int) -> int:
        """The first instant of medium time at which it shows this, or more."""
        if not self.drift_ppb:
            return local_ns - self.offset_ns
        since_ns = local_ns - self.offset_ns - self.start_ns
        medium_ns = self.start_ns + since_ns * PPB // (PPB + self.drift_ppb) - 1
        while self.local_ns(medium_ns) < local_ns:  # twice or three times: the division rounds down
            medium_ns += 1
        return medium_ns
