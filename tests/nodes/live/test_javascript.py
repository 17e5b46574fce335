"""The station in JavaScript, written from the pages alone: it reads and writes frames and the link with other eyes."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from nodes.shipped import scenario
from nodes.testing import FlightTest

FOLDER = Path(__file__).resolve().parents[3] / "examples" / "station-js"
THERE = shutil.which("node") is not None and (FOLDER / "node_modules" / "zeromq").is_dir()
CAN_BE_LEFT_OUT = os.environ.get("CI") != "true"

pytestmark = pytest.mark.skipif(
    not THERE and CAN_BE_LEFT_OUT, reason="needs Node.js, and `npm install` in examples/station-js"
)


async def test_it_keeps_the_agreement() -> None:
    flight = FlightTest.of(FOLDER / "encounter.toml", live=True)
    try:
        report = await flight.finish()
    finally:
        flight.close()
    assert report["host"]["broken"] == []
    assert {name: report["host"][name] for name in ("malformed", "not_on_air", "host_late")} == {
        "malformed": 0,
        "not_on_air": 0,
        "host_late": 0,
    }
    mine = {v["clause"]: v for v in report["verdicts"] if v["subject"] == "155001"}
    exercised = {clause for clause, v in mine.items() if v["verdict"] not in ("not_exercised", "not_applicable")}
    frames = {"1.1", "1.3", "1.4", "2.1", "2.2", "3.1", "3.3", "3.4"}
    assert exercised == {*frames, "4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "5.1", "6.3", "6.4", "6.6"}
    assert all(mine[clause]["verdict"] == "pass" and mine[clause]["decided"] == 1.0 for clause in exercised)
    assert report["verdict"] == "pass"
    assert report["coverage"]["not_exercised"] == ["0.1", "1.2", "2.4", "4.7", "6.5", "6.7", "7.1", "7.3"]


@pytest.mark.parametrize("loss", [0.05, 0.2])
async def test_loss_accuses_nobody_and_leaves_much_decided(loss: float) -> None:
    flight = FlightTest.of(FOLDER / "encounter.toml", loss=loss, live=True)
    try:
        report = await flight.finish()
    finally:
        flight.close()
    assert flight.accused() == set()
    counts = [v["counts"] for v in report["verdicts"] if v["subject"] == "155001"]
    decided = sum(c["pass"] for c in counts)
    assert decided >= 0.9 * (decided + sum(c["inconclusive"] for c in counts))


def test_it_flies_the_encounter_as_shipped_but_for_itself() -> None:
    """Or what it shows would be of another scenario."""
    shipped = FlightTest.of(scenario("encounter-2015")).flight.scenario
    its = FlightTest.of(FOLDER / "encounter.toml", live=True).flight.scenario
    assert [s.address for s in its.station if s.command] == [0x155001]
    assert its.start == shipped.start
    assert its.duration_s == shipped.duration_s
    for ours, other in zip(shipped.station, its.station, strict=True):
        assert ours == other.model_copy(update={"command": None})


def test_its_own_tests_pass() -> None:
    done = subprocess.run(["node", "--test"], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_of_it_names_a_registry() -> None:
    manifest = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    assert set(manifest["dependencies"]) == {"zeromq"}
    assert not list(FOLDER.glob("package-lock.json")) or "package-lock.json" in (FOLDER / ".gitignore").read_text()
