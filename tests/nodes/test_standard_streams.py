"""Streams that are closed, full, or read by nobody: the exit code is the verdict's all the same."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nodes.shipped import scenario
from tests.nodes.live.strangers import LIMIT_S, altered

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


def test_what_goes_wrong_is_told_by_the_exit_code_even_if_nobody_reads_the_message() -> None:
    command = f'"{sys.executable}" -c "from nodes.main import main; main()" lint nowhere.toml 2>/dev/full'
    ended = subprocess.run(["bash", "-c", command], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True)
    assert (ended.returncode, ended.stdout) == (2, b"")


HANGS = """
import time
from nodes.stations.aircraft import Aircraft

class Hangs(Aircraft):
    def wake(self, now_ns):
        while True:
            print("it hangs", flush=True)
            time.sleep(0.01)
"""


def test_ctrl_c_ends_even_a_class_that_does_not_return(configs: Path) -> None:
    """The first one waits for the end of the step, to give the report so far; the second one does not."""
    (configs / "scenarios" / "hangs.py").write_text(HANGS, encoding="utf-8")
    path = altered(configs / "scenarios" / "quiet.toml", "hangs.toml", {"SOKOL 2": 'python = "hangs:Hangs"'})
    process = subprocess.Popen(
        [sys.executable, "-c", "from nodes.main import main; main()", "simulate", str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        for _ in range(2):
            for _ in range(20):  # more than are on their way: the first signal has been noted
                assert process.stdout.readline() == b"it hangs\n"
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=LIMIT_S)
        assert process.returncode == 130
        assert b"Traceback" not in err
    finally:
        process.kill()
        process.wait()


def test_a_full_pipe_that_is_not_to_be_waited_for_is_not_waited_for() -> None:
    """Whoever shares a pipe may have made it so (node.js does)."""
    reading, writing = os.pipe()
    try:
        os.set_blocking(writing, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writing, bytes(4096))
        command = [sys.executable, "-c", "from nodes.main import main; main()", "lint", "nowhere.toml"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        assert subprocess.run(command, env=environment, stderr=writing, timeout=LIMIT_S).returncode == 2
    finally:
        os.close(reading)
        os.close(writing)
