"""`airaccord run` as a user meets it: what it writes, how it ends, and what it says when something is wrong."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from nodes.live.forking import prepare
from nodes.live.supervisor import MOST_STARTS
from nodes.main import run
from nodes.shipped import CONFIGS, scenario
from radio.envelope import Done, End, FromHub, Hello, Place, Refused, Time, Welcome, pack, unpack_from_hub
from tests.nodes.live.conftest import LIMIT_S, until

QUIET, ENCOUNTER = str(scenario("quiet")), str(scenario("encounter-2015"))
AGREEMENT = str(CONFIGS / "agreements" / "safety-of-flight-2015.toml")
ROOT = Path(__file__).resolve().parents[3]
MARK = "AIRACCORD_TEST_MARK"
SOON_S = 20.0
"""By the clock. It is to take 2 s, and takes less than half of one; but no machine is held to that."""
SECONDS = 12
"""How long scenarios with stations of one's own are."""

RAISES = """
import os
from nodes.stations.aircraft import Aircraft
from nodes.stations.effects import Send
from protocol.messages import Hail, Phrase

class InHear(Aircraft):
    def hear(self, now_ns, hearing):
        if hearing.frame.sequence > 10:
            raise ZeroDivisionError("oops")
        yield from super().hear(now_ns, hearing)

class InStart(Aircraft):
    def start(self, now_ns):
        raise KeyError("at once")

class InWake(Aircraft):
    def wake(self, now_ns):
        raise LookupError("not there")

class WhenMade(Aircraft):
    def __init__(self, profile, sense):
        raise RuntimeError("not today")

class Nothing(Aircraft):
    def wake(self, now_ns):
        return None

class Unknown(Aircraft):
    def wake(self, now_ns):
        return ["not an effect"]

class NoChannel(Aircraft):
    def start(self, now_ns):
        return [Send(Hail(0x155001, next(iter(Phrase)), 1, 10, 1), 9)]

class NoMessage(Aircraft):
    def start(self, now_ns):
        return [Send(Hail(-5, next(iter(Phrase)), 1, 10, 1), 1)]

class Leaves(Aircraft):
    def hear(self, now_ns, hearing):
        os._exit(7)

class Exits(Aircraft):
    def hear(self, now_ns, hearing):
        raise SystemExit(0)
"""
PROGRAM = """
import os, signal, subprocess, sys, time
import zmq
from radio.envelope import *

what, socket = sys.argv[1], zmq.Context().socket(zmq.DEALER)
socket.connect(os.environ["AIRACCORD_HUB"])
socket.send(pack(Hello(int(os.environ["AIRACCORD_ADDRESS"], 16), True, bytes.fromhex(os.environ["AIRACCORD_KEY"]))))
while True:
    said = unpack_from_hub(socket.recv())
    if isinstance(said, Welcome):
        life, begin_ns = said.life, said.start_ns
        socket.send(pack(Place(said.now_ns, 35.5, 35.94, 6000.0)))
        socket.send(pack(Done(said.now_ns)))
    elif isinstance(said, Time):
        if said.until_ns > begin_ns + 3_000_000_000 and life == 0:
            print("at three", flush=True)
            if what == "fails":
                sys.exit(3)
            if what == "leaves, and fails":
                socket.send(pack(Bye()))
                time.sleep(0.5)  # this is what a slow end looks like: meanwhile the run is over
                sys.exit(3)
            if what == "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            if what == "leaves children":
                subprocess.Popen(["sleep", "1000"])
                subprocess.Popen(["sh", "-c", "trap '' TERM HUP INT; while true; do sleep 1; done"])
                sys.exit(0)
        socket.send(pack(Done(said.until_ns)))
    elif isinstance(said, End) and what != "stays":
        print("the end", flush=True)
        sys.exit(4 if what == "fails at the end" else 0)
    elif isinstance(said, End):
        time.sleep(1000)
"""


