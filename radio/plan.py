"""What a hub is made from: channels, laws, who is expected, and what changes when."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from radio.medium import Channel, Equipment, Laws


@dataclass(frozen=True, slots=True, kw_only=True)
class Berth:
    """What the hub knows of one station beforehand.

    `key` is asked of those that we start ourselves, so that nobody can take their place; None: whoever comes first.
    A `monitor` is told of trouble, who `keeps_up` how far others have come (see `envelope.Marks`), and everybody what
    those in its `fleet` put on the air. `briefing` is for this station alone.
    """

    equipment: Equipment
    tuned: frozenset[int]
    key: bytes | None = None
    monitor: bool = False
    keeps_up: bool = False
    fleet: frozenset[int] = frozenset()
    briefing: Mapping[str, Any] = field(default_factory=dict)


class Event(NamedTuple):
    """Something that changes at an instant: the medium's loss, or a station's power or tuning."""

    at_ns: int
    address: int | None = None
    loss: float | None = None
    power_dbm: float | None = None
    channels: frozenset[int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a hub is made from. Instants are ns UTC of medium time; events are in order.

    `briefing` is for every station; it may be long, so it is kept once.
    """

    channels: tuple[Channel, ...]
    laws: Laws = Laws()
    seed: int
    start_ns: int
    end_ns: int
    berths: Mapping[int, Berth]
    events: tuple[Event, ...] = ()
    briefing: Mapping[str, Any] = field(default_factory=dict)

    def briefing_of(self, address: int) -> str:
        """What a station is told when it joins, as JSON."""
        told = {**self.briefing, **self.berths[address].briefing}
        return json.dumps(told, sort_keys=True, separators=(",", ":"), allow_nan=False)

    def equipment(self, address: int, at_ns: int) -> Equipment:
        """What a station has at an instant, by the events until then."""
        own = self.berths[address].equipment
        powers = [e.power_dbm for e in self.events if e.address == address and e.at_ns <= at_ns]
        changed = [power for power in powers if power is not None]
        return replace(own, power_dbm=changed[-1]) if changed else own

    def tuned(self, address: int, at_ns: int) -> frozenset[int]:
        """What a station that begins at an instant is tuned to, by the events until then."""
        changed = [e.channels for e in self.events if e.address == address and e.at_ns <= at_ns]
        return next((channels for channels in reversed(changed) if channels is not None), self.berths[address].tuned)
