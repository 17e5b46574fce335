"""A configuration in memory: an agreement and a scenario as the values of their TOML files, and how it is flown.

What is flown is what the files would say: they are written to a temporary folder and loaded, as `simulate` would.
"""

import io
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import tomli_w

from nodes.collecting import rarely
from nodes.flight import Flight, load
from nodes.flight_events import off_air
from nodes.scenario import StationEntry
from nodes.simulation import Simulation
from protocol.judge import Tally
from protocol.units import NS_PER_S
from protocol.verdicts import Finding, Outcome

LONGEST_NS = NS_PER_S // 10
"""No frame is on its way for longer."""


class Plan(NamedTuple):
    """The values of two files. They are never changed: what differs is another plan."""

    agreement: dict[str, Any]
    scenario: dict[str, Any]

    def texts(self, agreement_name: str) -> tuple[str, str]:
        """Both files, agreement first; the scenario names the agreement as a file beside it."""
        scenario = self.scenario | {"agreement": agreement_name}
        return tomli_w.dumps(self.agreement), tomli_w.dumps(scenario)

    def load(self) -> Flight:
        """The flight that the files describe. Raises ConfigurationError."""
        with tempfile.TemporaryDirectory(prefix="airaccord-") as folder:
            agreement, scenario = self.texts("agreement.toml")
            Path(folder, "agreement.toml").write_text(agreement, encoding="utf-8")
            path = Path(folder, "scenario.toml")
            path.write_text(scenario, encoding="utf-8")
            return load(path)


class Heard(NamedTuple):
    """Of one station's frames: how many were on the air, how many of them the first monitor received, and how many it
    did not because its receiver was out."""

    sent: int
    received: int
    in_outage: int


@dataclass(frozen=True, slots=True)
class Flown:
    """A flight that is over: what its judge found, and what the truth says of the radio."""

    flight: Flight
    tallies: tuple[Tally, ...]
    fails: tuple[Finding, ...]
    heard: Mapping[int, Heard]
    broken: tuple[str, ...]

    def tally(self, clause: str, subject: str) -> Tally | None:
        return next((t for t in self.tallies if (t.clause, t.subject) == (clause, subject)), None)


def fly(
    flight: Flight, seed: int | None = None, open_file: Callable[[str], BinaryIO] = lambda _: io.BytesIO()
) -> Flown:
    """Fly it to its end in virtual time. `open_file` gives the stream for a recording, the first monitor's first."""
    truth, fails = io.StringIO(), list[Finding]()

    def found(finding: Finding) -> None:
        if finding.outcome is Outcome.FAIL:
            fails.append(finding)

    with rarely():
        run = Simulation(flight, flight.scenario.seed if seed is None else seed, open_file, truth, found)
        run.advance(flight.end_ns)
        run.close()
        tallies = tuple(run.tallies())
    return Flown(flight, tallies, tuple(fails), _heard(flight, truth.getvalue()), tuple(run.broken))


def monitor_of(flight: Flight) -> StationEntry:
    """The monitor that judges."""
    return next(s for s in flight.stations if s.role == "monitor")


def _heard(flight: Flight, truth: str) -> dict[int, Heard]:
    monitor = monitor_of(flight)
    address, outages = f"{monitor.address:06x}", off_air(monitor, flight)
    sent, received, in_outage = Counter[int](), Counter[int](), Counter[int]()
    for line in truth.splitlines():
        told = json.loads(line)
        source, start_ns = int(told["frame"].split(":")[0], 16), told["start_ns"]
        sent[source] += 1
        outcome = told.get("receivers", {}).get(address)
        received[source] += outcome is not None and outcome[0] == "received"
        # who is not there has no outcome, be it that it was for the first or the last bit of the frame
        in_outage[source] += outcome is None and any(a - LONGEST_NS < start_ns < b for a, b in outages)
    return {source: Heard(sent[source], received[source], in_outage[source]) for source in sorted(sent)}