def sessions() -> Iterator[tuple[int, int]]:
    """All processes, and the session that each is of."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if fields[0] not in "ZX":
                yield int(stat.parent.name), int(fields[3])


def marked(mark: str) -> Iterator[int]:
    """The processes that were given a mark on their way."""
    for pid, _ in sessions():
        with contextlib.suppress(OSError):
            if f"{MARK}={mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes():
                yield pid


class Command:
    """The command line as a process group of its own, as a terminal has it; its processes carry a mark."""

    def __init__(self, folder: Path, *arguments: str, temporary: Path | None = None):
        self.mark = f"{os.getpid()}-{time.monotonic_ns()}"
        self.temporary = temporary or Path(tempfile.mkdtemp(prefix="airaccord-"))  # tmp_path is too long for sockets
        self._out, self._err = folder / "out", folder / "err"
        environment = {**os.environ, "PYTHONPATH": str(ROOT), MARK: self.mark, "TMPDIR": str(self.temporary)}
        heeds = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)"  # also if the tests run under nohup
        code = f"{heeds}; from nodes.main import main; main()"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code, *arguments],
                env=environment,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def tell(self, number: int) -> None:
        """A signal to the whole group, as a terminal sends it."""
        os.killpg(self.process.pid, number)

    def ended(self) -> tuple[int, str, str]:
        """Exit code, output, errors. Nothing is left: no process with the mark, no temporary folder."""
        code = self.process.wait(LIMIT_S)
        until(lambda: not self.left())
        assert list(self.temporary.iterdir()) == []
        return code, self._out.read_text(), self._err.read_text()

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition that comes true while it runs; fails with what it said if it ends before."""

        def so() -> bool:
            ended = self.process.poll() is not None  # before looking: what it does last is not to be missed
            is_so = bool(condition())
            assert is_so or not ended, f"ended with {self.process.returncode}: {self._err.read_text()}"
            return is_so

        until(so)

    def says(self, pattern: str) -> str:
        """Wait until it says so on stderr; the pattern's first group."""
        found: list[re.Match[str]] = []

        def said() -> bool:
            found.extend(re.finditer(pattern, self._err.read_text()))
            return bool(found)

        self.until(said)
        return found[0][found[0].re.groups and 1]

    def left(self) -> list[int]:
        """The processes of its session, and those that carry the mark: our own write over theirs, for `ps`."""
        return sorted({*marked(self.mark), *(pid for pid, sid in sessions() if sid == self.process.pid)})

    def named(self) -> dict[int, str]:
        """What its processes are called."""
        found = {}
        for pid in self.left():
            with contextlib.suppress(OSError):
                found[pid] = Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").replace("\0", " ")
        return found

    def names(self) -> list[str]:
        """The same, without their ids."""
        return list(self.named().values())

    def end(self) -> None:
        for pid in self.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(LIMIT_S)
        shutil.rmtree(self.temporary)


Fly = Callable[..., Command]
Own = Callable[[str], str]


@pytest.fixture
def fly(tmp_path: Path) -> Iterator[Fly]:
    commands: list[Command] = []

    def start(*arguments: str, temporary: Path | None = None) -> Command:
        folder = tmp_path / f"command {len(commands)}"
        folder.mkdir()
        commands.append(Command(folder, *arguments, temporary=temporary))
        return commands[-1]

    yield start
    for command in commands:
        command.end()


@pytest.fixture
def own(configs: Path) -> Own:
    """A quiet scenario in which SOKOL 2 is flown as a line of TOML says."""

    def make(line: str) -> str:
        path = configs / "scenarios" / "own.toml"
        text = Path(QUIET).read_text(encoding="utf-8")
        text = text.replace("duration_s = 60", f"duration_s = {SECONDS}")
        path.write_text(text.replace('call_sign = "SOKOL 2"', f'call_sign = "SOKOL 2"\n{line}'), encoding="utf-8")
        (configs / "scenarios" / "raises.py").write_text(RAISES, encoding="utf-8")
        (configs / "scenarios" / "program.py").write_text(PROGRAM, encoding="utf-8")
        (configs / "scenarios" / "script.py").write_text("import sys\nsys.exit(0)\n", encoding="utf-8")
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


def test_a_temporary_folder_with_a_long_path_does_no_harm(fly: Fly, tmp_path: Path) -> None:
    """Sockets between processes are files whose paths are bounded; `multiprocessing` puts them into $TMPDIR."""
    temporary = tmp_path / ("long" * 30)
    temporary.mkdir()
    code, _, err = fly("run", QUIET, "--pace", "max", "--json", temporary=temporary).ended()
    assert (code, err) == (0, "")


