"""Golden traces: what a monitor heard, and the verdict that the clause's text demands. Written without the code.

One file per clause in `golden/`. Defaults of fields that a trace does not care about are given here.
"""

import tomllib
from collections.abc import Callable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from protocol.messages import (
    TYPE_OF,
    EmergencyState,
    Emitter,
    FrameKey,
    Intention,
    IntentKind,
    LinkPoint,
    Message,
    MessageType,
    Nature,
    PeerReport,
    Phrase,
    Procedure,
    Reason,
    Result,
    Sensor,
    Severity,
    TrajectoryPoint,
)
from protocol.verdicts import Verdict
from tests.protocol.conftest import START_NS, shipped_agreement, six_aircraft
from tests.protocol.line_monitor import LineMonitor

GOLDEN = Path(__file__).parent / "golden"
ENUMS = {
    "kind": IntentKind,
    "emitter": Emitter,
    "phrase": Phrase,
    "answers_type": MessageType,
    "result": Result,
    "reason": Reason,
    "emergency": EmergencyState,
    "severity": Severity,
    "nature": Nature,
    "intention": Intention,
    "procedure": Procedure,
    "sensor": Sensor,
}
KINDS: dict[str, type[Message]] = {code.name: kind for kind, code in TYPE_OF.items()}
ALL = frozenset({1, 2, 3, 4, 5})
DEFAULTS: dict[str, dict[str, Any]] = {
    "POSITION": {
        "baro_altitude_ft": 20000,
        "nic": 8,
        "nacp": 8,
        "nacv": 2,
        "velocity_north_mps": 0.0,
        "velocity_east_mps": 0.0,
        "velocity_up_mps": 0.0,
        "age_s": 0.0,
    },
    "INTENT": {"kind": IntentKind.TRANSIT, "validity_s": 120},
    "IDENT": {"call_sign": "TEST", "emitter": Emitter.FIXED_WING, "guarded": ALL},
    "HAIL": {"phrase": Phrase.CONTACT, "reply_by_s": 10, "reply_channel": 1},
    "ACK": {"answers_session": 1, "answers_type": MessageType.HAIL, "result": Result.ROGER},
    "WATCH": {"guarded": ALL, "stations_heard": 3, "hails": 0, "acks": 0},
    "FREQUENCY_CHANGE": {"addressee": None},
    "SIGHTING": {"subject": None},
}


def _field(name: str, value: Any) -> Any:
    if name in ENUMS:
        return ENUMS[name][value]
    if name in ("addressee", "subject"):
        return int(value, 16)
    if name == "guarded":
        return frozenset(value)
    if name == "receipt":
        return FrameKey(int(value[0], 16), *value[1:])
    if name in ("first", "second"):
        return TrajectoryPoint(**{"altitude_ft": None, **value})
    if name == "point":
        return LinkPoint(**{"altitude_ft": None, **value})
    if name == "report":
        return PeerReport(**{**value, "peer": int(value["peer"], 16)})
    return value


def _message(kind: str, fields: dict[str, Any], digest: int) -> Message:
    values = dict(DEFAULTS.get(kind, {}))
    if kind == "IDENT":
        values["agreement"] = digest
    values |= {name: _field(name, value) for name, value in fields.items()}
    return KINDS[kind](**values)


