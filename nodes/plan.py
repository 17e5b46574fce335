"""What the hub of a flight is made from, and what a station from elsewhere is told when it joins."""

from collections.abc import Mapping

from nodes.flight import Flight
from nodes.scenario import StationEntry
from protocol.agreement import canonical_json
from radio.hub import Berth, Plan
from radio.medium import Channel, Equipment

NO_KEYS: Mapping[int, bytes] = {}


def plan_of(flight: Flight, seed: int, keys: Mapping[int, bytes] = NO_KEYS) -> Plan:
    """The hub's plan. `keys` are those of the stations that the run starts itself; others need none."""
    agreed = frozenset(c.number for c in flight.agreement.channel)
    everywhere = agreed | {c.number for c in flight.scenario.unagreed_channel}
    return Plan(
        channels=tuple(
            Channel(
                number=c.number,
                frequency_hz=c.frequency_mhz * 1e6,
                bandwidth_hz=c.bandwidth_khz * 1e3,
                bit_rate_bps=c.bit_rate_bps,
            )
            for c in (*flight.agreement.channel, *flight.scenario.unagreed_channel)
        ),
        seed=seed,
        loss=flight.scenario.medium.loss,
        capture_db=flight.scenario.medium.capture_db,
        start_ns=flight.start_ns,
        end_ns=flight.end_ns,
        berths={
            s.address: Berth(
                equipment=Equipment(address=s.address, power_dbm=s.power_dbm),
                tuned=everywhere if s.role == "monitor" else agreed,
                key=keys.get(s.address),
                monitor=s.role == "monitor",
                briefing=_briefing(s, flight),
            )
            for s in flight.stations
        },
    )


def _briefing(station: StationEntry, flight: Flight) -> str:
    """What a station is told of the flight, as JSON: who it is, the terms, the annexes, and its way if it has one."""
    return canonical_json(
        {
            "address": f"{station.address:06x}",
            "call_sign": station.call_sign,
            "party": station.party,
            "role": station.role,
            "waypoints": station.waypoints,
            "agreement": flight.agreement.terms(),
            "digest": flight.agreement.digest(),
            "annexes": flight.annexes.to_json(),
            "unagreed_channels": [c.number for c in flight.scenario.unagreed_channel],
        }
    )
