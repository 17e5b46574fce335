"""The medium in random small worlds: against a slow re-implementation, and whatever the order of calls."""

import math
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from radio.draws import uniform
from radio.geodesy import ecef_m
from radio.medium import NO_RIVAL, Channel, Equipment, Fate, Medium, Outcome, Transmission
from radio.slots import airtime_ns

MS = 1_000_000
SECOND = 1_000 * MS
T0 = 1_444_000_000 * SECOND
AIR = Channel(number=1, frequency_hz=1e9, bandwidth_hz=1e6, bit_rate_bps=1e6)
GUARD = Channel(number=2, frequency_hz=121.5e6, bandwidth_hz=25e3, bit_rate_bps=250e3)
BOTH = frozenset({1, 2})


@dataclass
class Station:
    radio: Equipment
    places: list = field(default_factory=list)  # (at_ns, position_m, velocity_mps, height_m)
    tunings: list = field(default_factory=list)  # (at_ns, channels)


def latest(history, at_ns):
    return [entry for entry in history if entry[0] <= at_ns][-1]


class SlowMedium:
    """The rules once more: one frame, one receiver, one interferer at a time."""

    def __init__(self, stations, transmissions, seed, loss):
        self.stations = {station.radio.address: station for station in stations}
        self.transmissions, self.seed, self.loss = transmissions, seed, loss

    def where(self, address, at_ns):
        placed_ns, position_m, velocity_mps, height_m = latest(self.stations[address].places, at_ns)
        elapsed_s = (at_ns - placed_ns) / 1e9
        return [p + v * elapsed_s for p, v in zip(position_m, velocity_mps, strict=True)], height_m

    def link(self, frame, receiver):
        """(arrival, end, power, beyond horizon) of a frame at a receiver."""
        channel = {1: AIR, 2: GUARD}[frame.channel]
        here_m, height_m = self.where(frame.source, frame.start_ns)
        there_m, other_height_m = self.where(receiver, frame.start_ns)
        distance_m = math.dist(here_m, there_m)
        horizon_m = math.sqrt(2 * 6_371_000 * 4 / 3) * (math.sqrt(max(height_m, 1)) + math.sqrt(max(other_height_m, 1)))
        source, hearer = self.stations[frame.source].radio, self.stations[receiver].radio
        loss_db = 20 * math.log10(4 * math.pi * max(distance_m, 1) * channel.frequency_hz / 299_792_458)
        power_dbm = round(source.power_dbm + source.gain_dbi + hearer.gain_dbi - loss_db, 1)
        arrival_ns = frame.start_ns + round(distance_m / 0.299792458)
        end_ns = arrival_ns + airtime_ns(len(frame.data), channel.bit_rate_bps)
        return arrival_ns, end_ns, power_dbm, distance_m > horizon_m

    def outcome(self, frame, receiver):
        channel, radio = {1: AIR, 2: GUARD}[frame.channel], self.stations[receiver].radio
        arrival_ns, end_ns, power_dbm, beyond = self.link(frame, receiver)
        overlapping = []
        for other in self.transmissions:
            first_ns, last_ns, other_dbm, other_beyond = self.link(other, receiver)
            if other is frame or last_ns <= arrival_ns or end_ns <= first_ns:
                continue
            if other.source == receiver:
                overlapping.append(("self", None, None))
            elif other.channel == frame.channel and not other_beyond:
                overlapping.append(("other", -other_dbm, other.source))
        rivals = sorted(one for one in overlapping if one[0] == "other")
        noise_mw = sum(10 ** (-negative_dbm / 10) for _, negative_dbm, _ in rivals)
        if frame.channel not in latest(self.stations[receiver].tunings, frame.start_ns)[1]:
            return "not_tuned", NO_RIVAL
        if ("self", None, None) in overlapping:
            return "half_duplex", NO_RIVAL
        if beyond:
            return "beyond_horizon", NO_RIVAL
        noise_dbm = -174 + radio.noise_figure_db + 10 * math.log10(channel.bandwidth_hz)
        if power_dbm < round(noise_dbm + radio.required_snr_db, 1):
            return "below_sensitivity", NO_RIVAL
        if rivals and round(power_dbm - round(10 * math.log10(noise_mw), 1), 1) < 10:
            return "collision", rivals[0][2]
        key = (self.seed, frame.source, frame.session, frame.sequence, np.array([receiver], np.uint64), 1)
        return ("faded" if uniform(*key)[0] < self.loss else "received"), NO_RIVAL

    def fate(self, frame):
        receivers = sorted(set(self.stations) - {frame.source})
        links = [self.link(frame, receiver) for receiver in receivers]
        results = [self.outcome(frame, receiver) for receiver in receivers]
        return Fate(
            frame,
            max([end_ns for _, end_ns, _, _ in links] + [self.link(frame, frame.source)[1]]),
            tuple(receivers),
            tuple(Outcome(outcome) for outcome, _ in results),
            tuple(power_dbm for _, _, power_dbm, _ in links),
            tuple(arrival_ns for arrival_ns, _, _, _ in links),
            tuple(rival for _, rival in results),
        )


