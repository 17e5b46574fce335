"""The medium in random small worlds: against a slow re-implementation, and whatever the order of calls."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from radio import stations as stations_module
from radio.curves import Curve
from radio.geodesy import ecef_m
from radio.medium import Burst, Channel, Equipment, Laws, Medium, Outcome, Transmission
from tests.radio.slow_medium import SlowMedium, Station

MS = 1_000_000
SECOND = 1_000 * MS
T0 = 1_444_000_000 * SECOND
SLOPE = Curve(sinr_db=(-9.0, 0.0, 60.0), success=(0.0, 0.2, 1.0))
AIR = Channel(number=1, frequency_hz=1e9, bandwidth_hz=1e6, bit_rate_bps=1e6)
GUARD = Channel(number=2, frequency_hz=121.5e6, bandwidth_hz=25e3, bit_rate_bps=250e3, curve=SLOPE)
BOTH = frozenset({1, 2})
RETUNE_NS = MS // 2
JAMMER = 0xFFFFFF


INSTANT_NS = st.integers(0, 3 * MS)


@st.composite
def places(draw, at_ns):
    height_m = draw(st.sampled_from([-20.0, 50.0, 3_000.0, 10_000.0]))
    east_deg = draw(st.floats(0.0, draw(st.sampled_from([0.1, 1.0, 6.0]))))
    velocity_mps = draw(st.tuples(*[st.floats(-300.0, 300.0)] * 3))
    return T0 + at_ns, tuple(ecef_m(35.5, 36.0 + east_deg, height_m).tolist()), velocity_mps, height_m


@st.composite
def worlds(draw):
    """(stations, frames and bursts): a few in a few milliseconds, so that much overlaps."""
    tunings = st.sampled_from([BOTH, BOTH, BOTH, frozenset({1}), frozenset({2}), frozenset()])
    stations = []
    for address in draw(st.lists(st.integers(0, 0xFFFFFE), min_size=2, max_size=5, unique=True)):
        power_dbm = draw(st.sampled_from([-25.0, 0.0, 10.0, 40.0, 50.0]))
        gain_dbi, noise_db = draw(st.sampled_from([0.0, 2.5])), draw(st.sampled_from([10.0, 4.0]))
        moves = [0, *sorted(draw(st.sets(st.integers(1, 3 * MS), max_size=2)))]
        switches = [0, *sorted(draw(st.sets(st.integers(1, 3 * MS), max_size=2)))]
        radio = Equipment(address=address, power_dbm=power_dbm, gain_dbi=gain_dbi, noise_figure_db=noise_db)
        history = [draw(places(at_ns)) for at_ns in moves]
        stations.append(Station(radio, history, [(T0 + at_ns, draw(tunings)) for at_ns in switches]))
    sources = st.sampled_from([station.radio.address for station in stations])
    lengths = st.integers(1, 60)
    sent = [
        Transmission(draw(sources), 3, sequence, draw(st.sampled_from([1, 2])), T0 + start_ns, bytes(draw(lengths)))
        for sequence, start_ns in enumerate(draw(st.lists(INSTANT_NS, min_size=1, max_size=7)))
    ]
    if draw(st.booleans()):
        radio = Equipment(address=JAMMER, power_dbm=draw(st.sampled_from([0.0, 50.0])), listens=False)
        stations.append(Station(radio, [draw(places(0))], [(T0, frozenset())]))
        for start_ns in draw(st.sets(INSTANT_NS, min_size=1, max_size=3)):
            sent.append(Burst(JAMMER, draw(st.sampled_from([1, 2])), T0 + start_ns, draw(st.integers(MS // 2, 2 * MS))))
    return stations, sent


def run(stations, sent, cuts_ns, capture="margin", loss=0.3):
    """All fates, with everything told in the order given, each call in the window in which it falls."""
    laws = Laws(loss=loss, capture=capture, retune_ns=RETUNE_NS)
    medium = Medium([AIR, GUARD], laws, seed=11)
    fates = []
    for begin_ns, end_ns in pairwise([T0, *sorted(T0 + cut_ns for cut_ns in cuts_ns), T0 + SECOND]):
        for station in stations:
            address = station.radio.address
            for number, (at_ns, channels) in enumerate(station.tunings):
                if begin_ns <= at_ns < end_ns and number == 0:
                    medium.join(station.radio, channels, at_ns)
                elif begin_ns <= at_ns < end_ns:
                    medium.tune(address, channels, at_ns)
            for place in station.places:
                if begin_ns <= place[0] < end_ns:
                    medium.place(address, *place)
        for one in sent:
            if begin_ns <= one.start_ns < end_ns:
                if isinstance(one, Burst):
                    medium.jam(one)
                else:
                    medium.transmit(one)
        fates += medium.settle(end_ns)
    return fates


def slowly(stations, sent, capture="margin"):
    return SlowMedium([AIR, GUARD], stations, sent, seed=11, loss=0.3, capture=capture, retune_ns=RETUNE_NS).fates()


def without_reach(fates):
    """A reach is a whole calculation in floats: only what follows from it is compared."""
    return [fate._replace(reach_m=0.0) for fate in fates]


@pytest.mark.parametrize("capture", ["margin", "first", "none"])
@settings(max_examples=250, deadline=None)
@given(world=worlds())
def test_agrees_with_the_slow_medium(capture, world):
    assert without_reach(run(*world, [], capture)) == slowly(*world, capture)


@settings(max_examples=100, deadline=None)
@given(world=worlds())
def test_a_tree_of_places_finds_everybody_that_matters(world):
    """The same with the tree that is meant for many stations."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stations_module, "FEW", 1)
        assert without_reach(run(*world, [])) == slowly(*world)


@pytest.mark.parametrize("capture", ["margin", "first"])
@settings(max_examples=150, deadline=None)
@given(world=worlds(), cuts_ns=st.sets(st.integers(1, 6 * MS), max_size=6), data=st.data())
def test_neither_order_nor_windows_matter(capture, world, cuts_ns, data):
    stations, sent = world
    others = data.draw(st.permutations(stations)), data.draw(st.permutations(sent))
    assert run(*others, cuts_ns, capture) == run(stations, sent, [], capture)


def test_the_random_worlds_are_worth_something():
    """Every outcome occurs among them, so that agreeing on them means something."""
    seen = Counter()

    @settings(max_examples=500, deadline=None, derandomize=True, database=None)
    @given(worlds())
    def look(world):
        for fate in run(*world, []):
            seen.update(fate.outcomes)
            seen[Outcome.OUT_OF_RANGE] += fate.out_of_range

    look()
    assert min(seen[outcome] for outcome in Outcome) >= 5, seen
