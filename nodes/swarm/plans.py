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
from nodes.simulation import Simulation
from protocol.judge import Tally
from protocol.verdicts import Finding, Outcome


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
    """Of one station's frames: how many were on the air, and how many of them the first monitor received."""

    sent: int
    received: int


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


def _heard(flight: Flight, truth: str) -> dict[int, Heard]:
    monitor = next(f"{s.address:06x}" for s in flight.stations if s.role == "monitor")
    sent, received = Counter[int](), Counter[int]()
    for line in truth.splitlines():
        told = json.loads(line)
        source = int(told["frame"].split(":")[0], 16)
        sent[source] += 1
        received[source] += told.get("receivers", {}).get(monitor, [""])[0] == "received"
    return {source: Heard(sent[source], received[source]) for source in sorted(sent)}
