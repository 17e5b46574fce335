"""`airaccord why`: each outcome in a sentence, and what is no truth or is not in it."""

import json
import re
from pathlib import Path

import pytest

from nodes.explaining import Found, explain, find
from nodes.main import run
from nodes.shipped import scenario
from radio.medium import Burst, Equipment, Laws, Medium, Outcome, Transmission
from radio.truth import truth_lines
from tests.radio.test_load import FRAME, MS, POLITE, SLOTTED

CHANNELS = {1: SLOTTED, 2: POLITE}


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A truth with what the medium can do to frames."""
    medium = Medium([SLOTTED, POLITE], Laws(), seed=1)
    stations = (
        (1, 0.0, 9e3),
        (2, 3e3, 9e3),
        (3, 6e3, 9e3),
        (4, 9e5, 9e3),
        (5, 4.3e5, 5.0),
        (6, 3.1e3, 9e3),
        (8, 9.01e5, 9e3),
    )
    for address, east_m, height_m in stations:
        tuned = frozenset({1, 2}) if address != 6 else frozenset({2})
        medium.join(Equipment(address=address), tuned, 0)
        medium.place(address, 0, (6.4e6, east_m, 0.0), (0.0, 0.0, 0.0), height_m)
    medium.join(Equipment(address=7, power_dbm=50, listens=False), frozenset(), 0)
    medium.place(7, 0, (6.4e6, 3e3, 100.0), (0.0, 0.0, 0.0), 9e3)
    for sent in (
        Transmission(1, 0, 0, 1, 20 * MS, FRAME, 0),
        Transmission(1, 0, 1, 1, 41 * MS, FRAME, 3),
        Transmission(8, 0, 0, 1, 100 * MS, FRAME),
        Transmission(3, 0, 1, 1, 41 * MS, FRAME, 1),
        Transmission(1, 0, 2, 1, 60 * MS, FRAME),
        Transmission(1, 0, 3, 2, 80 * MS, FRAME),
        Transmission(2, 0, 3, 2, 80 * MS + 100_000, FRAME),
    ):
        medium.transmit(sent)
    medium.jam(Burst(7, 1, 59 * MS, 5 * MS))
    path = tmp_path_factory.mktemp("truth") / "truth.jsonl"
    path.write_text("".join(truth_lines(medium.settle(10**9), CHANNELS)))
    return path


@pytest.mark.parametrize(
    ("frame", "receiver", "told"),
    [
        (
            "000001:0:0",
            "000002",
            "received, -62 dBm, SINR 42 dB, over 1.6 NM. It started at 00:00:00.020 on channel 1",
        ),
        (
            "000001:0:0",
            "000002",
            "with 50 bytes, in slot 0 as meant. Of one other that listened in range 1 received it.",
        ),
        ("000001:0:0", "000006", "lost, for 000006 did not listen to channel 1"),
        ("000001:0:0", "000005", "lost beyond the radio horizon: 232.2 NM apart, and the earth in between"),
        ("000001:0:0", "000004", "not on the air, or out of range: further away than 422 NM"),
        ("000001:0:1", "000002", "lost in a collision with 000003: -62 dBm, SINR 0 dB"),
        ("000001:0:1", "000002", "in slot 1, and was meant for 3"),
        ("000001:0:1", "000003", "lost, for 000003 was transmitting itself while it came"),
        ("000001:0:2", "000002", "lost to jamming: -62 dBm, SINR -39.6 dB"),
        ("000001:0:2", "000002", "against 000007. It started at 00:00:00.060 on channel 1 with 50 bytes, in slot 0."),
        ("000002:0:3", "000001", "never sent: its source found the channel busy each time that it tried"),
        ("000001:0:3", "000002", "received"),
    ],
)
def test_what_became_of_a_frame(
    truth: Path, frame: str, receiver: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["why", str(truth), frame, receiver]) == 0
    assert told in capsys.readouterr().out


def test_every_outcome_has_a_sentence() -> None:
    for outcome in (*Outcome, "given_up"):
        found = Found("ae1001:0:7", "155001", 0, 1, 50, None, str(outcome), -80.0, 12.0, 1000, ("0a0001",), 400_000)
        assert explain(found).startswith("ae1001:0:7 at 155001: ")


def test_as_json(truth: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["why", str(truth), "000001:0:1", "000002", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["outcome"], told["sinr_db"], told["rivals"], told["slot"]) == ("collision", 0.0, ["000003"], [3, 1])
    assert find(truth, "000001:0:1", "000002")._asdict() == told | {
        "rivals": ("000003",),
        "slot": (3, 1),
        "others": (1, 0),
    }


@pytest.mark.parametrize(
    ("frame", "receiver", "about"),
    [
        ("1:0:0", "000002", "a frame is SOURCE:SESSION:SEQUENCE"),
        ("000001:0:0", "2", "a receiver is an address of six hex digits"),
        ("000001:0:0", "000001", "sent this frame itself"),
        ("000009:0:0", "000002", "000009 sent nothing in"),
        ("000001:0:77", "000002", "000001 sent others, but not this one"),
        ("000001:0:0", "000007", "000007 is never in range in"),
        ("000001:0:0", "0000ff", "0000ff is never in range in"),
    ],
)
def test_what_is_not_there(
    truth: Path, frame: str, receiver: str, about: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["why", str(truth), frame, receiver]) == 2
    assert about in " ".join(capsys.readouterr().err.replace("│", " ").split())


@pytest.mark.parametrize(
    ("content", "about"),
    [
        (b"", "has no frames"),
        (b"[1, 2]\n", "line 1 is no line of a truth"),
        (b"\x0a\x0d\x0d\x0a\xff\xfe", "is no"),
        (b'{"frame":"000001:0:0","start_ns":1', "line 1 is cut short"),
        (b'{"frame":"000001:0:0","x":1}', "line 1 is no line of a truth"),
        (
            b'{"frame":"000001:0:0","start_ns":1,"channel":1,"bytes":1,"receivers":{"000002":["eaten",1,1,1]}}',
            "line 1 is no",
        ),
    ],
)
def test_what_is_no_truth(tmp_path: Path, content: bytes, about: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_bytes(content)
    assert run(["why", str(path), "000001:0:0", "000002"]) == 2
    assert about in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert run(["why", str(tmp_path / "none"), "000001:0:0", "000002"]) == 2
    assert "No such file" in capsys.readouterr().err


def test_the_example_in_the_readme(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it says the two commands print."""
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    ((frame, receiver),) = re.findall(r"airaccord why noisy/truth.jsonl (\S+) (\S+)", readme)
    (told,) = re.findall(r"(?ms)^```text\n(\S+ at 0a0001: .*?)\n```", readme)
    assert run(["simulate", str(scenario("noisy-2015")), "--output", str(tmp_path / "noisy")]) == 0
    capsys.readouterr()
    assert run(["why", str(tmp_path / "noisy" / "truth.jsonl"), frame, receiver]) == 0
    assert capsys.readouterr().out.strip() == told.replace("\n", " ")
