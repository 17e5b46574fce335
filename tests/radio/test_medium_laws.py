"""The medium's laws by example: propagation, horizons, antennas, curves, and what its events change."""

import math
from dataclasses import replace

import numpy as np
import pytest

from radio.antenna import Pattern
from radio.curves import Curve
from radio.geodesy import ecef_m
from radio.medium import Burst, Channel, Equipment, Laws, Medium, Outcome, Transmission
from radio.propagation import LogDistance, Matrix, Own, PropagationError, TwoRay

MS, SECOND = 1_000_000, 1_000_000_000
AIR = Channel(number=1, frequency_hz=300e6, bandwidth_hz=25e3, bit_rate_bps=1e5)
STILL = (0.0, 0.0, 0.0)


def medium_of(laws: Laws, *stations: tuple, channel: Channel = AIR) -> Medium:
    """Stations as (address, degrees east of 36 E on 35 N, height in metres, keywords of Equipment)."""
    medium = Medium([channel], laws, seed=1)
    for address, east_deg, height_m, *more in stations:
        medium.join(Equipment(address=address, **(more[0] if more else {})), frozenset({1}), 0)
        medium.place(address, 0, ecef_m(35.0, 36.0 + east_deg, height_m), STILL, height_m)
    return medium


def fate_of(medium: Medium, source: int = 1, n_bytes: int = 40, start_ns: int = SECOND):
    medium.transmit(Transmission(source, 0, 0, 1, start_ns, bytes(n_bytes)))
    (fate,) = medium.settle(start_ns + SECOND)
    return fate


def outcomes_of(fate) -> dict[int, str]:
    return {address: str(outcome) for address, outcome in zip(fate.receivers, fate.outcomes, strict=True)}


def test_two_ray_beyond_its_crossover() -> None:
    """Antennas at 30 m, 50 km apart: 40 log d - 20 log(h1 h2) = 128.9 dB, where free space has 116.0."""
    apart_deg = 50_000 / (math.cos(math.radians(35)) * 6_378_137 * math.pi / 180 * 1.0011)
    stations = ((1, 0.0, 30.0), (2, apart_deg, 30.0))
    laws = Laws(horizon_k=math.inf)
    free = fate_of(medium_of(laws, *stations)).power_dbm[0]
    two = fate_of(medium_of(replace(laws, propagation=TwoRay()), *stations)).power_dbm[0]
    assert free == pytest.approx(40 - 116.0, abs=0.2)
    assert two == pytest.approx(40 - 128.9, abs=0.2)


def test_shadowing_is_the_paths_own_and_the_same_both_ways() -> None:
    laws = Laws(propagation=LogDistance(exponent=2.0, shadowing_db=8.0, seed=3))
    stations = tuple((n, n * 0.1, 9_000.0) for n in range(1, 6))
    there = {}
    for source in range(1, 6):
        fate = fate_of(medium_of(laws, *stations), source)
        there |= {(source, r): p for r, p in zip(fate.receivers, fate.power_dbm, strict=True)}
    free = {}
    for source in range(1, 6):
        fate = fate_of(medium_of(Laws(), *stations), source)
        free |= {(source, r): p for r, p in zip(fate.receivers, fate.power_dbm, strict=True)}
    for a, b in there:
        assert there[a, b] == there[b, a]
        assert abs(there[a, b] - free[a, b]) <= 8.1
    assert len({round(there[k] - free[k], 1) for k in there}) > 5


def test_a_matrix_says_it_all() -> None:
    losses = ((0.0, 100.0, 150.0), (90.0, 0.0, 100.0), (90.0, 90.0, 0.0))
    waves = Matrix(addresses=(1, 2, 3), losses=losses, excess_db=200.0)
    medium = medium_of(Laws(propagation=waves, horizon_k=math.inf), (1, 0, 10.0), (2, 20.0, 10.0), (3, 1.0, 10.0))
    fate = fate_of(medium)
    assert fate.power_dbm == (-60.0, -110.0)
    assert fate_of(medium, 2, start_ns=3 * SECOND).power_dbm == (-50.0, -60.0)


