"""The desks of a flight's clients of the ground line: who decides, with which key, and on which errands."""

from collections.abc import Callable, Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nodes.faults.areas import around
from nodes.faults.base import Active
from nodes.flight import Flight
from nodes.line.desk import Clerk, Desk
from nodes.line.witness import Witness
from nodes.scenario import StationEntry
from nodes.scenario_line import VolumeEntry
from nodes.stations.headquarters import Errand, Headquarters, Office
from protocol.judge import Tally
from protocol.line.documents import (
    Area,
    AreaLifted,
    Body,
    Call,
    Frequencies,
    Frequency,
    Plan,
    PlanAnswer,
    PlanWithdrawn,
    Volume,
)
from protocol.line.envelope import Author
from protocol.line.intake import Intake
from protocol.line.names import client_of_party
from protocol.units import NS_PER_S, seconds_ns

EVERY_S = 20.0
"""Heartbeats, where 8.3 is switched off."""
MANIFEST_S = 10.0
NOTICE_S = 3600.0
ANSWERED_S = 30.0
"""So long after it a plan of before the run was answered, also before the run."""


def desk_of(entry: StationEntry, flight: Flight, now_ns: int, tallies: Callable[[], list[Tally]] | None = None) -> Desk:
    """The desk of a headquarters or a monitor, from `now_ns` on: each life has a session of its own."""
    line = flight.line
    assert line is not None
    name = line.clients[entry.address]
    alive = flight.agreement.clause.c8_3
    every_ns = seconds_ns(alive.every_s if alive else EVERY_S)
    clerk: Clerk
    if entry.role == "monitor":
        clerk = Witness(now_ns, every_ns, tallies)
    else:
        clerk = Headquarters(_office(entry, flight, every_ns), now_ns)
    key = Ed25519PrivateKey.from_private_bytes(line.private[name])
    digest = flight.agreement.digest()
    return Desk(clerk, Author(name, now_ns, digest, key), Intake(digest, line.public), now_ns)


def _office(entry: StationEntry, flight: Flight, every_ns: int) -> Office:
    line, manifests = flight.line, flight.agreement.clause.c9_1
    assert line is not None
    own = {s.call_sign for s in flight.stations if s.party == entry.party}
    alone = {f.station for f in flight.scenario.fault if f.name == "uncoordinated_drone"}
    return Office(
        client=line.clients[entry.address],
        stations=tuple(s.address for s in flight.stations if s.party == entry.party and s.role != "monitor"),
        start_ns=flight.start_ns,
        heartbeat_ns=every_ns,
        manifest_ns=seconds_ns(manifests.every_s if manifests else MANIFEST_S),
        settled_ns=NS_PER_S + max(c.longest_hold_ns for c in flight.agreement.channel),
        errands=tuple(sorted(_errands(entry, flight), key=lambda e: e.at_ns)),
        says={p.id: "none" if p.station in alone else p.answer for p in line.entry.plan if p.station not in own},
        discloses=line.entry.discloses,
        quiet=_spans("dead_line", entry, flight),
        hides=bool(_spans("cover_up", entry, flight)),
        false=_spans("false_manifest", entry, flight),
    )


def _spans(name: str, entry: StationEntry, flight: Flight) -> tuple[tuple[int, int], ...]:
    """When a headquarters has a fault."""
    faults = [f for f in flight.scenario.fault if (f.name, f.station) == (name, entry.call_sign)]
    spans = [Active.of(fault, flight.start_ns) for fault in faults]
    return tuple((span.from_ns, span.until_ns) for span in spans)


def _errands(entry: StationEntry, flight: Flight) -> Iterator[Errand]:
    """What the scenario has a headquarters publish."""
    line = flight.line
    assert line is not None
    addresses = {s.call_sign: f"{s.address:06x}" for s in flight.stations}
    own = {s.call_sign for s in flight.stations if s.party == entry.party}
    client = line.clients[entry.address]
    others = [client_of_party(p.name) for p in flight.agreement.party if p.name != entry.party]

    terms = flight.agreement.clause.c8_2
    notice_s = terms.notice_s if terms else NOTICE_S

    def at(seconds: float, body: Body) -> Errand:
        return Errand(flight.start_ns + seconds_ns(seconds), body)

    yield at(0.0, _frequencies(flight))
    alone = {f.station for f in flight.scenario.fault if f.name == "uncoordinated_drone"}
    for plan in line.entry.plan:
        if plan.station in own:
            yield at(plan.at_s, Plan(id=plan.id, station=addresses[plan.station], **_volume(plan, flight)))
            if plan.withdrawn_s is not None:
                yield at(plan.withdrawn_s, PlanWithdrawn(owner=client, plan=plan.id))
        elif plan.at_s < 0 and plan.answer != "none" and plan.station not in alone:
            answered_s = min(plan.at_s + ANSWERED_S, -1.0)
            yield at(answered_s, PlanAnswer(owner=others[0], plan=plan.id, result=plan.answer))
    for area in line.entry.area:
        if area.party == entry.party:
            yield at(area.at_s, Area(id=area.id, **_volume(area, flight)))
            if area.lifted_s is not None:
                yield at(area.lifted_s, AreaLifted(area=area.id))
    for fault in flight.scenario.fault:
        if fault.name == "area_intruder" and fault.station not in own:
            yield at(-2 * notice_s, around(fault, flight))
    for i, call in enumerate(line.entry.call):
        if call.party == entry.party:
            yield at(call.at_s, Call(id=f"c-{i + 1}", to=others[0], text=call.text))


def _frequencies(flight: Flight) -> Frequencies:
    """The frequency plan, as both parties have agreed on it."""
    uses = {True: "calls and distress", False: ""}
    return Frequencies(
        channels=tuple(
            Frequency(number=c.number, name=c.name, frequency_mhz=c.frequency_mhz, use=uses[c.guard])
            for c in flight.agreement.channel
        )
    )


def _volume(entry: VolumeEntry, flight: Flight) -> dict[str, Any]:
    fields = {name: getattr(entry, name) for name in Volume.model_fields if name[-3:] != "_ns"}
    from_ns, until_ns = (flight.start_ns + seconds_ns(s) for s in (entry.from_s, entry.until_s))
    return fields | {"from_ns": from_ns, "until_ns": until_ns}
