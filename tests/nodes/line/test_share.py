"""What manifests are worth: at 20 % loss hardly anything stays open that would without the frames in them."""

import io
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from nodes.flight import Flight, load, with_loss
from nodes.shipped import CONFIGS
from nodes.simulation import Simulation
from nodes.toml_files import read_toml
from protocol.judge import Tally
from protocol.verdicts import Outcome, Verdict

SCENARIOS = CONFIGS / "scenarios"
LOSS, LEAST = 0.2, 0.8
BASE = {
    "address": "150001",
    "call_sign": "HMEIMIM",
    "party": "federation",
    "role": "ground",
    "at": [35.4, 35.95, 150],
}


def on_line(name: str, folder: Path) -> Flight:
    """A shipped scenario, with a ground line and a headquarters of the federation if it has none."""
    scenario: dict[str, Any] = read_toml(SCENARIOS / f"{name}.toml")
    if "ground_line" not in scenario:
        scenario |= {"ground_line": {}, "station": [*scenario["station"], BASE]}
    scenario["agreement"] = str(SCENARIOS / scenario["agreement"])
    path = folder / "scenario.toml"
    path.write_text(tomli_w.dumps(scenario), encoding="utf-8")
    return with_loss(load(path), LOSS)


def flown(flight: Flight, seed: int, *, discloses: bool) -> dict[tuple[str, str], Tally]:
    assert flight.line is not None
    entry = flight.line.entry.model_copy(update={"discloses": discloses})
    run = Simulation(replace(flight, line=replace(flight.line, entry=entry)), seed, lambda _: io.BytesIO())
    run.advance(flight.end_ns)
    run.close()
    return {(t.clause, t.subject): t for t in run.tallies()}


@pytest.mark.parametrize("name", ["ground-line-2015", "procedures-2015"])
def test_what_stays_open_falls_by_four_fifths_and_nothing_decided_changes(name: str, tmp_path: Path) -> None:
    flight, open_, judged = on_line(name, tmp_path), Counter[bool](), Counter[bool]()
    for seed in (1, 2):
        told, bare = (flown(flight, seed, discloses=discloses) for discloses in (True, False))
        for discloses, tallies in ((True, told), (False, bare)):
            for tally in tallies.values():
                open_[discloses] += tally.counts[Outcome.INCONCLUSIVE]
                judged[discloses] += sum(
                    tally.counts[outcome] for outcome in (Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.FAIL)
                )
        changed = {
            (key, before.verdict.label, told[key].verdict.label)
            for key, before in bare.items()
            if before.verdict in (Verdict.PASS, Verdict.FAIL) and told[key].verdict is not before.verdict
        }
        assert not changed, f"seed {seed}"
    share = {discloses: open_[discloses] / judged[discloses] for discloses in (True, False)}
    assert open_[False] >= 10, "there is something to be gained"
    assert share[True] <= (1 - LEAST) * share[False], share
