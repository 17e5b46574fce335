"""However time is cut into windows, and however stations are looked for, the same becomes of every frame: in random
worlds in which stations come and go, tune, grow weak and jam, on channels with and without carrier sense."""

from collections import Counter
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from radio import stations
from radio.antenna import Pattern
from radio.curves import Curve
from radio.geodesy import ecef_m
from radio.medium import BackOff, Burst, Channel, Equipment, Fate, Laws, Medium, Transmission
from radio.propagation import LogDistance

MS = 1_000_000
UNTIL_NS = 20 * MS
SLOPE = Curve(sinr_db=(-9.0, 0.0, 60.0), success=(0.0, 0.2, 1.0))
AIR = Channel(number=1, frequency_hz=1e9, bandwidth_hz=1e6, bit_rate_bps=1e6)
POLITE = Channel(
    number=1,
    frequency_hz=1e9,
    bandwidth_hz=1e6,
    bit_rate_bps=1e6,
    back_off=BackOff(MS // 4, most_slots=4, attempts=3),
)
GUARD = Channel(number=2, frequency_hz=121.5e6, bandwidth_hz=25e3, bit_rate_bps=250e3, curve=SLOPE)
PATTERN = Pattern(
    azimuths_deg=(0.0, 90.0, 200.0), elevations_deg=(-30.0, 10.0), gains_db=((5.0, -20.0, 3.0), (0.0, 10.0, -60.0))
)
WAVES = LogDistance(exponent=2.1, shadowing_db=6.0, seed=3)
Told = tuple[int, str, tuple[Any, ...]]
"""When, which call of the medium, with what."""


def place_in(random: Random) -> tuple[Any, ...]:
    height_m = random.choice([-20.0, 50.0, 3_000.0, 10_000.0])
    faster = random.choice([1, 1, 1, 1_000])
    velocity_mps = [random.uniform(-300, 300) * faster for _ in range(3)]
    return ecef_m(35.5, 36 + random.uniform(0, random.choice([0.1, 1.0, 6.0])), height_m), velocity_mps, height_m


def stay(random: Random, address: int, jams: bool, from_ns: int, until_ns: int) -> list[Told]:
    """What a station does from when it joins until it leaves."""
    radio = Equipment(
        address=address,
        power_dbm=random.choice([-25.0, 0.0, 10.0, 40.0, 50.0]),
        gain_dbi=random.choice([0.0, 2.5, -5.0]),
        noise_figure_db=random.choice([4.0, 10.0]),
        pattern=random.choice([None, None, PATTERN]),
        listens=not jams,
    )
    told: list[Told] = [
        (from_ns, "join", (radio, frozenset(random.sample([1, 2], random.randint(1, 2))), from_ns)),
        (from_ns, "place", (address, from_ns, *place_in(random))),
    ]
    for _ in range(random.randint(0, 9)):
        at_ns = random.randrange(from_ns, until_ns)
        what = random.choice(["place", "tune", "set_power", "send", "send", "send"])
        if what == "place":
            told.append((at_ns, "place", (address, at_ns, *place_in(random))))
        elif what == "tune":
            told.append((at_ns, "tune", (address, frozenset(random.sample([1, 2], random.randint(0, 2))), at_ns)))
        elif what == "set_power":
            told.append((at_ns, "set_power", (address, random.choice([-20.0, 0.0, 30.0, 50.0]), at_ns)))
        elif jams:
            told.append((at_ns, "jam", (Burst(address, random.choice([1, 2]), at_ns, random.randint(1, 5 * MS)),)))
        else:
            name = (address, 3, random.randrange(1 << 16))
            frame = Transmission(*name, random.choice([1, 2]), at_ns, bytes(random.randint(1, 200)))
            told.append((at_ns, "transmit", (frame,)))
    return told


def world_of(random: Random) -> list[Told]:
    told: list[Told] = []
    stations_there = random.randint(2, 7)
    for address in range(1, stations_there + 1):
        at_ns = random.choice([0, 0, random.randrange(UNTIL_NS)])
        jams = address == stations_there and address > 3
        while at_ns < UNTIL_NS:
            leaves_ns = random.choice([UNTIL_NS, random.randrange(at_ns, UNTIL_NS) + 1])
            told += stay(random, address, jams, at_ns, leaves_ns)
            if leaves_ns < UNTIL_NS:
                told.append((leaves_ns, "leave", (address, leaves_ns)))
            at_ns = leaves_ns + random.choice([0, random.randrange(UNTIL_NS)])
    for _ in range(random.randint(0, 2)):
        at_ns = random.randrange(UNTIL_NS)
        told.append((at_ns, "set_loss", (random.random(), at_ns)))
    return sorted(told, key=lambda one: one[0])


def fates_of(told: list[Told], cuts_ns: list[int], capture: Any, polite: bool) -> tuple[list[Fate], list[Transmission]]:
    laws = Laws(loss=0.2, capture=capture, retune_ns=MS // 2, propagation=WAVES)
    medium = Medium([POLITE if polite else AIR, GUARD], laws, seed=11)
    fates: list[Fate] = []
    given_up: list[Transmission] = []
    for begin_ns, end_ns in pairwise([0, *sorted(cuts_ns), 1_000 * UNTIL_NS]):
        for at_ns, call, what in told:
            if begin_ns <= at_ns < end_ns:
                getattr(medium, call)(*what)
        settled = medium.settle(end_ns)
        fates += settled
        given_up += settled.given_up
    return fates, sorted(given_up, key=repr)


@pytest.mark.parametrize("capture", ["margin", "first", "none"])
@pytest.mark.parametrize("polite", [False, True])
@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 1 << 32), cuts_ns=st.lists(st.integers(1, 30 * MS), max_size=20, unique=True))
def test_neither_windows_nor_the_tree_matter(capture: str, polite: bool, seed: int, cuts_ns: list[int]) -> None:
    told = world_of(Random(seed))
    whole = fates_of(told, [], capture, polite)
    assert fates_of(told, cuts_ns, capture, polite) == whole
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stations, "FEW", 1)
        patch.setattr(stations, "MANY_GONE", 0)
        assert fates_of(told, cuts_ns, capture, polite) == whole


