"""10,000 malformed documents: each is counted and dropped, nothing is raised, nothing grows."""

import base64
import gc
import json
import tracemalloc
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from protocol.line.envelope import Reason, Sealed
from protocol.line.intake import Intake, Refusal
from protocol.line.reference import EXAMPLES
from tests.protocol.line.clients import Clients

MANY = 10_000
NOW_NS = 1_000_000_000_000
HOSTILE_JSON: tuple[bytes, ...] = (
    b"",
    b"null",
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b'{"v":NaN}',
    b'{"v":-Infinity}',
    b'{"v":1e999}',
    b'{"v":' + b"9" * 5000 + b"}",
    b'{"v":-' + b"9" * 29 + b"}",
    b'{"v":1,"v":1}',
    b'{"\\ud800":1}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"v":' + b"[" * 900 + b"]" * 900 + b"}",
)
WRONG_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    0.5,
    1e308,
    10**25,
    "",
    "a" * 5000,
    "\ud800",
    "\x00",
    [],
    [[]],
    {},
    {"": {}},
)
NEVER_RIGHT: tuple[Any, ...] = (10**25, "a" * 5000, "\ud800", "\x00", [[]], {"": {}}, [0] * 2000)
"""Of no field."""
KEYS = Clients().keys


def flipped(draw: Random, sealed: Sealed) -> tuple[str, bytes]:
    at = draw.randrange(len(sealed.payload))
    changed = sealed.payload[at] ^ 1 << draw.randrange(8)
    return sealed.topic, sealed.payload[:at] + bytes([changed]) + sealed.payload[at + 1 :]


def cut(draw: Random, sealed: Sealed) -> tuple[str, bytes]:
    return sealed.topic, sealed.payload[: draw.randrange(len(sealed.payload))]


def hostile(draw: Random, sealed: Sealed) -> tuple[str, bytes]:
    return sealed.topic, draw.choice(HOSTILE_JSON)


def wrong_value(draw: Random, sealed: Sealed) -> tuple[str, bytes]:
    members = json.loads(sealed.payload)
    inside = members["body"] if members["body"] and draw.random() < 0.5 else members
    name = draw.choice(list(inside))
    inside[name] = draw.choice([value for value in WRONG_VALUES if value != inside[name]])
    return sealed.topic, json.dumps(members, sort_keys=True, separators=(",", ":")).encode()


def without(draw: Random, sealed: Sealed) -> tuple[str, bytes]:
    members = json.loads(sealed.payload)
    del members[draw.choice(list(members))]
    return sealed.topic, json.dumps(members).encode()


def noise(draw: Random, sealed: Sealed) -> tuple[str, bytes]:
    return draw.choice((sealed.topic, "", "#", "\x00" * 100)), draw.randbytes(draw.randrange(300))


def elsewhere(draw: Random, sealed: Sealed) -> tuple[str, bytes]:
    """A good text, retained under a topic that is not its own."""
    parts = sealed.topic.split("/")
    parts[draw.randrange(len(parts))] += draw.choice(("x", "/x", "+", ""))
    return "/".join(parts) + draw.choice(("/", "/more")), sealed.payload


def signed(draw: Random, sealed: Sealed) -> tuple[str, bytes]:
    """Whose sender signed it, and whose body is none all the same."""
    members = json.loads(sealed.payload)
    del members["signature"]
    members["body"][draw.choice([*members["body"], "more"])] = draw.choice(NEVER_RIGHT)
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    signature = base64.b64encode(KEYS[members["sender"]].sign(text.encode())).decode()
    return sealed.topic, text.replace('"v":1}', f'"signature":"{signature}","v":1}}').encode()


WAYS: tuple[Callable[[Random, Sealed], tuple[str, bytes]], ...] = (
    flipped,
    cut,
    hostile,
    wrong_value,
    without,
    noise,
    elsewhere,
    signed,
)


def malformed(clients: Clients, many: int) -> Iterator[tuple[str, bytes]]:
    draw = Random(7)
    authors = [clients.author("coalition"), clients.author("monitor-mon-1")]
    good = [authors[not body.by_headquarters].write(body, NOW_NS) for body in EXAMPLES]
    for i in range(many):
        yield WAYS[i % len(WAYS)](draw, draw.choice(good))


def test_malformed_documents_are_counted_and_dropped_and_nothing_grows(clients: Clients) -> None:
    intake: Intake = clients.intake()
    for topic, payload in malformed(clients, 1000):
        intake.take(topic, payload, NOW_NS)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number, (topic, payload) in enumerate(malformed(clients, MANY)):
        outcome = intake.take(topic, payload, NOW_NS)
        assert isinstance(outcome, Refusal), (number, payload)
        assert outcome.detail.isascii()
        assert len(outcome.detail) <= 300
    del outcome, topic, payload
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert intake.refused.total() == MANY + 1000
    assert intake.taken.total() == 0
    assert grown < 10 * MANY, "not even ten bytes for each; pydantic keeps some short texts"
    told = set(intake.refused)
    assert told >= {Reason.NOT_JSON, Reason.MALFORMED, Reason.OTHER_VERSION, Reason.OTHER_AGREEMENT, Reason.WRONG_TOPIC}
    assert told >= {Reason.UNKNOWN_SENDER, Reason.UNSIGNED, Reason.WRONG_SIGNATURE}
