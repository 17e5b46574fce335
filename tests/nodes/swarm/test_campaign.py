"""Campaigns: their results file, going on from it, interruption, and where they are flown."""

import io
import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from nodes.main import run as run_command
from nodes.problems import ConfigurationError
from nodes.swarm.campaign import Results, run
from nodes.swarm.draw import draw
from nodes.swarm.seeds import TOOL

CAN_BE_LEFT_OUT = os.environ.get("CI") != "true"


def result(seed: int, bugs: int = 0) -> dict[str, Any]:
    bug = {
        "kind": "accused",
        "clause": "4.1",
        "subject": "155000",
        "summary": "planted",
        "file": f"seed-{seed}.toml",
        "scenario": "title = 'small'\n",
        "agreement": "title = 'terms'\n",
    }
    return {"seed": seed, "tool": TOOL, "unheard": 0.0, "clauses": {}, "faults": [], "bugs": [bug] * bugs}


@pytest.fixture
def in_threads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Results are made up, in threads of this process; the seeds that were asked for."""
    flown: list[int] = []

    def fly_seed(seed: int) -> dict[str, Any]:
        flown.append(seed)
        return result(seed, bugs=seed == 5)

    @contextmanager
    def executor_for(*_: object) -> Iterator[tuple[Executor, int]]:
        with ThreadPoolExecutor(2) as pool:
            yield pool, 3

    monkeypatch.setattr("nodes.commands.swarm.fly_seed", fly_seed)
    monkeypatch.setattr("nodes.commands.swarm.executor_for", executor_for)
    return flown


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = run_command(["swarm", "--json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def test_it_goes_on_from_a_file_whose_last_line_is_torn(
    in_threads: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "swarm.jsonl"
    first = as_json(capsys, "--seeds", "4", "--results", str(kept))
    whole = kept.read_bytes()
    assert sorted(in_threads) == [0, 1, 2, 3]
    kept.write_bytes(whole[:-5])
    lost = json.loads(whole.splitlines()[-1])["seed"]
    in_threads.clear()
    assert as_json(capsys, "--seeds", "4", "--results", str(kept)) == first
    assert in_threads == [lost]
    assert sorted(kept.read_bytes().splitlines()) == sorted(whole.splitlines())


def test_a_bug_has_its_files_and_its_exit_code(
    in_threads: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    code, report = as_json(capsys, "--seeds", "8", "--output", str(folder))
    assert code == 1
    assert (report["bugs"]["accused"], report["complete"], report["flown"]) == (1, True, 8)
    (bug,) = report["found"]
    assert (bug["seed"], bug["file"]) == (5, "seed-5.toml")
    assert (folder / "seed-5.toml").read_text() == "title = 'small'\n"
    assert (folder / "seed-5.agreement.toml").read_text() == "title = 'terms'\n"
    assert json.loads((folder / "report.json").read_text()) == report
    assert run_command(["swarm", "--seeds", "8", "--output", str(folder)]) == 2, "it exists"


def test_nothing_found_is_0(in_threads: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    assert as_json(capsys, "--seeds", "5")[0] == 0
    assert run_command(["swarm", "--seeds", "5"]) == 0
    assert "no bug" in capsys.readouterr().out


def test_ctrl_c_leaves_a_report_of_what_there_is(
    in_threads: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, plain = tmp_path / "swarm.jsonl", Results.add

    def add(self: Results, told: dict[str, Any]) -> None:
        plain(self, told)
        if len(self.by_seed) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Results, "add", add)
    code, report = as_json(capsys, "--seeds", "1000", "--results", str(kept))
    assert code == 130
    assert not report["complete"]
    assert 2 <= report["flown"] < 20
    assert len(kept.read_text().splitlines()) == report["flown"]


@pytest.mark.parametrize("error", [BrokenExecutor, CancelledError])
def test_when_those_who_fly_are_gone_what_there_is_is_told(
    in_threads: list[int],
    error: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fly_seed(seed: int) -> dict[str, Any]:
        if seed == 3:
            raise error
        return result(seed)

    monkeypatch.setattr("nodes.commands.swarm.fly_seed", fly_seed)
    assert run_command(["swarm", "--json", "--seeds", "50"]) == 5
    told = capsys.readouterr()
    assert "is gone" in told.err
    assert not json.loads(told.out)["complete"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}\n", "line 1 is no result"),
        ("[1]\n", "line 1 is no result"),
        (json.dumps(result(1)) + "\nnothing\n" + json.dumps(result(2)) + "\n", "line 2 is no result"),
        (json.dumps(result(1) | {"tool": "airaccord 0"}) + "\n", "airaccord 0"),
    ],
)
def test_a_file_of_something_else_is_refused_and_left_alone(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "swarm.jsonl"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=told):
        Results(path, TOOL)
    assert path.read_text() == text


def test_a_file_that_cannot_be_made_is_told_before_anything_flies(
    in_threads: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["swarm", "--results", str(tmp_path / "no" / "swarm.jsonl")]) == 2
    assert "cannot be" in capsys.readouterr().err
    assert in_threads == []


def test_what_the_work_raises_is_raised() -> None:
    def work(n: int) -> dict[str, Any]:
        raise ValueError(n)

    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="7"):
        run(work, [(7,)], pool, 1, lambda _: None)


def short(seed: int) -> bool:
    """Whether a seed is flown in no time, and not on the 180th meridian."""
    plan = draw(seed).scenario
    return plan["duration_s"] == 60 and len(plan["station"]) < 8 and abs(plan["station"][0]["at"][1]) < 170


@pytest.fixture(scope="module")
def two() -> list[str]:
    """A command line for two seeds."""
    first = next(seed for seed in range(10_000) if short(seed) and short(seed + 1))
    return ["swarm", "--json", "--seeds", "2", "--first-seed", str(first)]


def printed(arguments: list[str]) -> tuple[int, str]:
    told = io.StringIO()
    with redirect_stdout(told):
        return run_command(arguments), told.getvalue()


@pytest.fixture(scope="module")
def flown_here(two: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, str]:
    """What two seeds give in processes of this machine, and their results file."""
    kept = str(tmp_path_factory.mktemp("swarm") / "swarm.jsonl")
    return *printed([*two, "--workers", "2", "--results", kept]), kept


def test_processes_fly_all_that_is_asked_for(flown_here: tuple[int, str, str]) -> None:
    code, told, kept = flown_here
    report = json.loads(told)
    assert (report["complete"], report["flown"]) == (True, 2)
    assert code == any(report["bugs"].values())
    assert len(Path(kept).read_text().splitlines()) == 2


def test_going_on_says_the_same_byte_for_byte(two: list[str], flown_here: tuple[int, str, str], tmp_path: Path) -> None:
    code, told, kept = flown_here
    half = tmp_path / "half.jsonl"
    half.write_text(Path(kept).read_text().splitlines(keepends=True)[0])
    assert printed([*two, "--workers", "1", "--results", str(half)]) == (code, told)


# ------------------------------------------------------------ on a cluster


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    assert run_command(["swarm", "--scheduler", "tcp://127.0.0.1:8786"]) == 2
    assert "airaccord[distributed]" in capsys.readouterr().err


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A Dask cluster on this machine, its workers in this process."""
    if CAN_BE_LEFT_OUT:
        pytest.importorskip("distributed")
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, protocol="tcp://", dashboard_address=None
    ) as made:
        yield made


def test_a_cluster_says_the_same_byte_for_byte(cluster: Any, two: list[str], flown_here: tuple[int, str, str]) -> None:
    assert printed([*two, "--scheduler", cluster.scheduler_address]) == flown_here[:2]


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://x"])
def test_a_scheduler_that_is_not_there_is_told(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if CAN_BE_LEFT_OUT:
        pytest.importorskip("distributed")
    monkeypatch.setattr("nodes.swarm.executors.CONNECTS_WITHIN_S", 0.5)
    assert run_command(["swarm", "--scheduler", address]) == 2
    assert "no scheduler answers there" in capsys.readouterr().err