def flying(out: Path) -> bool:
    """Whether frames have been on the air."""
    truth = out / "truth.jsonl"
    return truth.exists() and truth.stat().st_size > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_it_ends_with_the_report_so_far(number: int, fly: Fly, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = fly("run", ENCOUNTER, "--output", str(out))
    command.until(lambda: flying(out))
    begun_s = time.monotonic()
    command.tell(number)
    code, text, err = command.ended()
    assert time.monotonic() - begun_s < SOON_S
    assert code == 130
    assert "interrupted at " in err
    assert "Traceback" not in err
    report = json.loads((out / "report.json").read_bytes())
    assert report["complete"] is True
    assert report["host"]["broken"] == []
    assert text.startswith(("The agreement was kept", "Nothing was judged"))
    assert run(["check", str(out / "monitor.pcapng"), "--agreement", AGREEMENT]) in (0, 4)


@pytest.mark.parametrize("there", ["", "multiprocessing.forkserver", "airaccord hub", "airaccord station"])
def test_interrupted_while_it_starts(there: str, fly: Fly) -> None:
    """From when the scenario is loaded and it has begun, and from when a process is there that is so called."""
    command = fly("run", ENCOUNTER, "--json")
    command.until(lambda: any(command.temporary.iterdir()) and there in " ".join(command.names()))
    begun_s = time.monotonic()
    command.tell(signal.SIGINT)
    code, text, err = command.ended()
    assert time.monotonic() - begun_s < SOON_S
    assert code == 130
    assert "Traceback" not in err
    report = json.loads(text)
    assert report["host"]["broken"] == []
    assert report["verdict"] in ("not_exercised", "pass")


def test_interrupted_while_it_waits_for_somebody(fly: Fly, own: Own) -> None:
    command = fly("run", own("external = true"))
    command.says(r"waiting for SOKOL 2 at tcp://127.0.0.1:\d+\n")
    begun_s = time.monotonic()
    command.tell(signal.SIGINT)
    code, _, err = command.ended()
    assert time.monotonic() - begun_s < SOON_S
    assert code == 130
    assert "Traceback" not in err


def test_interrupted_it_ends_though_nobody_answers(fly: Fly, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = fly("run", ENCOUNTER, "--output", str(out))
    command.until(lambda: flying(out))
    stopped = [pid for pid, name in command.named().items() if name.startswith("airaccord ")]
    assert len(stopped) == 8, "the keeper, the hub, the monitor and five stations"
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    begun_s = time.monotonic()
    command.tell(signal.SIGINT)
    code, _, err = command.ended()
    assert time.monotonic() - begun_s < SOON_S
    assert code == 130
    assert "Traceback" not in err
    assert run(["check", str(out / "monitor.pcapng"), "--agreement", AGREEMENT]) in (0, 4)


def test_when_the_director_is_killed_nothing_is_left(fly: Fly, own: Own, tmp_path: Path) -> None:
    """Not even a program of the user's that does not mind, a process that is stopped, or a temporary folder."""
    stays = f'command = ["{sys.executable}", "program.py", "stays"]'
    command = fly("run", own(stays))
    command.until(lambda: any(flying(folder) for folder in command.temporary.glob("airaccord-*")))
    assert len(command.left()) > 6
    (stopped,) = [pid for pid, name in command.named().items() if name == "airaccord station HAWK 11"]
    os.kill(stopped, signal.SIGSTOP)
    os.kill(command.process.pid, signal.SIGKILL)
    assert command.ended()[0] == -signal.SIGKILL


def forkserver(command: Command) -> int:
    """The process from which those of a run are forked."""
    (pid,) = [pid for pid, name in command.named().items() if "multiprocessing.forkserver" in name]
    return pid


def test_the_process_from_which_ours_are_forked_may_die(fly: Fly, tmp_path: Path) -> None:
    """Nobody knows then how the others fare: all are ended, and started again."""
    out = tmp_path / "out"
    command = fly("run", ENCOUNTER, "--output", str(out), "--patience", "60")
    command.until(lambda: flying(out))
    os.kill(forkserver(command), signal.SIGKILL)
    for name in ("hub", "monitor MON 1", "station SOKOL 2"):
        command.says(f"{name} lost the process that it was forked from, and was killed; it is started again\n")
    for sign in ("MON 1", "SOKOL 2"):
        command.says(rf"{sign} \(\w+\) is back\n")
    command.tell(signal.SIGINT)
    code, _, err = command.ended()
    assert code == 130
    assert "Traceback" not in err
    report = json.loads((out / "report.json").read_bytes())
    assert len(report["host"]["broken"]) == 7, "hub, monitor and five stations, each once"
    assert report["verdict"] != "fail"
    assert run(["check", str(out / "monitor.pcapng"), "--agreement", AGREEMENT]) in (0, 4)


def test_the_process_from_which_ours_are_forked_may_be_stopped(fly: Fly, tmp_path: Path) -> None:
    """It alone tells how the others end."""
    out = tmp_path / "out"
    command = fly("run", ENCOUNTER, "--output", str(out))
    command.until(lambda: flying(out))
    os.kill(forkserver(command), signal.SIGSTOP)
    (pid,) = [pid for pid, name in command.named().items() if name == "airaccord station SOKOL 2"]
    os.kill(pid, signal.SIGKILL)
    command.says(r"station SOKOL 2 was killed by SIGKILL; it is started again\n")
    command.says(r"SOKOL 2 \(155002\) is back\n")
    os.kill(forkserver(command), signal.SIGSTOP)
    command.tell(signal.SIGINT)
    assert command.ended()[0] == 130


def test_what_ends_the_whole_group_at_once_leaves_nothing(fly: Fly, own: Own) -> None:
    """Ctrl-\\: not even a program of the user's that does not mind, or a temporary folder."""
    stays = f'command = ["{sys.executable}", "program.py", "stays"]'
    command = fly("run", own(stays))
    command.until(lambda: any(flying(folder) for folder in command.temporary.glob("airaccord-*")))
    command.tell(signal.SIGQUIT)
    command.process.wait(LIMIT_S)
    until(lambda: not list(command.temporary.iterdir()))
    assert command.ended()[0] == -signal.SIGQUIT


def test_processes_that_die_are_told_at_once_and_in_the_report(fly: Fly, tmp_path: Path) -> None:
    command = fly("run", QUIET, "--pace", "real", "--output", str(tmp_path / "out"))
    command.until(lambda: flying(tmp_path / "out"))
    for name in ("airaccord hub", "airaccord station HAWK 11"):
        (pid,) = [pid for pid, called in command.named().items() if called == name]
        os.kill(pid, signal.SIGKILL)
        command.says(
            rf"airaccord: at \d+\.\d\d s: {name.removeprefix('airaccord ')} was killed by SIGKILL; "
            "it is started again\n"
        )
        command.until(lambda name=name: name in command.names())  # type: ignore[misc]
    command.tell(signal.SIGINT)
    code, _, err = command.ended()
    assert code == 130
    assert "Traceback" not in err
    broken = json.loads((tmp_path / "out" / "report.json").read_bytes())["host"]["broken"]
    assert [what.partition(" s: ")[2].partition(" was killed")[0] for what in broken] == ["hub", "station HAWK 11"]


def test_a_hub_that_is_killed_again_and_again_ends_the_run_with_5(fly: Fly, tmp_path: Path) -> None:
    command = fly("run", QUIET, "--pace", "real", "--output", str(tmp_path / "out"))
    command.until(lambda: flying(tmp_path / "out"))

    def strike() -> None:
        for pid, name in command.named().items():
            if name == "airaccord hub":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)

    until(lambda: command.process.poll() is not None, strike)
    code, text, err = command.ended()
    assert code == 5
    assert "Traceback" not in text + err
    assert f"hub was killed by SIGKILL; after {MOST_STARTS} starts it is left alone" in " ".join(text.split())
    assert run(["check", str(tmp_path / "out" / "monitor.pcapng"), "--agreement", AGREEMENT]) in (0, 4)


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
    "an external station that never comes": ("external = true", 2, "not there after 1 s"),
    "a class of a script that ends": ('python = "script:Station"', 2, "cannot be imported: SystemExit: 0"),
    "a class that calls for the end": ('python = "raises:Exits"', 5, "failed in hear: SystemExit: 0"),
    "two ways at once": ('external = true\npython = "raises:InHear"', 2, "flown by one of"),
    "a class that raises in hear": ('python = "raises:InHear"', 5, "failed in hear: ZeroDivisionError: oops"),
    "a class that raises in wake": ('python = "raises:InWake"', 5, "failed in wake: LookupError: not there"),
    "a class that raises when it is made": (
        'python = "raises:WhenMade"',
        5,
        "failed in start: RuntimeError: not today",
    ),
    "a class that raises in start": ('python = "raises:InStart"', 5, "failed in start: KeyError: 'at once'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_stations_of_ones_own(
    name: str, own: Own, capsys: pytest.CaptureFixture[str], births: list[int], tmp_path: Path
) -> None:
    line, expected, message = BAD[name]
    out = tmp_path / "out"
    code = run(["run", own(line), "--pace", "max", "--wait", "1", "--output", str(out)])
    captured = capsys.readouterr()
    told = " ".join((captured.out + captured.err).split())
    assert code == expected, told
    assert message in told
    assert "Traceback" not in told
    if expected == 5:
        report = json.loads((out / "report.json").read_bytes())
        assert [what for what in report["host"]["broken"] if message in what]
        others = [counts["first"] for address, counts in report["heard"].items() if address != "155002"]
        assert min(others) > SECONDS, "the others go on"
        assert report["verdict"] != "fail"


NONSENSE = {
    "nothing": ("Nothing", "wake returned None, and not effects"),
    "no effect": ("Unknown", "not an effect"),
    "a channel that does not exist": ("NoChannel", "9"),
    "a message that cannot be encoded": ("NoMessage", "-5"),
}


def test_a_class_that_calls_for_the_end_in_one_process(own: Own, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", own('python = "raises:Exits"')]) == 5
    assert "failed in hear: SystemExit: 0" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_that_a_class_returns(
    name: str, own: Own, capsys: pytest.CaptureFixture[str], births: list[int], tmp_path: Path
) -> None:
    class_name, message = NONSENSE[name]
    out = tmp_path / "out"
    code = run(["run", own(f'python = "raises:{class_name}"'), "--pace", "max", "--output", str(out)])
    told = " ".join(capsys.readouterr().out.split())
    assert code == 5, told
    (broken,) = json.loads((out / "report.json").read_bytes())["host"]["broken"]
    assert "station SOKOL 2 failed in " in broken
    assert message in broken
    assert ".py, line " in broken


def test_a_class_that_ends_its_process_is_started_again_until_it_is_enough(
    own: Own, capsys: pytest.CaptureFixture[str], births: list[int]
) -> None:
    assert run(["run", own('python = "raises:Leaves"'), "--pace", "max", "--json"]) == 5
    broken = json.loads(capsys.readouterr().out)["host"]["broken"]
    assert len(broken) <= MOST_STARTS
    assert all("station SOKOL 2 ended with exit status 7; " in what for what in broken)


# ------------------------------------------------------------------ programs


def flown(what: str, own: Own, out: Path, *arguments: str) -> tuple[int, list[str], dict[str, Any]]:
    """A run with a program of the user's: exit code, what broke, the report."""
    path = own(f'command = ["{sys.executable}", "program.py", "{what}"]')
    code = run(["run", path, "--pace", "max", "--output", str(out), *arguments])
    report = json.loads((out / "report.json").read_bytes())
    assert report["heard"]["ae1001"]["first"] > SECONDS, "the others go on"
    assert report["verdict"] == "pass"
    return code, report["host"]["broken"], report


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch, births: list[int]) -> Iterator[None]:
    """Programs that a run starts in this process find what they import; nothing that they start is left."""
    prepare()  # what all runs of this process share is not of this test, and carries no mark
    mark = f"{os.getpid()}-{time.monotonic_ns()}"
    monkeypatch.setenv(MARK, mark)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    yield
    left = [pid for pid in marked(mark) if pid != os.getpid()]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


@pytest.mark.usefixtures("programs")
def test_a_program_that_fails_is_gone_from_then_on(own: Own, tmp_path: Path) -> None:
    code, (broken,), _ = flown("fails", own, tmp_path / "out")
    assert code == 5
    assert "station SOKOL 2: its command ended with exit status 3; it is gone from then on" in broken
    assert broken.endswith("it last wrote: at three")


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize(
    ("what", "status", "words"), [("fails at the end", 4, "the end"), ("leaves, and fails", 3, "at three")]
)
def test_a_program_that_fails_when_the_run_is_over_is_told(
    what: str, status: int, words: str, own: Own, tmp_path: Path
) -> None:
    code, (broken,), _ = flown(what, own, tmp_path / "out")
    assert code == 5, "no quiet 0"
    assert f"station SOKOL 2: its command ended with exit status {status}" in broken
    assert broken.endswith(f"; it last wrote: {words}")


def test_a_program_that_is_killed_is_started_again(fly: Fly, own: Own, tmp_path: Path) -> None:
    command = fly(
        "run", own(f'command = ["{sys.executable}", "program.py", "dies"]'), "--output", str(tmp_path / "out")
    )
    command.says(r"station SOKOL 2: its command was killed by SIGKILL; it is started again; it last wrote: at three\n")
    command.says(r"SOKOL 2 \(155002\) is back\n")
    command.tell(signal.SIGINT)
    assert command.ended()[0] == 130
    (broken,) = json.loads((tmp_path / "out" / "report.json").read_bytes())["host"]["broken"]
    assert "station SOKOL 2: its command was killed by SIGKILL" in broken


@pytest.mark.usefixtures("programs")
def test_what_a_program_leaves_behind_is_ended_with_it(own: Own, tmp_path: Path) -> None:
    code, broken, _ = flown("leaves children", own, tmp_path / "out")
    assert code == 5, "it ended without a BYE, and its silence is excused: that is no run without trouble"
    assert [line.partition(" s: ")[2] for line in broken] == ["SOKOL 2 (155002) was cut off from the hub"]
    assert (tmp_path / "out" / "sokol_2.log").read_text() == "at three\n"


@pytest.mark.usefixtures("programs")
def test_a_program_that_stays_is_ended_with_the_run(own: Own, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sokol_2.log").write_text("of an earlier run")
    code, broken, _ = flown("stays", own, tmp_path / "out", "--force")
    assert (code, broken) == (0, [])
    assert set((tmp_path / "out" / "sokol_2.log").read_text().splitlines()) == {"at three"}


@pytest.mark.parametrize("line", ["external = true", 'command = ["true"]'])
def test_simulate_cannot_fly_what_flies_itself(line: str, own: Own, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", own(line)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "station SOKOL 2" in captured.err
    assert "use `airaccord run`" in captured.err


# ------------------------------------------------------------------ where the hub listens


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


def test_what_did_not_begin_leaves_no_folder(own: Own, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """When it is mended, the same command is to work. What a program wrote is kept."""
    out = tmp_path / "out"
    assert run(["run", own("external = true"), "--wait", "0.1", "--output", str(out)]) == 2
    assert not out.exists()
    assert run(["run", own('command = ["sh", "-c", "echo why; exit 3"]'), "--output", str(out)]) == 2
    assert [path.name for path in out.iterdir()] == ["sokol_2.log"]
    other = tmp_path / "other"
    writes = f'command = ["sh", "-c", "mkdir {other}/core; echo 1 > {other}/mine.log; exit 3"]'
    assert run(["run", own(writes), "--output", str(other)]) == 2
    assert {path.name for path in other.iterdir()} == {"core", "mine.log"}, "what was not ours is left"
    assert "ended with exit status 3 before the run began" in capsys.readouterr().err
    (out / "mine.txt").write_text("mine")
    capsys.readouterr()
    assert run(["run", own("external = true"), "--wait", "0.1", "--output", str(out), "--force"]) == 2
    assert (out / "mine.txt").exists(), "a folder that was there is left as it is"


def test_two_claims_for_one_address(fly: Fly, own: Own) -> None:
    """The first has it; the second is told, and so is who asks for an address of ours or of nobody. The run goes on."""
    command = fly("run", own("external = true"), "--pace", "max", "--json")
    endpoint = command.says(r"waiting for SOKOL 2 at (\S+)\n")
    with zmq.Context() as context, context.socket(zmq.DEALER) as first:

        def asks(dealer: "zmq.Socket[bytes]", address: int) -> FromHub:
            dealer.linger = 0
            dealer.rcvtimeo = round(LIMIT_S * 1000)
            dealer.connect(endpoint)
            dealer.send(pack(Hello(address, True)))
            return unpack_from_hub(dealer.recv())

        welcome = asks(first, 0x155002)
        assert isinstance(welcome, Welcome)
        for address, reason in (
            (0x155002, "the address 155002 is taken by a station that is already there"),
            (0xAE1001, "the address ae1001 is taken by a station that is already there"),
            (0x0A0001, "the address 0a0001 is taken by a station that is already there"),
            (0x999999, "nobody with the address 999999 is expected in this run"),
        ):
            with context.socket(zmq.DEALER) as second:
                assert asks(second, address) == Refused(reason)
        first.send(pack(Place(welcome.now_ns, 35.5, 35.94, 6000.0)))
        first.send(pack(Done(welcome.now_ns)))
        while not isinstance(said := unpack_from_hub(first.recv()), End):
            if isinstance(said, Time):
                first.send(pack(Done(said.until_ns)))
    code, text, err = command.ended()
    report = json.loads(text)
    assert code == 0
    assert report["host"]["refused"] == 4
    for address in ("155002", "ae1001", "0a0001", "999999"):
        assert sum(f"somebody was refused as {address}: " in what for what in report["host"]["told"]) == 1
        assert f"refused as {address}" in err
