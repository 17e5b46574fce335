"""The fixture that other people's tests use, here and in an empty folder; and the example in `docs/testing.md`."""

import os
import re
import subprocess
import sys
import tomllib
from io import BytesIO
from pathlib import Path

import pytest

from nodes.checking import check
from nodes.flight import load_agreement
from nodes.problems import ConfigurationError
from nodes.pytest_plugin import Fly, fly
from nodes.scenario import Scenario
from nodes.shipped import CONFIGS, scenario
from nodes.testing import FlightTest, NotReached
from protocol import codec
from protocol.errors import EncodeError
from protocol.messages import Ack, Hail, MessageType, Phrase, Result
from protocol.verdicts import Outcome, Verdict
from radio.recording import Reader, Reception

__all__ = ["fly"]

ROOT = Path(__file__).resolve().parents[2]
HAWK_11, HAWK_12, SOKOL_1 = 0xAE1001, 0xAE1002, 0x155001


def call(addressee: int, call_id: int = 1) -> Hail:
    return Hail(addressee, Phrase.CONTACT, call_id, 10, 1)


async def test_time_passes_only_when_asked(fly: Fly) -> None:
    flight = fly(scenario("quiet"))
    assert flight.now_s == 0
    assert flight.verdict("4.1", "HAWK 11") is Verdict.NOT_EXERCISED
    await flight.advance(12.345)
    assert flight.now_s == pytest.approx(12.345)
    assert flight.verdict("4.1", "HAWK 11") is Verdict.PASS
    with pytest.raises(ValueError, match=r"5 s is in the past: it is 12\.345 s"):
        await flight.advance(5)


async def test_a_call_is_answered(fly: Fly) -> None:
    flight = fly(str(scenario("quiet")))
    await flight.advance(10)
    assert flight.verdict("6.3", "SOKOL 1") is Verdict.NOT_EXERCISED
    flight.send("HAWK 11", call(SOKOL_1))
    await flight.until(lambda f: f.verdict("6.3", "155001") is Verdict.PASS, within_s=12)
    assert 10 < flight.now_s < 22
    assert "6.3" in flight.report()["coverage"]["exercised"]


async def test_an_answer_that_a_test_gives_counts(fly: Fly) -> None:
    """`ignores_hail` drops what the station itself answers; what a test sends passes it."""
    flight = fly(scenario("faults/ignores_hail"))
    await flight.until(lambda f: "HAIL" in transmissions(f, f"{HAWK_11:06x}"), within_s=20)
    hail = next(k for k in transmissions(flight, f"{HAWK_11:06x}")["HAIL"])
    flight.send("SOKOL 1", Ack(HAWK_11, hail[0], hail[1], MessageType.HAIL, Result.ROGER))
    await flight.until(lambda f: "ACK" in transmissions(f, f"{SOKOL_1:06x}"), within_s=3)


async def test_who_is_taken_away_is_silent_and_accused_of_nothing(fly: Fly) -> None:
    flight = fly(scenario("quiet"))
    await flight.advance(20)
    flight.remove("HAWK 12")
    await flight.advance(21)
    before = sum(map(len, transmissions(flight, "ae1002").values()))
    report = await flight.finish()
    assert 15 < before == sum(map(len, transmissions(flight, "ae1002").values()))
    assert flight.accused() == set()
    open_ = {(v["clause"], v["subject"], *v["causes"]) for v in report["verdicts"] if v["verdict"] == "inconclusive"}
    assert open_ == {("4.1", "ae1002", "not_heard_again")}
    with pytest.raises(
        ValueError, match=r"no station 'HAWK 12' in the air; there are \['HAWK 11', 'SOKOL 1', 'SOKOL 2'\]"
    ):
        flight.remove("HAWK 12")


async def test_what_does_not_come_true_fails_the_test(fly: Fly) -> None:
    flight = fly(scenario("quiet"))
    with pytest.raises(NotReached, match=r"not reached within 3 s, at 3 s"):
        await flight.until(lambda f: bool(f.accused()), within_s=3)
    assert issubclass(NotReached, AssertionError)


async def test_findings_come_as_they_are_made(fly: Fly) -> None:
    flight = fly(scenario("faults/silent"))
    await flight.until(lambda f: ("4.1", "ae1001") in f.accused(), within_s=60)
    assert 39 < flight.now_s < 42, "when it reports again"
    (found,) = (f for f in flight.findings if f.outcome is Outcome.FAIL)
    assert found.evidence
    assert flight.verdict("6.1", "SOKOL 1/HAWK 11") is flight.verdict("6.1", "155001/ae1001") is Verdict.PASS


