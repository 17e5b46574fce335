"""What all faults share: when they are on, how strong they are, and what they know of the flight."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nodes.scenario import FaultEntry
from nodes.stations.effects import Send
from nodes.transmitter import Outgoing
from protocol.units import seconds_ns

Edit = Callable[[int, Send], list[Send]]
"""What passes to the transmitter instead of a message that the station sends at an instant."""

After = Callable[[Outgoing], list[Outgoing]]
"""What goes out instead of a frame that is handed over."""


@dataclass(frozen=True, slots=True)
class Active:
    """When a fault is on, in ns of medium time."""

    from_ns: int
    until_ns: int

    @classmethod
    def of(cls, fault: FaultEntry, start_ns: int) -> "Active":
        begin = start_ns + seconds_ns(fault.at_s)
        return cls(begin, begin + seconds_ns(fault.for_s) if fault.for_s is not None else 1 << 63)

    def covers(self, at_ns: int) -> bool:
        return self.from_ns <= at_ns < self.until_ns


@dataclass(frozen=True, slots=True)
class Around:
    """What a fault must know of the flight: an unagreed channel, the guard channels, the order of channels of calls, a
    monitor's address, all others' by call sign, and how far from a slot the next shared one is."""

    start_ns: int
    unagreed: int | None
    guards: tuple[int, ...]
    order: tuple[int, ...]
    monitor: int
    addresses: Mapping[str, int]
    slot_ns: int
    shared: tuple[int, ...]
    slots: int


def often(every: int, fault: FaultEntry) -> int:
    """With every how many POSITIONs, by the fault's strength."""
    return max(round(every / fault.strength), 1)
