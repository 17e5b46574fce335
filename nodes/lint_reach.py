"""Checks of places: whether a monitor can hear a station at all, and whether the agreement holds where it flies."""

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from nodes.flight_radio import EARTH_K
from nodes.lint_plan import Plan
from nodes.lint_ways import Bools, Way, seconds_of, straight_m
from nodes.problems import Problem
from nodes.scenario import StationEntry
from protocol.agreement import Channel
from protocol.messages import MAX_FRAME_BYTES
from radio.curves import STEP
from radio.propagation import Matrix, Own, Paths, PropagationError, free_space_range_m, horizon_m, sensitivity_dbm

UNHEARD_S = 5.0
"""How long a station may be out of reach without a word if 4.1 sets no limit."""


def _unheard(plan: Plan, hidden: dict[int, list[Bools]]) -> Iterator[tuple[StationEntry, float, float]]:
    """Stations that are hidden from every monitor for longer than 4.1's limit, how long, and of how long a duty."""
    reports = plan.flight.agreement.clause.c4_1
    for s in plan.flying:
        way = plan.ways.get(s.address)
        if way is None or not hidden.get(s.address):
            continue
        duty = way.airborne & way.in_area(plan.flight.scenario.area)
        unheard_s = seconds_of(duty & np.all(hidden[s.address], axis=0), way)
        if unheard_s > (reports.limit_s if reports else UNHEARD_S):
            yield s, unheard_s, seconds_of(duty, way)


def _pairs(plan: Plan) -> Iterator[tuple[StationEntry, Way, StationEntry, Way]]:
    """Each station that flies a known way with each monitor."""
    monitors = [m for m in plan.flight.stations if m.role == "monitor"]
    for s in plan.flying:
        if s.address in plan.ways:
            for m in monitors:
                yield s, plan.ways[s.address], m, plan.ways[m.address]


def beyond_the_horizon(plan: Plan) -> Iterator[Problem]:
    """The earth must not be between a station and all monitors."""
    k = EARTH_K[plan.flight.scenario.medium.earth]
    hidden: dict[int, list[Bools]] = {}
    for s, way, _, ear in _pairs(plan):
        beyond = straight_m(way, ear) > horizon_m(way.height_m, ear.height_m, k)
        hidden.setdefault(s.address, []).append(beyond)
    for s, unheard_s, duty_s in _unheard(plan, hidden):
        text = (
            f"beyond the radio horizon of every monitor for {unheard_s:.0f} of {duty_s:.0f} s in which it has duties: "
            "fly higher or nearer, or put a monitor higher or nearer"
        )
        yield plan.warning(_way_key(s), "", text)


def too_loud(plan: Plan) -> Iterator[Problem]:
    """A station that radiates more than agreed will be accused of it."""
    terms = plan.flight.agreement.clause.c3_4
    for s in plan.flying if terms else ():
        pattern = plan.flight.radio.patterns.get(s.address)
        radiated_dbm = s.power_dbm + s.gain_dbi + (pattern.greatest_db if pattern else 0.0)
        if terms and radiated_dbm > terms.power_dbm:
            text = f"radiates up to {radiated_dbm:g} dBm, antenna included; 3.4 allows {terms.power_dbm:g}"
            yield plan.warning(f"station {s.call_sign}: power_dbm", s.power_dbm, text)


def too_weak(plan: Plan) -> Iterator[Problem]:
    """Nor may it be too weak for all of them, even where its propagation is as good as it can be.

    Left out for antennas with a pattern: in which direction they point at whom is not known beforehand.
    """
    channel, radio = plan.terms.main[1], plan.flight.radio
    snr_db = radio.curves.get(channel.number, STEP).probabilities(MAX_FRAME_BYTES)[0] / 10
    hidden: dict[int, list[Bools]] = {}
    for s, way, m, ear in _pairs(plan):
        if s.pattern is None and m.pattern is None:
            reach_m = _reach_m(s, m, channel, snr_db, radio.propagation.excess_db)
            hidden.setdefault(s.address, []).append(straight_m(way, ear) > reach_m)
        else:
            hidden.setdefault(s.address, []).append(np.zeros(len(way.there), dtype=np.bool_))
    for s, unheard_s, duty_s in _unheard(plan, hidden):
        text = (
            f"below the sensitivity of every monitor on {channel.name} ({snr_db:g} dB over noise) for "
            f"{unheard_s:.0f} of {duty_s:.0f} s in which it has duties, at best and without interference"
        )
        yield plan.warning(f"station {s.call_sign}: power_dbm", s.power_dbm, text)


def _reach_m(station: StationEntry, monitor: StationEntry, channel: Channel, snr_db: float, excess_db: float) -> float:
    """How far a station is heard by a monitor at best."""
    sent_dbm = station.power_dbm + station.gain_dbi + monitor.gain_dbi + excess_db
    needed_dbm = float(sensitivity_dbm(monitor.noise_figure_db, channel.bandwidth_khz * 1000, snr_db))
    return free_space_range_m(sent_dbm - needed_dbm, channel.frequency_mhz * 1e6)


def ends_in_flight(plan: Plan) -> Iterator[Problem]:
    """A matrix or a function of the user's may give losses that cannot be, at distances that will be flown."""
    propagation = plan.flight.radio.propagation
    if not isinstance(propagation, Matrix | Own):
        return
    channels = (*plan.flight.agreement.channel, *plan.flight.scenario.unagreed_channel)
    for a, b in permutations(sorted(plan.ways), 2):
        here, there = plan.ways[a], plan.ways[b]
        apart_m = straight_m(here, there)
        at = np.flatnonzero(np.isfinite(apart_m))
        one = np.ones(len(at), np.int64)
        paths = Paths(apart_m[at], a * one, b * one, here.height_m[at], there.height_m[at])
        try:
            for channel in channels:
                propagation.loss_db(paths, channel.frequency_mhz * 1e6)
        except PropagationError as error:
            key = "medium.propagation.file" if isinstance(propagation, Matrix) else "medium.propagation.python"
            yield plan.warning(key, "", f"{error}; the run would end there")
            return


def never_in_the_area(plan: Plan) -> Iterator[Problem]:
    """Who is never inside the area has no duties there, and nothing is judged of it."""
    area = plan.flight.scenario.area
    for s in plan.flying:
        way = plan.ways.get(s.address)
        if area is not None and way is not None and way.there.any() and not way.in_area(area).any():
            south, north = np.nanmin(way.latitude_deg), np.nanmax(way.latitude_deg)
            west, east = np.nanmin(way.longitude_deg), np.nanmax(way.longitude_deg)
            text = (
                f"outside the area all the time: it flies between {south:.2f} and {north:.2f}, "
                f"{west:.2f} and {east:.2f} degrees, so reports, intents and distances are not judged; "
                "another way, or another area"
            )
            yield plan.warning(_way_key(s), "", text)


def _way_key(station: StationEntry) -> str:
    return f"station {station.call_sign}: {'track' if station.track else 'waypoints'}"