INSTANT_NS = st.integers(0, 3 * MS)


@st.composite
def places(draw, at_ns):
    height_m = draw(st.sampled_from([-20.0, 50.0, 3_000.0, 10_000.0]))
    east_deg = draw(st.floats(0.0, draw(st.sampled_from([0.1, 1.0, 6.0]))))
    velocity_mps = draw(st.tuples(*[st.floats(-300.0, 300.0)] * 3))
    return T0 + at_ns, tuple(ecef_m(35.5, 36.0 + east_deg, height_m).tolist()), velocity_mps, height_m


@st.composite
def worlds(draw):
    """(stations, transmissions): a few frames in a few milliseconds, so that much overlaps."""
    tunings = st.sampled_from([BOTH, BOTH, frozenset({1}), frozenset({2}), frozenset()])
    stations = []
    for address in draw(st.lists(st.integers(0, 0xFFFFFF), min_size=2, max_size=5, unique=True)):
        power_dbm, gain_dbi = draw(st.sampled_from([20.0, 40.0, 50.0])), draw(st.sampled_from([0.0, 2.5]))
        moves = [0, *sorted(draw(st.sets(st.integers(1, 3 * MS), max_size=2)))]
        switches = [0, *sorted(draw(st.sets(st.integers(1, 3 * MS), max_size=1)))]
        radio = Equipment(address=address, power_dbm=power_dbm, gain_dbi=gain_dbi)
        history = [draw(places(at_ns)) for at_ns in moves]
        stations.append(Station(radio, history, [(T0 + at_ns, draw(tunings)) for at_ns in switches]))
    sources = st.sampled_from([station.radio.address for station in stations])
    lengths = st.integers(1, 60)
    transmissions = [
        Transmission(draw(sources), 3, sequence, draw(st.sampled_from([1, 1, 2])), T0 + start_ns, bytes(draw(lengths)))
        for sequence, start_ns in enumerate(draw(st.lists(INSTANT_NS, min_size=1, max_size=7)))
    ]
    return stations, transmissions


def run(stations, transmissions, cuts_ns, loss=0.3):
    """All fates, with everything told in the order given, each call in the window in which it falls."""
    medium = Medium([AIR, GUARD], seed=11, loss=loss)
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
        for transmission in transmissions:
            if begin_ns <= transmission.start_ns < end_ns:
                medium.transmit(transmission)
        fates += medium.settle(end_ns)
    return fates


@settings(max_examples=300, deadline=None)
@given(worlds())
def test_agrees_with_the_slow_medium(world):
    stations, transmissions = world
    slow = SlowMedium(stations, transmissions, seed=11, loss=0.3)
    expected = sorted(
        (slow.fate(frame) for frame in transmissions),
        key=lambda fate: (fate.due_ns, fate.transmission.source, fate.transmission.sequence),
    )
    assert run(stations, transmissions, []) == expected


@settings(max_examples=150, deadline=None)
@given(worlds(), st.sets(st.integers(1, 6 * MS), max_size=6), st.data())
def test_neither_order_nor_windows_matter(world, cuts_ns, data):
    stations, transmissions = world
    other_stations, other_transmissions = (
        data.draw(st.permutations(stations)),
        data.draw(st.permutations(transmissions)),
    )
    assert run(other_stations, other_transmissions, cuts_ns) == run(stations, transmissions, [])


def test_the_random_worlds_are_worth_something():
    """Every outcome occurs among them, so that agreeing on them means something."""
    seen = Counter()

    @settings(max_examples=200, deadline=None, derandomize=True, database=None)
    @given(worlds())
    def look(world):
        seen.update(outcome for fate in run(*world, []) for outcome in fate.outcomes)

    look()
    assert min(seen[outcome] for outcome in Outcome) >= 5
