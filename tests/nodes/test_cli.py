"""The command line as its users meet it: exit codes, files, JSON, help, and refusals that are one clear line."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nodes.main import run
from nodes.shipped import CONFIGS, scenario
from nodes.simulation import Simulation
from radio.recording import Writer

AGREEMENT = str(CONFIGS / "agreements" / "safety-of-flight-2015.toml")
QUIET = str(scenario("quiet"))
VERBS = ["simulate", "check", "lint", "decode", "spec"]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run of `quiet` writes. Tests only read it."""
    folder = tmp_path_factory.mktemp("run") / "out"
    assert run(["simulate", QUIET, "--output", str(folder)]) == 0
    return folder


@pytest.fixture
def recording(out: Path) -> str:
    return str(out / "monitor.pcapng")


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a wrong call is answered with."""
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    return line


# ------------------------------------------------------------ exit codes


def test_0_when_all_was_kept(out: Path) -> None:
    assert sorted(p.name for p in out.iterdir()) == ["monitor.pcapng", "report.json", "report.txt", "truth.jsonl"]


def test_1_when_a_clause_failed_and_the_text_leads_from_the_answer_to_the_proof(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["simulate", str(scenario("faults/silent"))]) == 1
    text = capsys.readouterr().out
    answer, table, proof = (text.index(t) for t in ("The agreement was broken", "clause", "FAIL 4.1"))
    assert answer < table < proof
    assert "4.1 by HAWK 11 (ae1001)" in text[:table]
    lines = text[proof:].splitlines()
    assert any(re.search(r"limit 5 s, measured 1\d(\.\d+)? s", line) for line in lines)
    assert sum(bool(re.match(r"    mon_1#\d+  09:00:\d\d\.\d+  ae1001 .*POSITION", line)) for line in lines) == 2


@pytest.mark.parametrize(
    ("require", "told"),
    [('require."6.2".exercised = true', "6.2 was to be exercised and was not")],
)
def test_3_when_something_required_was_not_shown(
    require: str, told: str, configs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configs / "scenarios" / "quiet.toml"
    path.write_text(f"{require}\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert run(["simulate", str(path)]) == 3
    assert f"Required and not met: {told}" in capsys.readouterr().out


def test_3_when_too_little_was_decided(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = configs / "scenarios" / "quiet.toml"
    text = 'require."4.1".decided = 1.0\nmedium.loss = 0.6\n' + path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    assert run(["simulate", str(path)]) == 3
    assert "4.1 was to be decided in 100% of instances; it was in " in capsys.readouterr().out


def test_4_when_a_recording_is_damaged(recording: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(Path(recording).read_bytes()[:-50])
    assert run(["check", str(cut), "--agreement", AGREEMENT]) == 4
    assert capsys.readouterr().out.startswith("Damaged recording, judged from what is whole: cut.pcapng at byte ")


def test_4_when_nothing_was_evaluated(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = configs / "scenarios" / "quiet.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("duration_s = 60", "duration_s = 0.1"), encoding="utf-8")
    assert run(["simulate", str(path)]) == 4
    assert "Nothing was judged" in capsys.readouterr().out


def test_5_when_the_tool_itself_breaks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Not 1: a violation it must never be taken for."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("wrong")

    monkeypatch.setattr("nodes.commands.simulate.load_flight", broken)
    assert run(["simulate", QUIET]) == 5
    assert "a fault of airaccord itself: ZeroDivisionError('wrong')" in capsys.readouterr().err


def test_130_when_interrupted_with_the_report_so_far(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    advance = Simulation.advance

    def interrupted(self: Simulation, until_ns: int) -> None:
        if until_ns > self.flight.start_ns + 20 * 10**9:
            signal.raise_signal(signal.SIGINT)
        advance(self, until_ns)

    monkeypatch.setattr(Simulation, "advance", interrupted)
    assert run(["simulate", QUIET, "--output", str(tmp_path / "out")]) == 130
    assert "interrupted at " in capsys.readouterr().err
    assert json.loads((tmp_path / "out" / "report.json").read_bytes())["complete"] is True
    assert run(["check", str(tmp_path / "out" / "monitor.pcapng"), "--agreement", AGREEMENT]) == 0


# ------------------------------------------------------------ what is written


def test_json_is_the_report_and_equals_the_file(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", QUIET, "--json"]) == 0
    text = capsys.readouterr().out
    assert text == (out / "report.json").read_text(encoding="utf-8")
    report = json.loads(text)
    assert list(report)[-1] == "complete"
    assert report["source"] == {"mode": "simulate", "seed": 1}
    assert report["medium"]["transmissions"] > 300
    assert report["recordings"] == []


def test_a_check_with_json_is_a_report_of_the_recording(
    out: Path, recording: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["check", recording, "--agreement", AGREEMENT, "--json", "--output", str(tmp_path / "checked")]
    assert run(arguments) == 0
    text = capsys.readouterr().out
    assert sorted(p.name for p in (tmp_path / "checked").iterdir()) == ["report.json", "report.txt"]
    assert text == (tmp_path / "checked" / "report.json").read_text(encoding="utf-8")
    report, ran = json.loads(text), json.loads((out / "report.json").read_bytes())
    assert report["verdicts"] == ran["verdicts"]
    assert report["source"] is report["medium"] is None
    assert len(report["recordings"][0]) == 64


def test_an_output_folder_that_exists_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "report.json").write_text("mine", encoding="utf-8")
    line = refusal(["simulate", QUIET, "--output", str(tmp_path)], capsys)
    assert line == f"airaccord: {tmp_path}: exists; give another --output, or --force to overwrite"
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]
    assert (tmp_path / "report.json").read_text(encoding="utf-8") == "mine"


def test_force_overwrites(tmp_path: Path, out: Path) -> None:
    (tmp_path / "report.json").write_text("mine", encoding="utf-8")
    (tmp_path / "truth.jsonl").write_text("x" * 10**7, encoding="utf-8")
    (tmp_path / "other.txt").write_text("mine too", encoding="utf-8")
    assert run(["simulate", QUIET, "--output", str(tmp_path), "--force"]) == 0
    for name in ("report.json", "truth.jsonl", "monitor.pcapng"):
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes()
    assert (tmp_path / "other.txt").read_text(encoding="utf-8") == "mine too"


def test_an_output_that_cannot_be_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for path in (tmp_path / "file", tmp_path / "file" / "out"):
        line = refusal(["simulate", QUIET, "--force", "--output", str(path)], capsys)
        assert line.startswith(f"airaccord: {path}: cannot be made: ")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


# ------------------------------------------------------------ check refuses


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (None, "no such file"),
        (b"", "is not a recording of airaccord: "),
        (b"hello, this is text", "is not a recording of airaccord: "),
        (
            bytes.fromhex("0a0d0d0a0000001c1a2b3c4d00010000ffffffffffffffff0000001c"),
            "is not a recording of airaccord: ",
        ),
    ],
    ids=["missing", "empty", "text", "another's pcapng"],
)
def test_what_is_no_recording_is_refused(
    data: bytes | None, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "some.pcapng"
    if data is not None:
        path.write_bytes(data)
    output = tmp_path / "out"
    line = refusal(["check", str(path), "--agreement", AGREEMENT, "--output", str(output)], capsys)
    assert line.startswith(f"airaccord: {path}: {told}")
    assert not output.exists()


def test_a_recording_under_another_agreement_is_refused(
    recording: str, configs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = configs / "agreements" / "safety-of-flight-2015.toml"
    text = other.read_text(encoding="utf-8")
    other.write_text(text.replace("ring_nm = 20", "ring_nm = 21"), encoding="utf-8")
    line = refusal(["check", recording, "--agreement", str(other)], capsys)
    assert line.startswith(f"airaccord: {recording}: was made under another agreement (digest ")
    other.write_text("# the same terms\n" + text, encoding="utf-8")
    assert run(["check", recording, "--agreement", str(other)]) == 0


def test_a_recording_that_says_nothing_of_an_agreement_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "some.pcapng"
    with path.open("wb") as stream:
        Writer(stream, "{}").close(0)
    line = refusal(["check", str(path), "--agreement", AGREEMENT], capsys)
    assert "its header does not say agreement" in line


def test_several_recordings_are_refused(recording: str, capsys: pytest.CaptureFixture[str]) -> None:
    line = refusal(["check", recording, recording, "--agreement", AGREEMENT], capsys)
    assert "one recording at a time" in line


# ------------------------------------------------------------ usage and help


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["simulate", QUIET, "--sed", "2"], "No such option: --sed"),
        (["simulate", QUIET, "--seed", "two"], "Invalid value for '--seed'"),
        (["simulate", QUIET, "--seed", "-1"], "Invalid value for '--seed'"),
        (["simulate"], "Missing argument 'scenario'"),
        (["check", "x.pcapng"], "Missing option '--agreement'"),
        (["fly"], "No such command 'fly'"),
    ],
)
def test_a_wrong_call_is_told_with_the_way_to_help(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert told.lower() in captured.err.lower()
    assert "--help" in captured.err
    assert "Traceback" not in captured.err


def test_without_a_verb_the_verbs_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    told = capsys.readouterr().err
    assert all(verb in told for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([verb, "--help"]) == 0
    assert f"Example: airaccord {verb}" in " ".join(capsys.readouterr().out.split())


# ------------------------------------------------------------ what people do with a command line


@pytest.mark.parametrize("arguments", [["simulate", QUIET], ["simulate", QUIET, "--json"], ["spec"]])
def test_a_reader_that_stops_reading_does_not_change_the_exit_code(arguments: list[str]) -> None:
    script = f"import sys; from nodes.main import run; sys.exit(run({arguments!r}))"
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    told = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), told) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a file that is always full")
def test_a_full_disk_is_told_in_a_line() -> None:
    script = f"import sys; from nodes.main import run; sys.exit(run({['simulate', QUIET]!r}))"
    with open("/dev/full", "w") as full:
        process = subprocess.run([sys.executable, "-c", script], stdout=full, stderr=subprocess.PIPE, text=True)
    assert process.stderr.splitlines()[0].startswith("airaccord: No space left on device")
    assert "Traceback" not in process.stderr


def test_loss_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", QUIET, "--loss", "0.2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["medium"]["outcomes"]["faded"] > 100


def test_a_clock_that_is_off_leaves_verdicts_open_and_is_told(
    configs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A station whose frames cannot be used is not the same as one that was never heard."""
    path = configs / "scenarios" / "quiet.toml"
    sign = 'call_sign = "SOKOL 2"\n'
    path.write_text(path.read_text().replace(sign, sign + "errors = { clock_us = 4000 }\n"))
    assert run(["simulate", str(path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    about = {v["clause"]: v for v in report["verdicts"] if v["subject"] == "155002"}
    assert about["4.1"]["verdict"] == "inconclusive"
    assert about["4.1"]["causes"] == {"not_fresh": 1}
    assert report["heard"]["155002"]["first"] == 0
    assert run(["simulate", str(path)]) == 0
    assert "heard could not be used" in " ".join(capsys.readouterr().out.split())


def test_an_avoidance_is_told(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = configs / "scenarios" / "quiet.toml"
    sign = 'call_sign = "SOKOL 2"\n'
    path.write_text(path.read_text().replace(sign, sign + "avoid_s = [5, 50]\n"))
    assert run(["simulate", str(path)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "SOKOL 2 (155002) declared an avoidance or an emergency, which suspended its duties" in told
    assert "0.1 avoidance - declared" in told