def test_who_leaves_takes_nothing_from_what_disturbed_others_and_himself() -> None:
    """A short frame within a long one, at a receiver that leaves before the long one is over: it was disturbed."""
    for cuts_ns in ([], [1_500_000]):
        told: list[Told] = [
            (0, call, what)
            for address, east_m in ((1, 0.0), (2, 3_000.0), (3, 6_000.0))
            for call, what in (
                ("join", (Equipment(address=address), frozenset({1}), 0)),
                ("place", (address, 0, (6.4e6, east_m, 0.0), (0.0, 0.0, 0.0), 9_000.0)),
            )
        ]
        told.append((MS, "transmit", (Transmission(1, 0, 0, 1, MS, bytes(200)),)))
        told.append((MS + 100_000, "transmit", (Transmission(3, 0, 0, 1, MS + 100_000, bytes(20)),)))
        told.append((2 * MS, "leave", (2, 2 * MS)))
        fates, _ = fates_of(told, cuts_ns, "margin", False)
        short = next(fate for fate in fates if fate.transmission.source == 3)
        assert dict(zip(short.receivers, map(str, short.outcomes), strict=True)) == {1: "half_duplex", 2: "collision"}
        assert dict(zip(short.receivers, short.rivals, strict=True))[2] == (1,)
        long = next(fate for fate in fates if fate.transmission.source == 1)
        assert long.receivers == (3,)


def test_these_worlds_are_worth_something() -> None:
    seen: Counter[str] = Counter()
    for seed in range(150):
        fates, given_up = fates_of(world_of(Random(seed)), [], "margin", seed % 2 == 0)
        seen.update(str(outcome) for fate in fates for outcome in fate.outcomes)
        seen["given_up"] += len(given_up)
        seen["out_of_range"] += sum(fate.out_of_range for fate in fates)
    assert min(seen.values()) >= 3, seen
    assert len(seen) == 11, seen
