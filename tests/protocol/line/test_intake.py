"""What an intake takes, and that each reason not to is told apart."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.line import intake as intakes
from protocol.line.documents import Body, Call, Document, Gone, Heartbeat, Plan, Verdict
from protocol.line.envelope import MAX_BYTES, Reason, Sealed
from protocol.line.intake import EARLY_NS, Intake, Refusal
from protocol.line.reference import EXAMPLES
from tests.protocol.line.clients import Clients

NOW_NS = 1_000_000_000_000
PLAN = next(body for body in EXAMPLES if isinstance(body, Plan))
CALL = Call(id="c", to="federation", text="radio check")


def forged(sealed: Sealed, key: Ed25519PrivateKey, **changes: Any) -> bytes:
    """A text with some members changed, signed anew."""
    members = json.loads(sealed.payload) | changes
    members = {name: value for name, value in members.items() if value is not None and name != "signature"}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    members["signature"] = base64.b64encode(key.sign(text.encode())).decode()
    return json.dumps(members, sort_keys=True, separators=(",", ":")).encode()


def plan(name: str) -> Plan:
    return PLAN.model_copy(update={"id": name})


def taken(outcome: Document | Refusal) -> Body:
    assert isinstance(outcome, Document), outcome
    return outcome.body


def refused(outcome: Document | Refusal) -> Reason:
    assert isinstance(outcome, Refusal), outcome
    return outcome.reason


def test_a_document_is_taken_once_and_then_repeated(clients: Clients) -> None:
    intake, (topic, payload, _) = clients.intake(), clients.author("coalition").write(CALL, NOW_NS)
    assert taken(intake.take(topic, payload, NOW_NS)) == CALL
    assert refused(intake.take(topic, payload, NOW_NS)) is Reason.REPEATED
    assert (dict(intake.taken), dict(intake.refused)) == ({"call": 1}, {Reason.REPEATED: 1})


CHANGED: dict[str, tuple[Reason, bool, Callable[[Clients, Sealed], tuple[str, bytes]]]] = {
    "too large": (Reason.TOO_LARGE, False, lambda c, s: (s.topic, s.payload + b" " * MAX_BYTES)),
    "no text": (Reason.NOT_JSON, False, lambda c, s: (s.topic, b"\xff" + s.payload)),
    "empty": (Reason.NOT_JSON, False, lambda c, s: (s.topic, b"")),
    "cut short": (Reason.NOT_JSON, False, lambda c, s: (s.topic, s.payload[:-1])),
    "two": (Reason.NOT_JSON, False, lambda c, s: (s.topic, s.payload * 2)),
    "a key twice": (Reason.NOT_JSON, False, lambda c, s: (s.topic, s.payload[:-1] + b',"\\u0076":1}')),
    "not a number": (Reason.NOT_JSON, False, lambda c, s: (s.topic, b'{"v":NaN}')),
    "a long number": (Reason.NOT_JSON, False, lambda c, s: (s.topic, b'{"v":' + b"2" * 31 + b"}")),
    "a list": (Reason.MALFORMED, False, lambda c, s: (s.topic, b"[" + s.payload + b"]")),
    "without v": (Reason.MALFORMED, False, lambda c, s: (s.topic, forged(s, c.keys["coalition"], v=None))),
    "v is true": (Reason.MALFORMED, False, lambda c, s: (s.topic, forged(s, c.keys["coalition"], v=True))),
    "with more": (Reason.MALFORMED, False, lambda c, s: (s.topic, forged(s, c.keys["coalition"], more=1))),
    "number 0": (Reason.MALFORMED, False, lambda c, s: (s.topic, forged(s, c.keys["coalition"], number=0))),
    "another version": (Reason.OTHER_VERSION, False, lambda c, s: (s.topic, forged(s, c.keys["coalition"], v=2))),
    "another agreement": (
        Reason.OTHER_AGREEMENT,
        False,
        lambda c, s: c.author("coalition", agreement="0" * 64).write(CALL, NOW_NS)[:2],
    ),
    "a stranger": (
        Reason.UNKNOWN_SENDER,
        False,
        lambda c, s: (s.topic, forged(s, c.keys["coalition"], sender="stranger")),
    ),
    "unsigned": (Reason.UNSIGNED, False, lambda c, s: (s.topic, re.sub(rb'"signature":"[^"]*",', b"", s.payload))),
    "signed by another": (Reason.WRONG_SIGNATURE, False, lambda c, s: (s.topic, forged(s, c.keys["federation"]))),
    "changed": (Reason.WRONG_SIGNATURE, False, lambda c, s: (s.topic, s.payload.replace(b"radio", b"video"))),
    "written otherwise": (Reason.WRONG_SIGNATURE, False, lambda c, s: (s.topic, s.payload.replace(b",", b", "))),
    "no such kind": (Reason.MALFORMED, True, lambda c, s: (s.topic, forged(s, c.keys["coalition"], kind="poem"))),
    "a monitor's kind": (
        Reason.NOT_ALLOWED,
        True,
        lambda c, s: (s.topic, forged(s, c.keys["coalition"], kind="verdict")),
    ),
    "no such body": (Reason.MALFORMED, True, lambda c, s: (s.topic, forged(s, c.keys["coalition"], body={"id": 1}))),
    "a plan by a monitor": (
        Reason.NOT_ALLOWED,
        True,
        lambda c, s: c.author("monitor-mon-1").write(CALL, NOW_NS)[:2],
    ),
    "another's topic": (Reason.WRONG_TOPIC, False, lambda c, s: (s.topic.replace("coalition", "other"), s.payload)),
    "another kind's topic": (Reason.WRONG_TOPIC, False, lambda c, s: (s.topic.replace("call", "plan"), s.payload)),
    "early": (
        Reason.EARLY,
        True,
        lambda c, s: c.author("coalition").write(CALL, NOW_NS + EARLY_NS + 1)[:2],
    ),
}


@pytest.mark.parametrize("name", CHANGED)
def test_each_reason_is_told_and_counted(name: str, clients: Clients) -> None:
    reason, signed, change = CHANGED[name]
    intake, sealed = clients.intake(), clients.author("coalition").write(CALL, NOW_NS)
    topic, payload = change(clients, sealed)
    refusal = intake.take(topic, payload, NOW_NS)
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.signed, refusal.topic, refusal.at_ns) == (reason, signed, topic, NOW_NS), refusal
    assert not signed or refusal.sender in clients.keys
    assert dict(intake.refused) == {reason: 1}
    assert taken(intake.take(sealed.topic, sealed.payload, NOW_NS)) == CALL, "what was refused uses up no number"


def test_every_reason_is_in_a_test() -> None:
    later = {Reason.REPEATED, Reason.REPLAYED}
    assert {reason for reason, _, _ in CHANGED.values()} == set(Reason) - later


def test_a_document_of_this_very_instant_and_a_little_ahead_is_not_early(clients: Clients) -> None:
    intake, author = clients.intake(), clients.author("coalition")
    for at_ns in (NOW_NS, NOW_NS + EARLY_NS):
        assert taken(intake.take(*author.write(CALL, at_ns)[:2], NOW_NS)) == CALL


def test_a_number_that_says_two_things_is_replayed(clients: Clients) -> None:
    intake = clients.intake()
    first, second = (clients.author("coalition").write(Call(id=i, to="federation", text=""), NOW_NS) for i in "ab")
    taken(intake.take(*first[:2], NOW_NS))
    assert refused(intake.take(*second[:2], NOW_NS)) is Reason.REPLAYED
    assert refused(intake.take(*first[:2], NOW_NS)) is Reason.REPEATED


def test_senders_and_sessions_number_for_themselves(clients: Clients) -> None:
    intake = clients.intake()
    for client, session in (("coalition", 2), ("federation", 2), ("coalition", 3), ("coalition", 1)):
        taken(intake.take(*clients.author(client, session).write(Heartbeat(), NOW_NS)[:2], NOW_NS))


def test_who_connects_late_takes_what_was_retained_after_what_is_live_each_once(clients: Clients) -> None:
    author = clients.author("coalition")
    written = [author.write(plan(f"p{i}"), NOW_NS) for i in range(5)]
    live, intake = author.write(Heartbeat(), NOW_NS), clients.intake()
    for sealed in (live, *reversed(written)):
        taken(intake.take(*sealed[:2], NOW_NS))
    for sealed in written:
        assert refused(intake.take(*sealed[:2], NOW_NS)) is Reason.REPEATED


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch, clients: Clients) -> Intake:
    monkeypatch.setattr(intakes, "REMEMBERED", 10)
    intake: Intake = clients.intake()
    return intake


def test_below_what_was_forgotten_only_what_may_come_late_is_taken(clients: Clients, forgetful: Intake) -> None:
    author = clients.author("coalition")
    will, early, late = (author.write(b, NOW_NS) for b in (Gone(), plan("early"), plan("late")))
    call, never = author.write(CALL, NOW_NS), author.write(CALL, NOW_NS)
    for sealed in (early, call, *(author.write(Heartbeat(), NOW_NS) for _ in range(30))):
        taken(forgetful.take(*sealed[:2], NOW_NS))
    assert refused(forgetful.take(*call[:2], NOW_NS)) is Reason.REPLAYED, "seen, and forgotten"
    assert refused(forgetful.take(*never[:2], NOW_NS)) is Reason.REPLAYED, "not seen, and it cannot be said"
    assert refused(forgetful.take(*early[:2], NOW_NS)) is Reason.REPEATED, "its topic has it"
    for sealed in (will, late):
        taken(forgetful.take(*sealed[:2], NOW_NS))
        assert refused(forgetful.take(*sealed[:2], NOW_NS)) is Reason.REPEATED


def test_an_old_state_never_comes_back_under_its_topic(clients: Clients, forgetful: Intake) -> None:
    author = clients.author("monitor-mon-1")
    verdicts = [
        author.write(Verdict(clause="6.1", subject="a/b", verdict="pass", counts={"pass": i}), NOW_NS)
        for i in range(30)
    ]
    for sealed in verdicts[1:]:
        taken(forgetful.take(*sealed[:2], NOW_NS))
    for sealed in verdicts[:20]:
        assert refused(forgetful.take(*sealed[:2], NOW_NS)) is Reason.REPLAYED


def test_a_late_one_that_is_forgotten_brings_nothing_back(clients: Clients, forgetful: Intake) -> None:
    author = clients.author("coalition")
    late, call = author.write(PLAN, NOW_NS), author.write(CALL, NOW_NS)
    for sealed in (call, *(author.write(Heartbeat(), NOW_NS) for _ in range(30)), late):
        taken(forgetful.take(*sealed[:2], NOW_NS))
    for _ in range(30):
        taken(forgetful.take(*author.write(Heartbeat(), NOW_NS)[:2], NOW_NS))
        assert refused(forgetful.take(*call[:2], NOW_NS)) is Reason.REPLAYED


def test_of_more_topics_than_are_remembered_the_oldest_may_be_taken_again(clients: Clients, forgetful: Intake) -> None:
    """Memory has its bound, and what is taken again is a state that is known."""
    author = clients.author("coalition")
    plans = [author.write(plan(f"p{i}"), NOW_NS) for i in range(30)]
    for sealed in plans:
        taken(forgetful.take(*sealed[:2], NOW_NS))
    assert refused(forgetful.take(*plans[20][:2], NOW_NS)) is Reason.REPEATED
    assert taken(forgetful.take(*plans[0][:2], NOW_NS)) == plan("p0")


def test_what_is_told_can_be_printed(clients: Clients) -> None:
    sealed = clients.author("coalition").write(CALL, NOW_NS)
    payload = forged(sealed, clients.keys["coalition"], body={"\x1b[2J\u202e": 1} | json.loads(sealed.payload)["body"])
    refusal = clients.intake().take(sealed.topic, payload, NOW_NS)
    assert isinstance(refusal, Refusal)
    assert refusal.detail == r"\x1b[2J\u202e: Extra inputs are not permitted"


def test_a_will_is_signed_anew_for_each_connection(clients: Clients) -> None:
    """The second time it is sent it would be a repetition."""
    intake, author = clients.intake(), clients.author("coalition")
    for _ in range(2):
        will = author.write(Gone(), NOW_NS)
        taken(intake.take(*author.write(Heartbeat(), NOW_NS)[:2], NOW_NS))
        taken(intake.take(*will[:2], NOW_NS))
