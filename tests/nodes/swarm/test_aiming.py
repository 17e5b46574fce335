"""Whether one truly flew at another: by motions alone, as 6.6 says it."""

from pathlib import Path

from nodes.aiming import aimed
from nodes.flight import load
from nodes.motion import Waypoints
from nodes.seat import motion_of
from nodes.shipped import scenario
from protocol.units import NS_PER_S


def test_the_shipped_attack_is_one_and_only_of_the_attacker() -> None:
    flight = load(Path(scenario("faults/simulated_attack")))
    terms = flight.agreement.clause.c6_6
    assert terms is not None
    ways = {s.call_sign: motion_of(s, flight) for s in flight.stations if s.flies}
    attacker, target = ways["SOKOL 1"], ways["HAWK 11"]
    instants = range(flight.start_ns + 20 * NS_PER_S, flight.start_ns + 90 * NS_PER_S, NS_PER_S)
    assert any(aimed(attacker, target, at_ns, terms) for at_ns in instants)
    assert not any(aimed(target, attacker, at_ns, terms) for at_ns in instants)


def test_straight_on_at_each_other_is_none() -> None:
    terms = load(Path(scenario("quiet"))).agreement.clause.c6_6
    assert terms is not None
    east = Waypoints(0, [(0, 35.0, 36.0, 20_000), (100, 35.0, 36.25, 20_000)])
    west = Waypoints(0, [(0, 35.01, 36.25, 20_500), (100, 35.01, 36.0, 20_500)])
    assert not any(aimed(a, b, t * NS_PER_S, terms) for t in range(15, 45) for a, b in ((east, west), (west, east)))


def test_who_turned_at_first_and_held_it_long_aimed_too() -> None:
    """Drawn by the swarm (seed 80101): it turned to the other 18 s before, and flew straight on for the last 10."""
    terms = load(Path(scenario("quiet"))).agreement.clause.c6_6
    assert terms is not None
    a = [(0, 34.963401, 36.909107, 20_768), (38.75, 34.986883, 36.981276, 20_768), (77.5, 34.915975, 37.040837, 20_768)]
    b = [(0, 34.902364, 37.121505, 21_530), (77.5, 34.851825, 37.084438, 21_530)]
    own, other = Waypoints(0, a), Waypoints(0, b)
    assert aimed(own, other, 64 * NS_PER_S, terms)
    assert not aimed(own, other, 52 * NS_PER_S, terms), "not for long enough"
