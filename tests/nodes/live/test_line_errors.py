"""What is wrong with a ground line is told before the run begins: in one line, with exit code 2; nothing is left."""

import importlib.util
import json
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from nodes.keys import load_private_key, public_hex
from nodes.live import ground_line
from nodes.main import run
from nodes.shipped import scenario
from radio import broker
from radio.broker_address import CA, PASSWORD, USER
from tests.nodes.live.conftest import LIMIT_S
from tests.nodes.live.strangers import Program
from tests.nodes.live.test_run_command import Command, flying
from tests.oracles import mosquitto, oracle
from tests.radio.line_brokers import Mosquitto, certificate, guarded_by

LINE = scenario("ground-line-2015")


@pytest.fixture(autouse=True)
def nothing_left(births: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No process, no folder of a broker; and no variable that says more than the test."""
    state, make = tmp_path / "state", tempfile.mkdtemp
    state.mkdir()
    monkeypatch.setattr(broker, "tempfile", SimpleNamespace(mkdtemp=lambda prefix: make(prefix=prefix, dir=state)))
    for name in (USER, PASSWORD, CA):
        monkeypatch.delenv(name, raising=False)
    yield
    assert list(state.iterdir()) == []


def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, *arguments: str | Path) -> str:
    """What a run is refused with: one line, and nothing is written."""
    out = tmp_path / "out"
    timer = threading.Timer(LIMIT_S, signal.raise_signal, [signal.SIGTERM])
    timer.start()
    try:
        assert run(["run", *map(str, arguments), "--pace", "max", "--output", str(out)]) == 2
    finally:
        timer.cancel()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert not out.exists() or list(out.iterdir()) == []
    (line,) = captured.err.splitlines()
    assert "Traceback" not in line
    return line.removeprefix("airaccord: ")


# ------------------------------------------------------------------ brokers


def test_no_broker_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, configs: Path
) -> None:
    monkeypatch.setattr(ground_line, "BROKER_S", 0.5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"mqtt://127.0.0.1:{free.getsockname()[1]}"
        told = f"the ground line: {url}: no broker there (connection refused): start one, or name another with --broker"
        assert refused(capsys, tmp_path, LINE, "--broker", url) == told
        path = configs / "scenarios" / "ground-line-2015.toml"
        path.write_text(path.read_text().replace("[ground_line]\n", f'[ground_line]\nbroker = "{url}"\n'))
        assert refused(capsys, tmp_path, path) == told


def test_something_else_listens_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ground_line, "BROKER_S", 8.0)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"mqtt://127.0.0.1:{mute.getsockname()[1]}"
        told = refused(capsys, tmp_path, LINE, "--broker", url)
    assert told == f"the ground line: {url}: what listens there does not answer as a broker does: is it mqtts://?"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("127.0.0.1:1883", "a broker is named like mqtt://127.0.0.1:1883"),
        ("http://127.0.0.1", "a broker is named like mqtt://127.0.0.1:1883"),
        ("mqtt://", "a broker is named like mqtt://127.0.0.1:1883"),
        ("mqtt://127.0.0.1:99999", "a broker is named like mqtt://127.0.0.1:1883"),
        ("mqtt://me:secret@127.0.0.1", f"names no user: give user and password in {USER} and {PASSWORD}"),
    ],
)
def test_no_url_of_a_broker(url: str, told: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    line = refused(capsys, tmp_path, LINE, "--broker", url)
    assert line.startswith("the ground line: ")
    assert told in line
    assert "secret" not in line


def test_a_wrong_password(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = guarded_by(mosquitto(), tmp_path, "blue", "right")
    made.start()
    try:
        told = refused(capsys, tmp_path, LINE, "--broker", made.url)
        assert "does not let a client without user and password in" in told
        monkeypatch.setenv(USER, "blue")
        monkeypatch.setenv(PASSWORD, "wrong")
        told = refused(capsys, tmp_path, LINE, "--broker", made.url)
        assert told == f"the ground line: {made.url}: the broker does not let user 'blue' in: set {USER} and {PASSWORD}"
    finally:
        made.close()


def test_a_user_that_may_not_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ground_line, "BROKER_S", 3.0)
    rights = tmp_path / "rights"
    rights.write_text("topic write #\n")
    rights.chmod(0o600)
    made = Mosquitto(mosquitto(), tmp_path, "allow_anonymous true", f"acl_file {rights}")
    made.start()
    try:
        told = refused(capsys, tmp_path, LINE, "--broker", made.url)
    finally:
        made.close()
    assert told.startswith(f"the ground line: {made.url}: the broker does not ")


def test_a_certificate_of_another_host(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate(tmp_path, "broker", "192.0.2.1", certificate(tmp_path, "authority", ""))
    files = (f"certfile {tmp_path}/broker.pem", f"keyfile {tmp_path}/broker.key", f"cafile {tmp_path}/authority.pem")
    made = Mosquitto(mosquitto(), tmp_path, "allow_anonymous true", *files, scheme="mqtts")
    monkeypatch.setenv(CA, str(tmp_path / "authority.pem"))
    made.start()
    try:
        told = refused(capsys, tmp_path, LINE, "--broker", made.url)
    finally:
        made.close()
    assert f"{made.url}: the broker's certificate is not accepted (IP address mismatch" in told


def test_the_extra_is_not_installed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "amqtt" else find(name, *rest))
    told = refused(capsys, tmp_path, LINE)
    assert told == (
        "the ground line: the embedded broker is not installed: pip install 'airaccord[broker]', "
        "or name a broker of your own with --broker mqtt://HOST:PORT"
    )


def test_our_broker_ends_if_the_run_does_not_begin(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    oracle("amqtt", "broker")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = refused(capsys, tmp_path, LINE, "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert "choose another port" in told


def test_a_broker_for_a_scenario_without_a_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    told = refused(capsys, tmp_path, scenario("quiet"), "--broker", "mqtt://127.0.0.1:1883")
    assert told == "--broker: mqtt://127.0.0.1:1883: this scenario has no [ground_line]: leave it out"


# ------------------------------------------------------------------ keys, and who is on the line


@pytest.fixture
def own(configs: Path) -> Path:
    """The scenario with keys of its own, which are no test keys."""
    folder = configs / "scenarios" / "own"
    folder.mkdir()
    lines = ["[keys]"]
    for client in ("coalition", "federation", "monitor-mon-1", "monitor-mon-2"):
        file = folder / f"{client}.pem"
        assert run(["keys", "new", client, "--output", str(file)]) == 0
        lines.append(f'{client} = "{public_hex(load_private_key(file, client))}"')
    (folder / "keys.toml").write_text("\n".join(lines))
    path = configs / "scenarios" / "ground-line-2015.toml"
    path.write_text(path.read_text().replace("[ground_line]\n", '[ground_line]\nkeys = "own/keys.toml"\n'))
    return path


def test_keys_that_cannot_be_right(own: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    capsys.readouterr()
    folder = own.parent / "own"
    file = folder / "federation.pem"
    right, register = file.read_bytes(), (folder / "keys.toml").read_text()

    file.chmod(0o644)
    assert f"{file}: others may read or write it (mode 0644); chmod 600 it" in refused(capsys, tmp_path, own)
    file.chmod(0o600)
    file.write_bytes((folder / "coalition.pem").read_bytes())
    assert refused(capsys, tmp_path, own) == f"{file}: is the key of coalition, not of federation"
    file.unlink()
    told = refused(capsys, tmp_path, own)
    assert told == f"{file}: no such file; make one with: airaccord keys new federation --output {file}"
    assert run(["keys", "new", "federation", "--output", str(file)]) == 0
    capsys.readouterr()
    assert "is not the public key of federation.pem beside it" in refused(capsys, tmp_path, own)
    file.write_bytes(right)
    without = "\n".join(line for line in register.splitlines() if not line.startswith("federation"))
    (folder / "keys.toml").write_text(without)
    told = refused(capsys, tmp_path, own)
    assert told == f"{folder / 'keys.toml'}: keys.federation: is missing: it is a client of the ground line"
    (folder / "keys.toml").unlink()
    assert "keys.toml: no such file" in refused(capsys, tmp_path, own)


def test_headquarters_are_one_for_each_party(configs: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = configs / "scenarios" / "ground-line-2015.toml"
    text = path.read_text()
    second = 'address = "ac0002"\ncall_sign = "TOWER 2"\nparty = "coalition"\nrole = "ground"\nat = [35.1, 36.9, 300]'
    path.write_text(f"{text}\n[[station]]\n{second}\n")
    told = refused(capsys, tmp_path, path)
    assert "station = party coalition: has 2 ground stations (TOWER, TOWER 2); with a ground line each" in told
    head, tower, rest = text.partition('[[station]]\naddress = "ac0001"')
    path.write_text(head + "[[station]]" + rest.partition("[[station]]")[2])
    assert tower
    told = refused(capsys, tmp_path, path)
    assert "station = party coalition: has no ground station; with a ground line each party has one" in told


# ------------------------------------------------------------------ in pieces


@pytest.mark.parametrize(
    ("station", "more", "told"),
    [
        ("TOWER", [], "--broker: TOWER is a headquarters: name the broker of its ground line, which `hub` tells"),
        (
            "HAWK 11",
            ["--broker", "mqtt://127.0.0.1:1883"],
            "--broker: mqtt://127.0.0.1:1883: HAWK 11 is no headquarters on a ground line: leave it out",
        ),
        ("TOWER", ["--broker", "nothing"], "the ground line: nothing: a broker is named like mqtt://127.0.0.1:1883"),
    ],
)
def test_nodes_and_brokers(station: str, more: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["node", str(LINE), station, *more]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line


def test_a_hub_and_its_nodes_are_on_the_line_as_in_virtual_time(tmp_path: Path, real: Mosquitto, configs: Path) -> None:
    path = configs / "scenarios" / "ground-line-2015.toml"
    path.write_text(path.read_text().replace("duration_s = 180", "duration_s = 40"))
    hub = ("hub", path, "--listen", "127.0.0.1:0", "--pace", "max", "--broker", real.url)
    programs = [Program(tmp_path / "hub", (*hub, "--output", tmp_path / "live"))]
    try:
        endpoint = programs[0].says(rf"waiting for .* at (\S+), with their ground line at {real.url}\n")
        for sign in ("TOWER", "HMEIMIM", "HAWK 11", "REAPER 1", "SOKOL 1"):
            more = ("--broker", real.url) if sign in ("TOWER", "HMEIMIM") else ()
            programs.append(Program(tmp_path / sign, ("node", path, sign, "--hub", endpoint, *more)))
        assert [program.ends() for program in programs] == [0] * 6
    finally:
        for program in programs:
            program.end()
    assert run(["simulate", str(path), "--output", str(tmp_path / "virtual")]) == 0
    for name in ("monitor.pcapng", "mon_2.pcapng", "truth.jsonl"):
        assert (tmp_path / "live" / name).read_bytes() == (tmp_path / "virtual" / name).read_bytes()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_interrupted_while_the_broker_is_gone_or_mute(number: int, tmp_path: Path, real: Mosquitto) -> None:
    out = tmp_path / "results"
    command = Command(tmp_path, "run", str(LINE), "--broker", real.url, "--output", str(out))
    try:
        command.until(lambda: flying(out))
        assert real.pid is not None
        os.kill(real.pid, number)
        command.tell(signal.SIGINT)
        code, _, err = command.ended()
    finally:
        command.end()
    assert code == 130
    assert "Traceback" not in err
    report = json.loads((out / "report.json").read_bytes())
    assert report["complete"] is True
    assert report["host"]["broken"] == []


def test_killed_with_its_broker_it_leaves_nothing(tmp_path: Path) -> None:
    """Not even the process of the broker, which knows of no keeper."""
    oracle("amqtt", "broker")
    command = Command(tmp_path, "run", str(LINE), "--output", str(tmp_path / "results"))
    try:
        command.until(lambda: flying(tmp_path / "results"))
        command.process.kill()
        assert command.ended()[0] == -signal.SIGKILL
    finally:
        command.end()
