"""How near a source may be and how strong it is: the short way never says what the long way does not."""

from typing import Any

from hypothesis import given, strategies as st

from protocol.accounts import Booked
from protocol.books import Books
from protocol.bounds import Limits, fix_of
from protocol.clauses.base import World
from protocol.heard import Heard, Receiver
from protocol.messages import Frame, Position, stamp
from protocol.sight import farthest_m, sight_of, surely_within
from tests.protocol.conftest import START_NS, shipped_agreement, six_aircraft

AGREEMENT = shipped_agreement()
WORLD = World(AGREEMENT, six_aircraft())
HERTZ = 127.5e6

latitudes, longitudes = st.floats(-85.0, 85.0), st.floats(-180.0, 179.999)
powers = st.floats(-120.0, 20.0).map(lambda dbm: round(dbm, 1))


def booked(position: Position, power_dbm: float | None, receiver: Receiver) -> Booked:
    frame = Frame(0x100001, 1, 5, 1, 0, 3, stamp(START_NS), position)
    return Books(400.0).book(Heard("m1#1", START_NS, 1, frame, b"", 1_000_000, power_dbm, receiver))


@st.composite
def heard(draw: Any) -> Booked:
    """POSITIONs from anywhere and from near the monitor, at any speed and age."""
    here = Receiver(draw(latitudes), draw(longitudes), 300.0)
    north, east = draw(st.floats(-3.0, 3.0)), draw(st.floats(-3.0, 3.0))
    near = (max(min(here.latitude_deg + north, 85.0), -85.0), (here.longitude_deg + east + 180) % 360 - 180)
    latitude_deg, longitude_deg = draw(st.sampled_from([near, (draw(latitudes), draw(longitudes))]))
    position = Position(
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
        velocity_north_mps=draw(st.floats(-400.0, 400.0)),
        velocity_east_mps=draw(st.floats(-400.0, 400.0)),
        nic=draw(st.integers(1, 11)),
        nacv=draw(st.integers(0, 4)),
        age_s=draw(st.floats(0.0, 2.5)),
    )
    return booked(position, draw(powers), here)


@given(heard(), st.floats(0.0, 80.0))
def test_who_is_surely_weaker_is_weaker(b: Booked, limit_dbm: float) -> None:
    sight = WORLD.sight_of(b)
    assert sight is not None
    assert sight.implied_dbm is not None
    if WORLD.surely_weaker(b, limit_dbm):
        assert sight.implied_dbm <= limit_dbm


@given(heard(), st.floats(0.0, 3e6))
def test_who_is_surely_within_is_within(b: Booked, limit_m: float) -> None:
    sight = WORLD.sight_of(b)
    assert sight is not None
    if surely_within(b, limit_m):
        assert sight.least_m <= max(limit_m, 1.0)


def test_the_short_way_is_taken_where_stations_are_honest() -> None:
    """Of 40 dBm and heard over free space, up to 300 NM: none needs the long way."""
    here = Receiver(35.0, 36.0, 300.0)
    limits = Limits.of(AGREEMENT)
    for north_deg in (0.02, 0.5, 1.0, 3.0, 5.0):
        position = Position(latitude_deg=35.0 + north_deg, longitude_deg=36.0, nic=8, nacv=2, age_s=0.1)
        b = booked(position, None, here)
        fix = fix_of(b)
        assert fix is not None
        far = sight_of(b, fix, limits, HERTZ, 0.0)
        assert far is not None
        loss_db = next(d for d in range(40, 200) if farthest_m(-float(d), 0.0, HERTZ) >= far.least_m)
        assert WORLD.surely_weaker(booked(position, 40.0 - loss_db, here), 43.0)


def test_without_a_place_nothing_is_sure() -> None:
    b = booked(Position(), -60.0, Receiver(35.0, 36.0, 300.0))
    assert not WORLD.surely_weaker(b, 1e9)
    assert WORLD.sight_of(b) is None
