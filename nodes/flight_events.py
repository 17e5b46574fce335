"""What the events of a scenario mean for whom: for the hub, and for the stations that are switched off and on."""

from nodes.faults.frames import loud_events
from nodes.flight import Flight
from nodes.scenario import EventEntry, StationEntry
from protocol.units import seconds_ns
from radio.hub import Event

Span = tuple[int, int]
"""From an instant until another."""


def events_of(entry: StationEntry, flight: Flight) -> list[tuple[int, EventEntry]]:
    """A station's events, each with its instant, in the order in which they happen."""
    mine = (e for e in flight.scenario.event if e.station == entry.call_sign)
    return sorted(((flight.start_ns + seconds_ns(e.at_s), e) for e in mine), key=lambda event: event[0])


def switched(events: list[tuple[int, bool]], at_first: bool, start_ns: int, end_ns: int) -> list[Span]:
    """When something is on that is switched at instants; of several at one instant the last holds."""
    spans: list[Span] = []
    on, since_ns = at_first, start_ns
    for at_ns, goes_on in dict(events).items():
        if on and not goes_on and at_ns > since_ns:
            spans.append((since_ns, at_ns))
        if goes_on != on:
            on, since_ns = goes_on, at_ns
    return [*spans, (since_ns, end_ns)] if on and end_ns > since_ns else spans


def on_air(entry: StationEntry, flight: Flight) -> list[Span]:
    """When a station is switched on."""
    events = [(at_ns, e.on_air) for at_ns, e in events_of(entry, flight) if e.on_air is not None]
    return switched(events, True, flight.start_ns, 1 << 62)


def off_air(entry: StationEntry, flight: Flight) -> list[Span]:
    """When a station is switched off, until the flight's end at most."""
    events = [(at_ns, not e.on_air) for at_ns, e in events_of(entry, flight) if e.on_air is not None]
    return switched(events, False, flight.start_ns, flight.end_ns)


def jamming(entry: StationEntry, flight: Flight) -> list[Span]:
    """When a jammer jams: it is switched on, and is let."""
    assert entry.jam is not None
    events = [(at_ns, e.jamming) for at_ns, e in events_of(entry, flight) if e.jamming is not None]
    let = switched(events, entry.jam.from_start, flight.start_ns, 1 << 62)
    both = [(max(a, c), min(b, d)) for a, b in let for c, d in on_air(entry, flight)]
    return [(begin, end) for begin, end in both if begin < end]


def hub_events(flight: Flight) -> tuple[Event, ...]:
    """What the hub must tell its medium: loss, power and tuning, in order."""
    addresses = {s.call_sign: s.address for s in flight.stations}
    loud = loud_events(flight.scenario.fault, {s.call_sign: s.power_dbm for s in flight.stations})
    events = [
        Event(
            at_ns=flight.start_ns + seconds_ns(e.at_s),
            address=None if e.station is None else addresses[e.station],
            loss=e.loss,
            power_dbm=e.power_dbm,
            channels=None if e.channels is None else frozenset(e.channels),
        )
        for e in (*flight.scenario.event, *loud)
        if e.jamming is None and e.on_air is None
    ]
    return tuple(sorted(events, key=lambda event: event.at_ns))
