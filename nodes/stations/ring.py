"""Who is near, by what was heard of them lately: on a spherical earth."""

from math import cos, hypot, radians

import numpy as np

from nodes.motion import Kinematics
from nodes.stations.ledger import Around, Ledger
from protocol.units import NS_PER_S

PEER_FORGOTTEN_NS = 30 * NS_PER_S
METRES_A_DEGREE = 111_195
UNSURE = 1e-6
"""Who is so near the ring, as a share of its radius, is looked at more closely."""


def around(here: Kinematics, ring_m: float, now_ns: int) -> Around:
    """Who is inside the ring, or may be, of those heard lately."""
    degrees = ring_m / METRES_A_DEGREE * (1 + UNSURE)
    return Around(here.latitude_deg, here.longitude_deg, degrees, now_ns - PEER_FORGOTTEN_NS)


def inside_ring(peers: Ledger, here: Kinematics, ring_m: float, now_ns: int) -> dict[int, int]:
    """The other party's aircraft inside the ring, of those heard lately: by rising address, which of its sessions each
    is in (see `Ledger.life`)."""
    ring_deg = ring_m / METRES_A_DEGREE
    rows, away_deg = peers.opposed_around(around(here, ring_m, now_ns))
    if not len(rows):
        return {}
    unsure = away_deg > ring_deg * (1 - UNSURE)
    if np.count_nonzero(unsure):  # arrays may differ from plain floats in the last bit
        near = [_within(here, place, ring_m) for place in peers.place[rows[unsure]].tolist()]
        rows = np.concatenate([rows[~unsure], rows[unsure][near]])
    addresses = peers.address.take(rows)
    order = addresses.argsort()
    return dict(zip(addresses[order].tolist(), peers.life.take(rows[order]).tolist(), strict=True))


def _within(here: Kinematics, place: complex, ring_m: float) -> bool:
    """Whether it is near enough to be called: on a spherical earth."""
    north = (place.real - here.latitude_deg) * METRES_A_DEGREE
    east = ((place.imag - here.longitude_deg + 180) % 360 - 180) * METRES_A_DEGREE * cos(radians(here.latitude_deg))
    return hypot(north, east) <= ring_m
