"""Whom an aircraft finds inside the ring: the same as if it asked of each peer alone. And a node wakes once for all."""

from pathlib import Path
from typing import Any

from hypothesis import given, strategies as st

from nodes.flight import load
from nodes.motion import Kinematics
from nodes.node import Node
from nodes.shipped import scenario
from nodes.stations.ledger import Ledger, Roster
from nodes.stations.ring import METRES_A_DEGREE, PEER_FORGOTTEN_NS, _within, inside_ring
from protocol.messages import Frame, Position
from protocol.units import NS_PER_S
from radio.delivery import of_one

RING_M = 0.5 * METRES_A_DEGREE

near = st.one_of(st.floats(-0.6, 0.6), st.sampled_from([-0.5, 0.5, 0.0]))
latitudes = st.one_of(near, st.floats(-90, 90), st.none())
longitudes = st.one_of(near.map(lambda deg: deg + 180 if deg < 0 else deg - 180), st.floats(-180, 179.99), st.none())
peer = st.tuples(latitudes, longitudes, st.booleans(), st.integers(0, 9))


@given(st.tuples(near, st.sampled_from([-180.0, 179.8, 0.1])), st.lists(peer, max_size=30))
def test_who_is_inside_the_ring_is_found(at: tuple[float, float], peers: list[tuple[Any, Any, bool, int]]) -> None:
    here = Kinematics(*at, 30_000.0, 0.0, 0.0, 0.0, 0.0, True)
    ledger = Ledger(Roster(), lambda address: address % 3 > 0)
    inside = []
    for address, (latitude_deg, longitude_deg, airborne, heard_ns) in enumerate(peers):
        position = Position(latitude_deg, longitude_deg, airborne=airborne)
        ledger.hear(Frame(address, 1, 1, 1, 0, 3, 0, position), heard_ns)
        known = airborne and latitude_deg is not None and longitude_deg is not None
        if address % 3 and heard_ns >= 3 and known and _within(here, complex(latitude_deg, longitude_deg), RING_M):
            inside.append(address)
    assert list(inside_ring(ledger, here, RING_M, 3 + PEER_FORGOTTEN_NS)) == inside


def test_a_node_that_is_woken_does_not_wake_more_and_more_often() -> None:
    flight = load(Path(scenario("encounter-2015")))
    entry = next(s for s in flight.stations if s.role == "aircraft")
    node = Node(entry, flight, 1, flight.start_ns)
    for second in range(60):
        node.take(of_one(()))
        node.run(flight.start_ns + second * NS_PER_S)
    assert len(node._heap) < 6
    assert node.due_ns >= node.now_ns