async def test_the_recording_so_far_can_be_checked(fly: Fly, tmp_path: Path) -> None:
    flight = fly(scenario("faults/silent"))
    await flight.until(lambda f: bool(f.accused()), within_s=60)
    await flight.advance(flight.now_s + 1)
    path = tmp_path / "monitor.pcapng"
    path.write_bytes(flight.recording())
    result = check(path, load_agreement(CONFIGS / "agreements" / "safety-of-flight-2015.toml"))
    assert {(t.clause, t.subject) for t in result.tallies if t.verdict is Verdict.FAIL} == {("4.1", "ae1001")}


async def test_seed_and_loss_replace_the_scenarios_own(fly: Fly) -> None:
    flights = [fly(scenario("quiet"), seed=seed, loss=loss) for seed, loss in ((1, 0.0), (2, 0.0), (1, 0.3))]
    reports = [await f.finish() for f in flights]
    assert [r["source"]["seed"] for r in reports] == [1, 2, 1]
    assert [r["medium"]["outcomes"].get("faded", 0) > 0 for r in reports] == [False, False, True]
    assert len({f.recording() for f in flights}) == 3


async def test_a_scenario_made_in_the_test(fly: Fly) -> None:
    values = tomllib.loads(scenario("quiet").read_text(encoding="utf-8"))
    values |= {"duration_s": 20, "agreement": str(CONFIGS / "agreements" / "safety-of-flight-2015.toml")}
    flight = fly(Scenario.model_validate(values), loss=0.01)
    assert (await flight.finish())["verdict"] == "pass"
    assert flight.now_s == 20


async def test_what_cannot_be_done_is_refused_at_once(fly: Fly, tmp_path: Path) -> None:
    flight = fly(scenario("quiet"))
    with pytest.raises(ValueError, match="no station 'EAGLE 1' in the air"):
        flight.send("EAGLE 1", call(SOKOL_1))
    with pytest.raises(ValueError, match=r"no channel 7; there are \[1, 2, 3, 4, 5\]"):
        flight.send("HAWK 11", call(SOKOL_1), channel=7)
    with pytest.raises(EncodeError):
        flight.send("HAWK 11", call(1 << 24))
    with pytest.raises(ConfigurationError, match="no such file"):
        fly(tmp_path / "gone.toml")
    assert (await flight.finish())["verdict"] == "pass"


def transmissions(flight: FlightTest, source: str) -> dict[str, list[tuple[int, int]]]:
    """(session, sequence) of what the monitor heard of a station so far, by type of message."""
    heard: dict[str, list[tuple[int, int]]] = {}
    for record in Reader(BytesIO(flight.recording())):
        if isinstance(record, Reception):
            frame = codec.decode(record.frame)
            if f"{frame.source:06x}" == source:
                heard.setdefault(frame.type.name, []).append((frame.session, frame.sequence))
    return heard


# ------------------------------------------------------------ in somebody else's folder


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def example() -> str:
    """The whole one; the page shows a fragment, too."""
    code, *_ = re.findall(r"(?ms)^```python\n(.*?)^```", (ROOT / "docs" / "testing.md").read_text(encoding="utf-8"))
    return str(code)


def test_the_example_of_the_documentation_runs_as_it_says(tmp_path: Path) -> None:
    (tmp_path / "test_calls.py").write_text(example(), encoding="utf-8")
    done = run_pytest(tmp_path, "-p", "nodes.pytest_plugin", "test_calls.py")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_the_example_can_fail(tmp_path: Path) -> None:
    broken = example().replace("Verdict.INCONCLUSIVE", "Verdict.FAIL")
    (tmp_path / "test_calls.py").write_text(broken, encoding="utf-8")
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["nodes.pytest_plugin"]\n', encoding="utf-8")
    done = run_pytest(tmp_path)
    assert done.returncode == 1, done.stdout
    assert "1 failed" in done.stdout


def test_with_the_settings_of_the_documentation_no_mark_is_needed(tmp_path: Path) -> None:
    (settings,) = re.findall(r"(?ms)^```ini\n(.*?)^```", (ROOT / "docs" / "testing.md").read_text(encoding="utf-8"))
    (tmp_path / "pytest.ini").write_text(settings, encoding="utf-8")
    unmarked = example().replace("@pytest.mark.asyncio\n", "")
    (tmp_path / "test_calls.py").write_text(unmarked, encoding="utf-8")
    done = run_pytest(tmp_path, "-W", "error", "-p", "nodes.pytest_plugin")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert "mark.asyncio" not in unmarked


def test_the_plugin_loads_only_when_it_is_asked_for(tmp_path: Path) -> None:
    """A `pytest11` entry point would break whoever has a package `nodes` of their own."""
    (tmp_path / "test_calls.py").write_text("def test_it(fly):\n    pass\n", encoding="utf-8")
    done = run_pytest(tmp_path)
    assert "fixture 'fly' not found" in done.stdout
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "entry-points" not in project
