"""The house rules that a machine can hold: purity of the core, what the wheel ships, nothing of one machine."""

import ast
import re
import subprocess
import zipfile
from pathlib import Path

import pytest
from hatchling.build import build_wheel

ROOT = Path(__file__).resolve().parents[1]
PURE = [
    *(ROOT / "protocol").rglob("*.py"),
    *(ROOT / "nodes" / "stations").rglob("*.py"),
    *(
        ROOT / "radio" / name
        for name in ("medium.py", "reception.py", "propagation.py", "draws.py", "slots.py", "geodesy.py", "truth.py")
    ),
    ROOT / "nodes" / "transmitter.py",
    ROOT / "nodes" / "motion.py",
    *(
        ROOT / "nodes" / name
        for name in ("simulation.py", "node.py", "seat.py", "faults/messages.py", "monitor.py", "plan.py")
    ),
    *(ROOT / "radio" / name for name in ("hub.py", "hub_asked.py", "envelope.py", "link_messages.py", "link.py")),
    *(ROOT / "radio" / name for name in ("loopback.py", "line.py")),
    *(ROOT / "radio" / name for name in ("recording.py", "record_layout.py", "record_blocks.py")),
]
IMPURE = {"time", "asyncio", "logging", "socket", "threading", "os", "random", "zmq", "aiomqtt"}


@pytest.mark.parametrize("path", PURE, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_the_core_reads_no_clock_and_draws_no_global_randomness(path: Path) -> None:
    tree = ast.parse(path.read_text())
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            given_in = (node.module, [a.name for a in node.names]) == ("random", ["Random"])
            found |= set() if given_in else {node.module.split(".")[0]}
    assert not found & IMPURE
    assert "datetime.now" not in path.read_text()


@pytest.mark.parametrize("path", sorted(p for k in ("protocol", "radio", "nodes") for p in (ROOT / k).rglob("*.py")))
def test_files_can_be_held_in_the_head(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) <= 400
    assert lines[0].startswith('"""'), "a module says what may live in it"


def test_the_wheel_ships_the_three_packages_and_the_configurations_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    names = zipfile.ZipFile(tmp_path / build_wheel(str(tmp_path))).namelist()
    assert {n.split("/")[0] for n in names if ".dist-info/" not in n} == {"protocol", "radio", "nodes"}
    assert {f"{p}/py.typed" for p in ("protocol", "radio", "nodes")} <= set(names)
    assert "nodes/configs/scenarios/encounter-2015.toml" in names
    assert {f"nodes/configs/keys/{n}" for n in ("coalition.pem", "federation.pem", "test-keys.toml")} <= set(names)
    entry_points = next(n for n in names if n.endswith("entry_points.txt"))
    text = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).read(entry_points).decode()
    assert "airaccord = nodes.main:main" in text
    assert "pytest11" not in text, "the plugin is loaded by name, or a user's own `nodes` breaks their pytest"


def test_no_module_shadows_the_standard_library_or_a_dependency() -> None:
    names = {p.stem for k in ("protocol", "radio", "nodes") for p in (ROOT / k).rglob("*.py")}
    assert not names & {"zmq", "types", "signal"}


def test_nothing_names_a_machine_or_a_package_registry() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout: nothing to list the files by")
    told = re.compile("index" + "-url|files\\.python" + "hosted|registry\\.npm" + "js|/ro" + "ot/|/wo" + "rk/")
    for name in tracked:
        path = ROOT / name
        if path.suffix in (".py", ".toml", ".md", ".cfg", "") and path.is_file():
            assert not told.search(path.read_text(encoding="utf-8", errors="ignore")), name
