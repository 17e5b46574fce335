"""The same seed gives the same bytes: run again, under another hash seed, and whatever the order in the file."""

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nodes.main import run

FILES = ("report.json", "monitor.pcapng", "truth.jsonl")
ROOT = Path(__file__).resolve().parents[2]
TWO_FAULTS = """
[[fault]]
name = "teleport"
station = "SOKOL 2"
at_s = 5

[[fault]]
name = "silent"
station = "SOKOL 2"
at_s = 12.4
for_s = 7

[[fault]]
name = "wrong_channel"
station = "HAWK 11"

[[unagreed_channel]]
number = 9
name = "stray"
frequency_mhz = 130.1
bandwidth_khz = 25
bit_rate_bps = 31500
access = "aloha"
"""


@pytest.fixture
def scenario(configs: Path) -> Path:
    """A short encounter over a lossy channel, with two faults of one station and one of another."""
    path = configs / "scenarios" / "drawn.toml"
    text = (path.parent / "encounter-2015.toml").read_text(encoding="utf-8")
    text = re.sub(r"duration_s = \d+", "duration_s = 40", text)
    path.write_text(text + TWO_FAULTS + "\n[medium]\nloss = 0.05\n", encoding="utf-8")
    return path


def fly(scenario: Path, output: Path, *more: str) -> dict[str, bytes]:
    """What a run writes, by file."""
    assert run(["simulate", str(scenario), "--output", str(output), *more]) == 1
    return {name: (output / name).read_bytes() for name in FILES}


def shuffled(text: str, seed: int) -> str:
    """The same TOML with its tables in another order: the reverse for seed 0."""
    head, *tables = re.split(r"(?m)^(?=\[)", text)
    tables.reverse()
    if seed:
        random.Random(seed).shuffle(tables)
    return head + "\n".join(tables)


def test_the_same_seed_gives_the_same_bytes(scenario: Path, tmp_path: Path) -> None:
    assert fly(scenario, tmp_path / "a") == fly(scenario, tmp_path / "b")


def test_another_seed_gives_other_bytes(scenario: Path, tmp_path: Path) -> None:
    one, other = fly(scenario, tmp_path / "a"), fly(scenario, tmp_path / "b", "--seed", "2")
    assert all(one[name] != other[name] for name in FILES)


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_the_hash_seed_does_not_matter(hash_seed: str, scenario: Path, tmp_path: Path) -> None:
    here = fly(scenario, tmp_path / "here")
    code = "import sys; from nodes.main import run; sys.exit(run(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "simulate", str(scenario), "--output", str(tmp_path / "there")]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert {name: (tmp_path / "there" / name).read_bytes() for name in FILES} == here


@pytest.mark.parametrize("order", range(4))
def test_the_order_of_the_tables_in_the_file_does_not_matter(order: int, scenario: Path, tmp_path: Path) -> None:
    other = scenario.with_name("shuffled.toml")
    text = scenario.read_text(encoding="utf-8")
    other.write_text(shuffled(text, order), encoding="utf-8")
    assert re.findall("call_sign = .*", shuffled(text, order)) != re.findall("call_sign = .*", text)
    assert fly(other, tmp_path / "b") == fly(scenario, tmp_path / "a")


def test_the_folder_of_the_scenario_does_not_matter(configs: Path, tmp_path: Path) -> None:
    """Paths in the scenario are no part of the report, not even of its notes."""
    paris = configs / "scenarios" / "paris-2021.toml"
    text = paris.read_text(encoding="utf-8").replace("duration_s = 240", "duration_s = 95")
    paris.write_text(text, encoding="utf-8")
    away = tmp_path / "deep" / "er" / "paris.toml"
    away.parent.mkdir(parents=True)
    away.write_text(text.replace('"../', f'"{configs.as_posix()}/'), encoding="utf-8")
    reports = []
    for path in (paris, away):
        output = tmp_path / f"out-{path.stem}"
        run(["simulate", str(path), "--output", str(output)])
        reports.append({name: (output / name).read_bytes() for name in FILES})
    assert reports[0] == reports[1]
    assert b"29375 ft" in reports[0]["report.json"]
