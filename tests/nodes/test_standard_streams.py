"""Streams that are closed, full, or read by nobody: the exit code is the verdict's all the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nodes.shipped import scenario

ROOT = Path(__file__).resolve().parents[2]
BREACH = scenario("encounter-2015-breach")


@pytest.mark.parametrize("closing", ["1>&-", "2>&-", "<&- 1>&- 2>&-", "2>/dev/full", "2>&1 | true", "2> >(true)"])
def test_the_exit_code_is_the_verdicts(closing: str, tmp_path: Path) -> None:
    command = f'set -o pipefail; "{sys.executable}" -c "from nodes.main import main; main()" "$@" {closing}'
    arguments = ["simulate", str(BREACH), "--output", str(tmp_path / "out")]
    ended = subprocess.run(
        ["bash", "-c", command, "-", *arguments], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True
    )
    assert ended.returncode == 1, ended.stderr
    assert b"Traceback" not in ended.stdout + ended.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"monitor.pcapng", "truth.jsonl", "report.json", "report.txt"}
    assert (tmp_path / "out" / "monitor.pcapng").read_bytes()[:4] == b"\n\r\r\n", "nobody has written into it"