def test_nothing_that_is_no_number_reaches_an_outcome() -> None:
    waves = Own(function=lambda d, *_: np.where(d > 1e5, np.nan, 100.0), name="mine:f", excess_db=60.0)
    medium = medium_of(Laws(propagation=waves), (1, 0.0, 9_000.0), (2, 0.5, 9_000.0))
    assert fate_of(medium).power_dbm == (-60.0,)
    medium.place(2, 3 * SECOND, ecef_m(35.0, 38.0, 9_000.0), STILL, 9_000.0)
    with pytest.raises(PropagationError, match="mine:f"):
        fate_of(medium, start_ns=4 * SECOND)


@pytest.mark.parametrize(("k", "outcome"), [(4 / 3, "received"), (1.0, "beyond_horizon"), (math.inf, "received")])
def test_horizons(k: float, outcome: str) -> None:
    """At 100 m and 1000 m: 171.5 km over 4/3 earth, 148.5 km over the earth as it is. Another is higher than both."""
    east_deg = 160_000 / (math.cos(math.radians(35)) * 111_320 * 1.001)
    medium = medium_of(Laws(horizon_k=k), (1, 0.0, 100.0), (2, east_deg, 1_000.0), (3, 0.1, 9_000.0))
    assert outcomes_of(fate_of(medium))[2] == outcome


FORWARD = Pattern(azimuths_deg=(0.0, 90.0, 180.0, 270.0), elevations_deg=(0.0,), gains_db=((6.0, -10.0, -30.0, -10.0),))


def test_an_antenna_points_where_its_station_flies() -> None:
    """One to the east, one to the west, one to the north; the nose of a still station is north."""
    stations = ((2, 0.2, 9_000.0), (3, -0.2, 9_000.0))
    plain = fate_of(medium_of(Laws(), (1, 0.0, 9_000.0), *stations)).power_dbm
    medium = medium_of(Laws(), (1, 0.0, 9_000.0, {"pattern": FORWARD, "gain_dbi": 1.0}), *stations)
    assert np.subtract(fate_of(medium).power_dbm, plain) == pytest.approx([-9.0, -9.0], abs=0.11)
    east_mps = (-200.0 * math.sin(math.radians(36)), 200.0 * math.cos(math.radians(36)), 0.0)
    medium.place(1, 3 * SECOND, ecef_m(35.0, 36.0, 9_000.0), east_mps, 9_000.0)
    ahead = fate_of(medium, start_ns=3 * SECOND)
    assert np.subtract(ahead.power_dbm, plain) == pytest.approx([7.0, -29.0], abs=0.11)
    heard = fate_of(medium, 3, start_ns=6 * SECOND)
    assert heard.receivers == (1, 2)
    assert heard.power_dbm[0] - plain[1] == pytest.approx(-29.3, abs=0.2), "both ways, and 600 m further"


def test_a_pattern_lengthens_the_reach() -> None:
    weak = {"power_dbm": -47.0}
    stations = ((2, 0.0, 9_000.0), (3, 0.0, 9_000.0))
    medium = medium_of(Laws(), (1, 0.0, 9_000.0, weak | {"pattern": FORWARD}), *stations)
    plain = medium_of(Laws(), (1, 0.0, 9_000.0, weak), *stations)
    assert fate_of(medium).reach_m >= fate_of(plain).reach_m * 10 ** (6 / 20)


