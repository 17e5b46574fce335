"""`airaccord run` as a user meets it: what it writes, how it ends, and what it says when something is wrong."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from nodes.main import run
from nodes.shipped import scenario
from radio.envelope import Hello, Refused, pack, unpack_from_hub
from tests.nodes.live.conftest import LIMIT_S, is_there, until

QUIET, ENCOUNTER = str(scenario("quiet")), str(scenario("encounter-2015"))
ROOT = Path(__file__).resolve().parents[3]
MARK = "AIRACCORD_TEST_MARK"

RAISES = """
from nodes.stations.aircraft import Aircraft

class InHear(Aircraft):
    def hear(self, now_ns, hearing):
        if hearing.frame.sequence > 10:
            raise ZeroDivisionError("oops")
        yield from super().hear(now_ns, hearing)

class InStart(Aircraft):
    def start(self, now_ns):
        raise KeyError("at once")

class Nonsense(Aircraft):
    def wake(self, now_ns):
        return ["not an effect"]
"""


class Command:
    """The command line as a process group of its own, as a terminal has it; its processes carry a mark."""

    def __init__(self, folder: Path, *arguments: str):
        self.mark = f"{os.getpid()}-{time.monotonic_ns()}"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), MARK: self.mark, "TMPDIR": str(self.temporary)}
        code = "from nodes.main import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def tell(self, number: int) -> None:
        """A signal to the whole group, as a terminal sends it."""
        os.killpg(self.process.pid, number)

    def ended(self) -> tuple[int, str, str]:
        """Exit code, output, errors. Nothing is left: no process with the mark, no temporary folder."""
        out, err = self.process.communicate(timeout=LIMIT_S)
        until(lambda: not self.left())
        assert list(self.temporary.iterdir()) == []
        return self.process.returncode, out, err

    def left(self) -> list[int]:
        """The processes of its session, and those that carry the mark: our own write over theirs, for `ps`."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                session = int((entry / "stat").read_text().rpartition(")")[2].split()[3]) if entry.name.isdigit() else 0
                marked = session and f"{MARK}={self.mark}".encode() in (entry / "environ").read_bytes()
            except OSError:
                continue
            if session == self.process.pid or marked:
                found.append(int(entry.name))
        return [pid for pid in found if is_there(pid)]

    def end(self) -> None:
        for pid in self.left():
            os.kill(pid, signal.SIGKILL)
        self.process.communicate()


Fly = Callable[..., Command]


@pytest.fixture
def fly(tmp_path: Path) -> Iterator[Fly]:
    commands: list[Command] = []

    def start(*arguments: str) -> Command:
        folder = tmp_path / f"command {len(commands)}"
        folder.mkdir()
        commands.append(Command(folder, *arguments))
        return commands[-1]

    yield start
    for command in commands:
        command.end()


@pytest.fixture
def own(configs: Path) -> Callable[[str], str]:
    """A quiet scenario in which SOKOL 2 is flown as a line of TOML says."""

    def make(line: str) -> str:
        path = configs / "scenarios" / "own.toml"
        text = Path(QUIET).read_text(encoding="utf-8")
        path.write_text(text.replace('call_sign = "SOKOL 2"', f'call_sign = "SOKOL 2"\n{line}'), encoding="utf-8")
        (configs / "scenarios" / "raises.py").write_text(RAISES, encoding="utf-8")
        return str(path)

    return make


