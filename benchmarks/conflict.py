"""airaccord's search for conflicts against BlueSky's state-based detection, numpy and C++, in one run. By hand:

pip install "airaccord[peers]"
python -m benchmarks.conflict                   100 to 5,000 aircraft, each case five rounds, medians
python -m benchmarks.conflict --rounds 1 100    fewer rounds, other numbers of aircraft

As many aircraft for each square mile however many there are: 100 in 107 x 107 NM, at 5,000 to 45,000 ft and 100 to
600 kt, two of five climbing or descending. Minima and look-ahead are BlueSky's: 5 NM, 1,000 ft, 300 s. All are given
the same latitudes and longitudes on the same sphere, and must find the same pairs.
"""

import argparse
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from itertools import pairwise
from math import cos, log2, radians, sqrt
from statistics import median
from time import process_time_ns
from types import SimpleNamespace
from typing import Any

import numpy as np

from protocol.conflicts import LOOK_AHEAD_S, MINIMA, Conflicts, Earth, Motion, search_on_earth
from protocol.units import FT_M, KT_MPS

try:
    with redirect_stdout(None):  # it tells what it has loaded
        from bluesky.traffic.asas import cstatebased
        from bluesky.traffic.asas.statebased import StateBased
except ImportError as error:
    sys.exit(f'{error}: this benchmark needs BlueSky; install it with pip install "airaccord[peers]"')

AIRCRAFT = (100, 200, 400, 800, 1250, 2500, 5000)
NM2_EACH = 114.0
"""Square miles to an aircraft."""
MIDDLE_DEG = 35.0, 39.0
SPHERE = Earth(6_371_000.0, 0.0)
"""BlueSky's."""
MATRICES = 2500
"""Aircraft up to which BlueSky's numpy is measured: its matrices of more take gigabytes."""
LEAST_NS = 50_000_000
"""A measurement repeats the call for at least so long."""


def traffic(count: int) -> SimpleNamespace:
    """As BlueSky has it: degrees, metres, metres a second."""
    random = np.random.default_rng(count)
    side_deg = sqrt(count * NM2_EACH) / 60
    latitude, longitude = MIDDLE_DEG
    vertical = random.uniform(500, 4000, count) * random.choice((-1, 1), count) * FT_M / 60
    return SimpleNamespace(
        ntraf=count,
        id=[f"A{n:04}" for n in range(count)],
        lat=latitude + side_deg * random.uniform(-0.5, 0.5, count),
        lon=longitude + side_deg * random.uniform(-0.5, 0.5, count) / cos(radians(latitude)),
        trk=random.uniform(0, 360, count),
        gs=random.uniform(100, 600, count) * KT_MPS,
        alt=random.uniform(5_000, 45_000, count) * FT_M,
        vs=np.where(random.random(count) < 0.6, 0.0, vertical),
    )


def ours(t: SimpleNamespace) -> Conflicts:
    track = np.radians(t.trk)
    motion = Motion(t.alt, t.gs * np.cos(track), t.gs * np.sin(track), t.vs)
    return search_on_earth(t.lat, t.lon, motion, earth=SPHERE)


def theirs(detect: Callable[..., Any], t: SimpleNamespace) -> Callable[[], Any]:
    limits = (np.full(t.ntraf, limit) for limit in (MINIMA.level_m, MINIMA.height_m, LOOK_AHEAD_S))
    arguments = (t, t, *limits)
    return lambda: detect(*arguments)


def call_ms(function: Callable[[], object]) -> float:
    """Processor time of one call."""
    calls, begin_ns = 0, process_time_ns()
    while (taken_ns := process_time_ns() - begin_ns) < LEAST_NS:
        function()
        calls += 1
    return taken_ns / calls / 1e6


def check(way: str, told: Any, expected: dict[tuple[str, str], float]) -> None:
    """AssertionError if a peer finds other pairs, or other times of entry; it tells each pair in both orders."""
    entries = {(a, b): seconds for (a, b), seconds in zip(told[0], told[8], strict=True) if a < b}
    assert entries.keys() == expected.keys(), f"{way} finds others: {sorted(entries.keys() ^ expected.keys())[:5]}"
    for pair, seconds in entries.items():
        assert abs(max(seconds, 0.0) - expected[pair]) < 1e-3, f"{way} has {pair} enter at {seconds:g} s"


def measure(count: int, rounds: int) -> tuple[float, float]:
    """Milliseconds of a call, C++ and ours, medians; prints them."""
    t = traffic(count)
    matrices = object.__new__(StateBased)  # no simulator: `detect` uses only what it is given
    ways: dict[str, Callable[[], Any]] = {"ours": lambda: ours(t), "C++": theirs(cstatebased.detect, t)}
    if count <= MATRICES:
        ways["numpy"] = theirs(matrices.detect, t)
    found = ours(t)
    entries = {(t.id[i], t.id[j]): s for i, j, s in zip(found.i, found.j, found.entry_s, strict=True)}
    for way in ways.keys() - {"ours"}:
        check(way, ways[way](), entries)
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, function in ways.items():
            times[way].append(call_ms(function))
    ms = {way: median(some) for way, some in times.items()}
    slowest = f"{ms['numpy']:12,.2f}" if "numpy" in ms else f"{'-':>12}"
    print(f"{count:8,} {len(entries):9} {slowest} {ms['C++']:10.3f} {ms['ours']:10.3f} {ms['C++'] / ms['ours']:9.2f}")
    return ms["C++"], ms["ours"]


def main() -> None:
    """Print a line for each number of aircraft, and one of the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("aircraft", nargs="*", type=int, default=AIRCRAFT)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    print("aircraft conflicts     numpy ms     C++ ms    ours ms  C++ / ours", flush=True)
    ms = {count: measure(count, asked.rounds) for count in sorted(asked.aircraft)}
    for a, b in pairwise(ms):
        growth = (ms[b][1] / ms[a][1]) ** (1 / log2(b / a))
        print(f"{a:,} to {b:,}: ours takes {growth:.2f} times as long for each doubling (at most 2.5 wanted)")
    ratios = ", ".join(f"{theirs_ms / ours_ms:.2f} at {count:,}" for count, (theirs_ms, ours_ms) in ms.items())
    print(f"the same pairs; C++ / ours (at least 1 wanted): {ratios}")


if __name__ == "__main__":
    main()
