"""Frames as plain data and as text."""

import json
import tomllib
from pathlib import Path

import pytest

from protocol import codec
from protocol.describe import as_dict, as_text, key_text
from protocol.messages import (
    Ack,
    Emitter,
    Frame,
    FrameKey,
    Hail,
    Ident,
    Intent,
    IntentKind,
    Message,
    MessageType,
    PeerReport,
    Phrase,
    Position,
    Result,
    TrajectoryPoint,
    Watch,
)

VECTORS = tomllib.loads((Path(__file__).parent / "vectors.toml").read_text(encoding="utf-8"))["vector"]
each_vector = pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in VECTORS])


def frame(message: Message) -> Frame:
    return Frame(0xAE1001, 1, 17, 2, 0, 3, 517_250_000, message)


def message_dict(message: Message) -> object:
    return as_dict(frame(message))["message"]


def test_the_header_by_name() -> None:
    fields = as_dict(frame(Position()))
    del fields["message"]
    assert fields == {
        "type": "POSITION",
        "source": "ae1001",
        "session": 1,
        "sequence": 17,
        "channel": 2,
        "intent": 0,
        "time_quality": 3,
        "time_us": 517_250_000,
        "flags": 0,
    }


def test_a_position() -> None:
    fields = as_dict(frame(Position(latitude_deg=35.5, receipt=FrameKey(0x43C001, 3, 700))))["message"]
    assert fields.keys() == set(Position._fields)
    assert (fields["latitude_deg"], fields["longitude_deg"]) == (35.5, None)
    assert (fields["airborne"], fields["emergency"], fields["receipt"]) == (True, "NONE", "43c001:3:700")


def test_the_other_messages() -> None:
    assert message_dict(Intent(3, IntentKind.AVOID, 60, first=TrajectoryPoint(35.0, 36.0, None, 30))) == {
        "serial": 3,
        "kind": "AVOID",
        "validity_s": 60,
        "selected_altitude_ft": None,
        "track_deg": None,
        "speed_mps": None,
        "first": {"latitude_deg": 35.0, "longitude_deg": 36.0, "altitude_ft": None, "time_over_s": 30},
        "second": None,
    }
    assert message_dict(Ident("EAGLE 1", Emitter.FIXED_WING, 0x0F0C91E2, frozenset({9, 0, 2}))) == {
        "call_sign": "EAGLE 1",
        "emitter": "FIXED_WING",
        "agreement": "0f0c91e2",
        "guarded": [0, 2, 9],
        "sign_off": False,
    }
    assert message_dict(Hail(0xAE, Phrase.CONTACT, 12, 30, 1, 0xAE1002)) == {
        "addressee": "0000ae",
        "phrase": "CONTACT",
        "call_id": 12,
        "reply_by_s": 30,
        "reply_channel": 1,
        "subject": "ae1002",
    }
    assert message_dict(Ack(0xAE1002, 3, 701, MessageType.HAIL, Result.UNABLE)) == {
        "addressee": "ae1002",
        "answers_session": 3,
        "answers_sequence": 701,
        "answers_type": "HAIL",
        "result": "UNABLE",
        "reason": "NONE",
        "read_back": None,
    }
    assert message_dict(Watch(frozenset(), 12, 3, 4, PeerReport(0xAE1002, 2, 900, 11))) == {
        "guarded": [],
        "stations_heard": 12,
        "hails": 3,
        "acks": 4,
        "report": {"peer": "ae1002", "session": 2, "last_sequence": 900, "earlier": "0000000b"},
    }


@each_vector
def test_json_can_carry_every_frame(vector: dict[str, list[str]]) -> None:
    fields = as_dict(codec.decode(bytes.fromhex(" ".join(vector["hex"]))))
    assert json.loads(json.dumps(fields, allow_nan=False)) == fields


def test_the_name_of_a_frame() -> None:
    assert key_text(FrameKey(0xAE1001, 1, 17)) == "ae1001:1:17"


def test_text_for_people() -> None:
    text = as_text(frame(Watch(frozenset({0, 9}), 12, 3, 4, PeerReport(0xAE1002, 2, 900, 11))))
    assert text == (
        "WATCH ae1001:1:17\n"
        "  channel         2\n"
        "  intent          none in force\n"
        "  time            517.250000 s, within 1 ms\n"
        "  flags           0x00\n"
        "  guarded         0 9\n"
        "  stations_heard  12\n"
        "  hails           3\n"
        "  acks            4\n"
        "  report          peer ae1002, session 2, last_sequence 900, earlier 0000000b"
    )


@each_vector
def test_text_has_a_line_for_every_field(vector: dict[str, list[str]]) -> None:
    shown = codec.decode(bytes.fromhex(" ".join(vector["hex"])))
    names = [line.split()[0] for line in as_text(shown).splitlines()[1:]]
    assert names == ["channel", "intent", "time", "flags", *shown.message._fields]
    assert "None" not in as_text(shown)


def test_text_says_what_is_not_available_and_what_is_not_bounded() -> None:
    text = as_text(frame(Position())._replace(time_quality=0, intent=5))
    assert "heading_deg         not available\n" in text
    assert "intent              5\n" in text
    assert "no bound claimed" in text
    assert "airborne            yes\n" in text
