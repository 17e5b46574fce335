"""airaccord's radio against ns-3, in one run: frames delivered in a second of processor time. By hand:

apt-get install --no-install-recommends libns3-dev g++
python -m benchmarks.radio                 50, 100 and 200 stations, three rounds, medians
python -m benchmarks.radio --rounds 1 200  fewer rounds, other numbers of stations

Each station sends once a second for a minute, everybody is in range of everybody. ns-3: AlohaNoack devices, ideal
half duplex PHY, Friis, 40 bytes. Ours, with SINR, capture and horizon: the medium's outcomes in arrays; a Python
callable for every reception; and a whole simulation with our aircraft (which send more than POSITION), the monitor and
its judge, all clauses in force.
"""

import argparse
import io
import json
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median
from time import process_time

from benchmarks.medium import Callables, fly, in_arrays, in_range
from nodes.collecting import rarely
from nodes.flight import prepare
from nodes.scenario import Scenario
from nodes.shipped import CONFIGS
from nodes.simulation import Simulation
from radio.medium import Outcome

HERE = Path(__file__).parent
LIBRARIES = ["spectrum", "propagation", "antenna", "mobility", "energy", "network", "stats", "core"]
DURATION_S = 60


def build(folder: Path) -> Path:
    """The peer's program. Raises CalledProcessError, with the compiler's own words on the terminal."""
    program = folder / "aloha"
    libraries = [f"-lns3-{name}" for name in LIBRARIES]
    source = HERE / "ns3" / "aloha.cc"
    subprocess.run(
        ["g++", "-std=c++17", "-O3", "-march=native", "-DNDEBUG", "-o", program, source, *libraries], check=True
    )
    return program


def peer(program: Path, stations: int) -> float:
    """Frames that ns-3 delivers in a second of processor time."""
    told = subprocess.run([program, f"--nodes={stations}"], check=True, capture_output=True, text=True).stdout
    values = json.loads(told)
    return float(values["delivered"] / values["cpu_s"])


def arrays(stations: int) -> float:
    """Frames received, in the medium's arrays."""
    return fly(in_range(stations), in_arrays).received_a_second


def callables(stations: int) -> float:
    """Frames received, each told to a Python callable."""
    return fly(in_range(stations), Callables(stations)).received_a_second


def simulation(stations: int) -> float:
    """Frames received by our aircraft and the monitor in a whole simulation."""
    flight = prepare(crowd(stations), CONFIGS / "scenarios" / "crowd.toml")
    begin = process_time()
    with rarely():  # as the command `simulate` does
        run = Simulation(flight, 1, lambda name: io.BytesIO())
        run.advance(flight.end_ns)
        run.close()
    return run.outcomes[Outcome.RECEIVED] / (process_time() - begin)


def crowd(stations: int) -> Scenario:
    """Half of them each party's, straight on within some 160 NM, at 20,000 to 40,000 ft, over a wide channel."""
    random = Random(1)
    aircraft = []
    for n in range(stations):
        latitude, longitude = random.uniform(35.0, 37.0), random.uniform(36.0, 38.3)
        altitude_ft = float(random.randrange(20_000, 40_000, 500))
        aircraft.append(
            {
                "address": f"{0x100000 + n:06x}",
                "call_sign": f"A{n}",
                "party": ("coalition", "federation")[n % 2],
                "role": "aircraft",
                "waypoints": (
                    (0.0, latitude, longitude, altitude_ft),
                    (DURATION_S + 10.0, latitude, longitude + 0.15, altitude_ft),
                ),
            }
        )
    monitor = {"address": "0a0001", "call_sign": "MON 1", "role": "monitor", "at": (36.0, 37.1, 1000.0)}
    return Scenario.model_validate(
        {
            "title": "A crowd",
            "agreement": "../agreements/wide-1mbps.toml",
            "start": "2015-10-21T09:00:00Z",
            "duration_s": DURATION_S,
            "station": (monitor, *aircraft),
        }
    )


WAYS: dict[str, tuple[Callable[[int], float], float]] = {
    "outcomes in arrays": (arrays, 5.0),
    "Python callables": (callables, 2.0),
    "aircraft, monitor and judge": (simulation, 1.0),
}
"""Each with the ratio that it is to reach at 200 stations."""


def main() -> None:
    """Print a line for each way and number of stations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stations", nargs="*", type=int, default=[50, 100, 200])
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        program = build(Path(folder))
        for stations in asked.stations:
            ratios: dict[str, list[float]] = {way: [] for way in WAYS}
            for _ in range(asked.rounds):
                theirs = peer(program, stations)
                for way, (measure, _) in WAYS.items():
                    ours = measure(stations)
                    ratios[way].append(ours / theirs)
                    print(f"{stations:4} stations, {way}: {ours:12,.0f}; ns-3 {theirs:12,.0f}", flush=True)
            for way, found in ratios.items():
                print(f"{stations:4} stations, {way}: {median(found):.2f} times ns-3 (at 200: {WAYS[way][1]:g} wanted)")


if __name__ == "__main__":
    main()