def _heard(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One entry, or as many as its `repeat` says."""
    repeat = entry.get("repeat", {"count": 1, "every_s": 0.0})
    assert set(repeat) <= {"count", "every_s", "sequence_step", "fields_step"}, repeat
    for i in range(repeat["count"]):
        later = i * repeat["every_s"]
        fields = dict(entry.get("fields", {}))
        for name, step in repeat.get("fields_step", {}).items():
            fields[name] += i * step
        yield entry | {
            "at_s": entry["at_s"] + later,
            "sent_s": entry.get("sent_s", entry["at_s"]) + later,
            "sequence": entry["sequence"] + i * repeat.get("sequence_step", 0),
            "fields": fields,
        }


def _traces() -> Iterator[Any]:
    for path in sorted(GOLDEN.glob("*.toml")):
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        for trace in document["trace"]:
            yield pytest.param(document["clause"], trace, id=f"{document['clause']}:{trace['name']}")


@pytest.mark.parametrize(("clause", "trace"), list(_traces()))
def test_golden(clause: str, trace: dict[str, Any], make_monitor: Callable[..., Any]) -> None:
    monitor: Any
    if trace.get("line", clause[0] in "89"):
        monitor = LineMonitor(shipped_agreement(), six_aircraft(), START_NS)
        digest = int(monitor.agreement.digest()[:8], 16)
    else:
        monitor = make_monitor()
        digest = int(monitor.judge.world.agreement.digest()[:8], 16)
    for at_s, _, happens, event in sorted(_events(trace), key=itemgetter(0, 1)):
        happens(monitor, at_s, event, digest)
    tallies = {(t.clause, t.subject): t for t in monitor.close(trace["end_s"])}
    for expect in trace["expect"]:
        tally = tallies.get((expect.get("clause", clause), expect["subject"]))
        # a pair that no clause judges has no tally: neither exercised nor applicable
        verdicts = {tally.verdict} if tally else {Verdict.NOT_EXERCISED, Verdict.NOT_APPLICABLE}
        told = [(f.outcome.value, f.cause, f.summary) for f in tally.findings] if tally else []
        assert expect["verdict"] in {v.label for v in verdicts}, f"{trace['why']} {told}"
        if "cause" in expect:
            assert tally
            assert expect["cause"] in tally.causes, f"{trace['why']} {told}"


Event = tuple[float, int, Callable[[Any, float, dict[str, Any], int], None], dict[str, Any]]
"""When, what comes first at one instant, what it does, and the entry."""


def _events(trace: dict[str, Any]) -> Iterator[Event]:
    for entry in trace.get("host", ()):
        yield entry["from_s"], 0, _trouble, entry
    for entry in trace.get("line_gap", ()):
        yield entry["from_s"], 0, _cut_off, entry
    for entry in trace.get("gap", ()):
        yield entry["until_s"], 0, _deaf, entry
    for hear in trace.get("hear", ()):
        yield from ((entry["at_s"], 1, _hear, entry) for entry in _heard(hear))
    for sent in trace.get("sent", ()):
        yield from ((entry["at_s"], 1, _send, entry) for entry in _heard(sent))
    for document in trace.get("document", ()):
        repeat = document.get("repeat", {"count": 1, "every_s": 0.0})
        for i in range(repeat["count"]):
            yield document["at_s"] + i * repeat["every_s"], 2, _read, document


def _how(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "session": entry.get("session", 1),
        "intent": entry.get("intent", 0),
        "channel": entry.get("channel", 1),
        "sent_s": entry["sent_s"],
        "time_quality": entry.get("time_quality", 3),
    }


def _hear(monitor: Any, at_s: float, entry: dict[str, Any], digest: int) -> None:
    message = _message(entry["type"], entry["fields"], digest)
    spoilt = {"raw": entry["raw"]} if entry.get("raw") else {}
    monitor.hear(
        at_s,
        int(entry["from"], 16),
        entry["sequence"],
        message,
        heard_on=entry.get("heard_on"),
        power_dbm=entry.get("power_dbm"),
        **spoilt,
        **_how(entry),
    )


def _send(monitor: Any, at_s: float, entry: dict[str, Any], digest: int) -> None:
    message = _message(entry["type"], entry["fields"], digest)
    monitor.put_on_air(at_s, int(entry["from"], 16), entry["sequence"], message, **_how(entry))


def _read(monitor: Any, at_s: float, entry: dict[str, Any], digest: int) -> None:
    issued = {"issued_s": entry["issued_s"]} if "issued_s" in entry else {}
    damage = entry.get("damage", "")
    monitor.read(at_s, entry["from"], entry["kind"], entry.get("body", {}), damage=damage, **issued)


def _deaf(monitor: Any, at_s: float, entry: dict[str, Any], digest: int) -> None:
    monitor.deaf(entry["from_s"], entry["until_s"])


def _cut_off(monitor: Any, at_s: float, entry: dict[str, Any], digest: int) -> None:
    monitor.cut_off(entry["from_s"], entry["until_s"])


def _trouble(monitor: Any, at_s: float, entry: dict[str, Any], digest: int) -> None:
    monitor.trouble(int(entry["station"], 16), entry["from_s"], entry["until_s"])
