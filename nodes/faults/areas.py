"""A fault that needs no other way to fly: the other party has closed an area around where the station goes."""

from nodes.faults.base import Active
from nodes.flight import Flight
from nodes.scenario import FaultEntry
from protocol.line.documents import Area
from protocol.units import NS_PER_S

BESIDE_DEG, ABOVE_FT = 0.03, 1_500.0
"""How far beyond its way the area reaches."""
LONGEST_NS = 60 * NS_PER_S


def around(fault: FaultEntry, flight: Flight) -> Area:
    """The area: closed while the fault is active, for a minute at most."""
    entry = next(s for s in flight.stations if s.call_sign == fault.station)
    active, motion = Active.of(fault, flight.start_ns), flight.motions[entry.address]
    until_ns = min(active.until_ns, active.from_ns + LONGEST_NS, flight.end_ns)
    places = [motion.at(at_ns) for at_ns in range(active.from_ns, until_ns, NS_PER_S)]
    there = [(p.latitude_deg, p.longitude_deg, p.altitude_ft) for p in places if p is not None]
    latitudes, longitudes, heights = zip(*(there or [(0.0, 0.0, 0.0)]), strict=True)
    return Area(
        id=f"closed-{entry.address:06x}",
        south_deg=min(latitudes) - BESIDE_DEG,
        north_deg=max(latitudes) + BESIDE_DEG,
        west_deg=min(longitudes) - BESIDE_DEG,
        east_deg=max(longitudes) + BESIDE_DEG,
        floor_ft=min(heights) - ABOVE_FT,
        ceiling_ft=max(heights) + ABOVE_FT,
        from_ns=active.from_ns,
        until_ns=until_ns,
    )
