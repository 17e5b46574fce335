"""What the hub of a flight is made from, and what a station from elsewhere is told when it joins."""

from collections.abc import Mapping
from dataclasses import replace

from nodes.flight import Flight
from nodes.flight_events import hub_events
from nodes.flight_radio import EARTH_K
from nodes.scenario import StationEntry
from protocol.agreement import Channel as AgreedChannel
from protocol.units import NS_PER_MS
from radio.curves import STEP
from radio.hub import Berth, Plan
from radio.medium import BackOff, Channel, Equipment, Laws
from radio.propagation import LogDistance
from radio.slots import SlotPlan

NO_KEYS: Mapping[int, bytes] = {}


def plan_of(flight: Flight, seed: int, keys: Mapping[int, bytes] = NO_KEYS) -> Plan:
    """The hub's plan. `keys` are those of the stations that the run starts itself; others need none."""
    return Plan(
        channels=tuple(_channel(c, flight) for c in (*flight.agreement.channel, *flight.scenario.unagreed_channel)),
        laws=_laws(flight, seed),
        seed=seed,
        start_ns=flight.start_ns,
        end_ns=flight.end_ns,
        berths={s.address: _berth(s, flight, keys) for s in flight.stations},
        events=hub_events(flight),
        briefing={
            "agreement": flight.agreement.terms(),
            "digest": flight.agreement.digest(),
            "annexes": flight.annexes.to_json(),
            "unagreed_channels": [c.number for c in flight.scenario.unagreed_channel],
        },
    )


def _channel(c: AgreedChannel, flight: Flight) -> Channel:
    plan = back_off = None
    if c.slot_ms is not None and c.slots is not None:
        plan = SlotPlan(slot_ns=round(c.slot_ms * NS_PER_MS), slots_per_period=c.slots, shared=c.shared_slots)
    if c.backoff_ms is not None and c.backoff_slots is not None and c.attempts is not None:
        back_off = BackOff(round(c.backoff_ms * NS_PER_MS), c.backoff_slots, c.attempts)
    return Channel(
        number=c.number,
        frequency_hz=c.frequency_mhz * 1e6,
        bandwidth_hz=c.bandwidth_khz * 1e3,
        bit_rate_bps=c.bit_rate_bps,
        curve=flight.radio.curves.get(c.number, STEP),
        plan=plan,
        back_off=back_off,
    )


def _laws(flight: Flight, seed: int) -> Laws:
    medium = flight.scenario.medium
    waves = flight.radio.propagation
    return Laws(
        loss=medium.loss,
        capture=medium.capture,
        capture_db=medium.capture_db,
        propagation=replace(waves, seed=seed) if isinstance(waves, LogDistance) else waves,
        horizon_k=EARTH_K[medium.earth],
        retune_ns=round(medium.retune_ms * NS_PER_MS),
    )


def _fleet(s: StationEntry, flight: Flight) -> frozenset[int]:
    """The stations whose frames a headquarters tells of on the ground line."""
    if flight.line is None or s.role != "ground":
        return frozenset()
    return frozenset(other.address for other in flight.stations if other.party == s.party and other.role != "monitor")


def _berth(s: StationEntry, flight: Flight, keys: Mapping[int, bytes]) -> Berth:
    agreed = frozenset(c.number for c in flight.agreement.channel)
    everywhere = agreed | {c.number for c in flight.scenario.unagreed_channel}
    tuned = {"monitor": everywhere, "jammer": frozenset[int]()}.get(s.role, agreed)
    return Berth(
        equipment=Equipment(
            address=s.address,
            power_dbm=s.power_dbm,
            gain_dbi=s.gain_dbi,
            noise_figure_db=s.noise_figure_db,
            pattern=flight.radio.patterns.get(s.address),
            listens=s.role != "jammer",
        ),
        tuned=tuned,
        key=keys.get(s.address),
        monitor=s.role == "monitor",
        keeps_up=flight.line is not None and s.address in flight.line.clients,
        fleet=_fleet(s, flight),
        briefing={
            "address": f"{s.address:06x}",
            "call_sign": s.call_sign,
            "party": s.party,
            "role": s.role,
            "waypoints": s.waypoints,
        },
    )