def test_it_writes_what_simulate_writes(fly: Fly, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, _, err = fly("run", QUIET, "--pace", "max", "--output", str(out), "--workers", "2").ended()
    assert (code, err) == (0, "")
    assert {p.name for p in out.iterdir()} == {"monitor.pcapng", "truth.jsonl", "report.json", "report.txt"}
    assert run(["simulate", QUIET, "--output", str(tmp_path / "virtual")]) == 0
    for name in ("monitor.pcapng", "truth.jsonl"):
        assert (out / name).read_bytes() == (tmp_path / "virtual" / name).read_bytes()
    assert json.loads((out / "report.json").read_bytes())["source"] == {"mode": "run", "seed": 1}
    assert fly("run", QUIET, "--pace", "max", "--output", str(out)).ended()[0] == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_ends_with_the_report_so_far(number: int, fly: Fly, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = fly("run", ENCOUNTER, "--output", str(out))
    truth = out / "truth.jsonl"
    until(lambda: truth.exists() and truth.stat().st_size > 0)
    command.tell(number)
    code, _, err = command.ended()
    assert code == 130
    assert "interrupted at " in err
    assert "Traceback" not in err
    report = json.loads((out / "report.json").read_bytes())
    assert report["complete"] is True
    assert report["host"]["broken"] == []


def test_interrupted_while_it_waits_for_somebody(fly: Fly, own: Callable[[str], str]) -> None:
    command = fly("run", own("external = true"))
    assert command.process.stderr is not None
    assert "waiting for SOKOL 2 at tcp://127.0.0.1:" in command.process.stderr.readline()
    command.tell(signal.SIGINT)
    code, _, err = command.ended()
    assert code == 130
    assert "Traceback" not in err


def test_when_the_director_is_killed_the_others_end(fly: Fly, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = fly("run", ENCOUNTER, "--output", str(out))
    until(lambda: (out / "truth.jsonl").exists() and (out / "truth.jsonl").stat().st_size > 0)
    assert len(command.left()) > 6
    os.kill(command.process.pid, signal.SIGKILL)
    assert command.ended()[0] == -signal.SIGKILL


BAD = {
    "a command that does not start": ('command = ["/nowhere/at/all"]', 2, "cannot be started: No such file"),
    "a command that ends at once": (
        'command = ["sh", "-c", "echo cannot do it; exit 3"]',
        2,
        "last wrote: cannot do it",
    ),
    "a command that never joins": ('command = ["sleep", "1000"]', 2, "SOKOL 2"),
    "a class that is not there": ('python = "nowhere:Thing"', 2, "cannot be imported: ModuleNotFoundError"),
    "a class that is none": ('python = "pathlib:Path"', 2, "is no class with the methods"),
    "an external station that never comes": ("external = true", 2, "not there after 2 s"),
    "two ways at once": ('external = true\npython = "raises:InHear"', 2, "flown by one of"),
    "a class that raises in hear": ('python = "raises:InHear"', 5, "failed in hear: ZeroDivisionError: oops"),
    "a class that raises in start": ('python = "raises:InStart"', 5, "failed in start: KeyError: 'at once'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_stations_of_ones_own(name: str, fly: Fly, own: Callable[[str], str]) -> None:
    line, expected, message = BAD[name]
    code, out, err = fly("run", own(line), "--pace", "max", "--wait", "2").ended()
    assert code == expected, out + err
    assert message in " ".join((out + err).split())
    assert "Traceback" not in out + err
    if expected == 5:
        assert "raises.py, line" in " ".join((out + err).split())


@pytest.mark.parametrize(
    ("listen", "message"),
    [
        ("0.0.0.0:5555", "only addresses of this machine"),
        ("192.0.2.1:5555", "only addresses of this machine"),
        ("example.org:5555", "only addresses of this machine"),
        ("127.0.0.1", "needs a host and a port"),
        ("127.0.0.1:99999", "needs a host and a port"),
    ],
)
def test_only_this_machine(listen: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", QUIET, "--listen", listen]) == 2
    assert message in capsys.readouterr().err


def test_a_port_in_use(fly: Fly) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, err = fly("run", QUIET, "--listen", f"127.0.0.1:{taken.getsockname()[1]}").ended()
    assert code == 2
    assert "choose another port" in err
    assert len(err.splitlines()) == 1


def test_two_claims_for_one_address(fly: Fly, own: Callable[[str], str]) -> None:
    """An address of ours needs its key; of an external station the first has it, and the second is told."""
    command = fly("run", own("external = true"), "--pace", "max")
    assert command.process.stderr is not None
    endpoint = command.process.stderr.readline().split()[-1]
    with zmq.Context() as context:
        for address, reason in ((0x155001, "not its key"), (0xAE1001, "taken"), (0x999999, "nobody with the address")):
            with context.socket(zmq.DEALER) as claimant:
                claimant.linger = 0
                claimant.rcvtimeo = round(LIMIT_S * 1000)
                claimant.connect(endpoint)
                claimant.send(pack(Hello(address, True)))
                refused = unpack_from_hub(claimant.recv())
                assert isinstance(refused, Refused)
                assert f"{address:06x}" in refused.reason
                assert reason in refused.reason or "taken" in refused.reason
    command.tell(signal.SIGINT)
    code, out, _ = command.ended()
    assert code == 130
    assert "refused as 999999" in " ".join(out.split())
