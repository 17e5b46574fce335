"""Ways in which manifests could convict somebody innocent, hide a proof, or fill memory (9.1). None works."""

from collections.abc import Iterable
from typing import Any

import pytest

from protocol.line import judging
from protocol.verdicts import Cause, Outcome, Verdict
from tests.protocol.conftest import START_NS, shipped_agreement, six_aircraft
from tests.protocol.line_monitor import LineMonitor, Sent, manifest_of
from tests.protocol.traffic import position

OURS, THEIRS = 0x100001, 0x200001
OURS_TEXT, THEIRS_TEXT = "100001", "200001"


@pytest.fixture
def line() -> LineMonitor:
    return LineMonitor(shipped_agreement(), six_aircraft(), START_NS)


def publish(line: LineMonitor, at_s: float, station: str, span_s: tuple[float, float], said: Iterable[Sent]) -> None:
    """A manifest of just these frames."""
    client = "coalition" if station[0] == "1" else "federation"
    body = manifest_of(station, line.at(span_s[0]), line.at(span_s[1]), said)
    line.read(at_s, client, "manifest", body.model_dump(exclude_none=True))


def outcomes(line: LineMonitor, end_s: float) -> dict[tuple[str, str], Any]:
    return {(t.clause, t.subject): t for t in line.close(end_s)}


def test_who_invents_frames_of_another_session_is_not_cleared_by_them(line: LineMonitor) -> None:
    """It was silent for half a minute, and no number is missing; its party tells of a second session meanwhile."""
    for i in range(30):
        line.hear(i + 0.1, OURS, i, position())
    publish(line, 30.0, OURS_TEXT, (0, 30), line.sent)
    for begin in (30, 45):
        invented = [line.put_on_air(begin + i - 0.4, OURS, begin + i, position(), session=2) for i in range(15)]
        publish(line, begin + 15, OURS_TEXT, (begin - 1, begin + 15), invented)
    for i in range(30, 60):
        line.hear(i + 30.1, OURS, i, position())
    publish(line, 91.0, OURS_TEXT, (60, 91), line.sent[-30:])
    tally = outcomes(line, 200.0)["4.1", OURS_TEXT]
    assert tally.verdict is Verdict.FAIL
    found = [f for f in line.findings if (f.clause, f.subject, f.outcome) == ("4.1", OURS_TEXT, Outcome.FAIL)]
    assert len(found) == tally.counts[Outcome.FAIL] == 1, "it is told once"


def test_an_outsider_s_frame_does_not_take_the_place_of_the_true_one(line: LineMonitor) -> None:
    """The monitor missed five POSITIONs; somebody sends others under their numbers. The manifest has the true ones."""
    true = []
    for i in range(30):
        if 10 <= i < 15:
            true.append(line.put_on_air(i + 0.1, THEIRS, i, position()))
        else:
            line.hear(i + 0.1, THEIRS, i, position())
            true.append(line.sent[-1])
    forger = LineMonitor(shipped_agreement(), six_aircraft(), START_NS)
    forger.judge, forger.heard = line.judge, 1000
    for i in range(10, 15):
        forger.hear(30.2 + i / 100, THEIRS, i, position(latitude_deg=35.5))
    publish(line, 32.0, THEIRS_TEXT, (0, 31), true)
    tallies = outcomes(line, 100.0)
    assert tallies["9.1", "unattributed"].counts[Outcome.FAIL] == 5
    (last,) = tallies["4.1", THEIRS_TEXT].findings
    assert last.cause is Cause.NOT_HEARD_AGAIN, "at the end; nothing before is open"


def test_a_manifest_of_the_time_to_come_moves_no_clock(line: LineMonitor) -> None:
    line.hear(1.0, OURS, 0, position())
    never = line.put_on_air(2.0, OURS, 1, position())
    publish(line, 10.0, OURS_TEXT, (0, 4_000_000), [never])
    line.close(20.0)
    assert line.judge.now_ns == line.at(20.0)
    assert all(judge.now_ns == line.at(20.0) for judge in (line.judge._all, *line.judge._own.values()))


def test_what_is_told_fills_no_memory(line: LineMonitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "MOST_TOLD", 300)
    told = [line.put_on_air(1.0 + i / 100, OURS, i, position()) for i in range(200)]
    for i in range(50):
        publish(line, 10.0 + i / 100, OURS_TEXT, (0, 9.0), told)
    assert sum(line.judge._told_waiting.values()) == 200, "each once, however often it is told"
    for session in range(2, 9):
        more = [line.put_on_air(1.0 + i / 100, OURS, i, position(), session=session) for i in range(200)]
        publish(line, 11.0, OURS_TEXT, (0, 9.0), more)
    assert sum(line.judge._told_waiting.values()) == 300
    line.close(60.0)
    assert not +line.judge._told_waiting


def test_strangers_are_not_remembered(line: LineMonitor) -> None:
    for i in range(500):
        line.hear(1.0 + i / 100, 0x300000 + i, 0, position())
    assert not line.judge._heard


def test_who_disowns_everything_convicts_nobody() -> None:
    """The coalition says that 100001 sent nothing, for all time; the federation's conduct is judged as it was."""
    failed = []
    for disowned in (False, True):
        line = LineMonitor(shipped_agreement(), six_aircraft(), START_NS)
        if disowned:
            publish(line, 0.5, OURS_TEXT, (0, 4_000_000), [])
        for i in range(60):
            line.hear(i + 0.1, OURS, i, position())
            line.hear(i + 0.2, THEIRS, i, position(latitude_deg=35.05))
        failed.append({key for key, t in outcomes(line, 200.0).items() if t.verdict is Verdict.FAIL})
    assert {key for key in failed[0] if OURS_TEXT not in key[1]} | {("9.1", "unattributed")} == failed[1]