def test_a_curve_decides_by_chance_and_by_length() -> None:
    """A curve that gives 0.9 at any SINR: of 64 bytes nine in ten are received, of 8 bytes 0.9 ** (1 / 8)."""
    flat = Curve(sinr_db=(-50.0,), success=(0.9,))
    for n_bytes, share in ((64, 0.9), (8, 0.9 ** (1 / 8))):
        medium = medium_of(Laws(), (1, 0.0, 9e3), (2, 0.1, 9e3), channel=replace(AIR, curve=flat))
        for n in range(4_000):
            medium.transmit(Transmission(1, 0, n, 1, SECOND + n * 10 * MS, bytes(n_bytes)))
        counts = medium.settle(100 * SECOND).counts()
        assert set(counts) == {Outcome.RECEIVED, Outcome.CORRUPTED}
        assert counts[Outcome.RECEIVED] / 4_000 == pytest.approx(share, abs=5 * math.sqrt(share * (1 - share) / 4_000))


def test_retuning_takes_its_time_and_what_was_tuned_goes_on() -> None:
    two = replace(AIR, number=2)
    medium = Medium([AIR, two], Laws(retune_ns=100 * MS), seed=1)
    for address in (1, 2):
        medium.join(Equipment(address=address), frozenset({1}), 0)
        medium.place(address, 0, ecef_m(35.0, 36.0 + address / 10, 9e3), STILL, 9e3)
    medium.tune(2, frozenset({1, 2}), SECOND)
    for n, (channel, at_ms) in enumerate([(1, 1000), (2, 1010), (2, 1099), (2, 1100), (1, 1050)]):
        medium.transmit(Transmission(1, 0, n, channel, at_ms * MS, b"x"))
    fates = {f.transmission.sequence: str(f.outcomes[0]) for f in medium.settle(2 * SECOND)}
    assert fates == {0: "received", 1: "not_tuned", 2: "not_tuned", 3: "received", 4: "received"}


def test_a_burst_disturbs_while_it_lasts_and_has_no_fate() -> None:
    medium = medium_of(Laws(), (1, 0.0, 9e3), (2, 0.1, 9e3), (9, 0.1, 9e3, {"listens": False, "power_dbm": 50.0}))
    medium.jam(Burst(9, 1, SECOND, 500 * MS))
    for n, at_ms in enumerate((900, 995, 1_200, 1_499, 1_508)):
        medium.transmit(Transmission(1, 0, n, 1, at_ms * MS, bytes(100)))  # 8 ms
    settled = medium.settle(3 * SECOND)
    assert [str(f.outcomes[0]) for f in settled] == ["received", "jammed", "jammed", "jammed", "received"]
    assert [f.receivers for f in settled] == [(2,)] * 5
    assert settled[2].rivals == ((9,),)
    assert len(medium.settle(4 * SECOND)) == 0
    for bad in (Burst(9, 1, 5 * SECOND, 0), Burst(9, 7, 5 * SECOND, 1), Burst(77, 1, 5 * SECOND, 1)):
        with pytest.raises(ValueError, match=r"no duration, or a channel|not there"):
            medium.jam(bad)


@pytest.mark.parametrize("nowhere", [(math.nan, 0.0, 0.0), (0.0, math.inf, 0.0)])
def test_a_place_that_is_no_number_is_refused_and_is_no_place(nowhere: tuple[float, ...]) -> None:
    medium = medium_of(Laws(), (1, 0.0, 9e3))
    medium.join(Equipment(address=2), frozenset({1}), 0)
    for where, speed, height_m in ((nowhere, STILL, 9e3), (STILL, nowhere, 9e3), (STILL, STILL, math.nan)):
        with pytest.raises(ValueError, match="is nowhere"):
            medium.place(2, 0, where, speed, height_m)
    with pytest.raises(ValueError, match="before it was placed"):
        medium.transmit(Transmission(2, 0, 0, 1, SECOND, b"x"))
    assert fate_of(medium).receivers == ()


def test_laws_that_make_no_sense() -> None:
    for loss in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="probability"):
            Laws(loss=loss)
        with pytest.raises(ValueError, match="probability"):
            medium_of(Laws()).set_loss(loss, 0)
