"""Golden vectors: frozen bytes, laid out by hand, that both codecs must read and write; and bytes that both reject."""

import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest

from protocol import codec, wire
from protocol.errors import DecodeError
from protocol.fields import Choice, OrNone, Quantity
from protocol.layout import BitGroup, OptionalGroup, items
from protocol.messages import TYPE_OF, Frame, Message, MessageType

VECTORS = tomllib.loads((Path(__file__).parent / "vectors.toml").read_text(encoding="utf-8"))
KINDS = {code: kind for kind, code in TYPE_OF.items()}
DECODERS = [codec.decode, wire.parse]
ENCODERS = [codec.encode, wire.build]


def value_of(kind: Any, value: Any) -> Any:
    """What the file says, as the message has it."""
    if value == "n/a":
        return None
    if isinstance(kind, Choice):
        return kind.enum[value]
    if isinstance(kind, OrNone):
        inner = {field.name: field.subcon for field in kind.struct.subcons}
        return kind.kind(**{name: value_of(inner[name], one) for name, one in value.items()})
    return frozenset(value) if isinstance(value, list) else value


def fields_of(message: type[Message]) -> dict[str, Any]:
    """The Construct kinds of a message's fields by name."""
    kinds: dict[str, Any] = {}
    for item in items(wire.PAYLOADS[message]):
        fields = item.fields if isinstance(item, BitGroup) else [item]
        kinds |= {field.name: field.kind for field in fields if field.name != "reserved"}
    return kinds


def frame_of(vector: dict[str, Any]) -> Frame:
    message = KINDS[MessageType[vector["type"]]]
    kinds = fields_of(message)
    assert vector["fields"].keys() == kinds.keys(), "a vector states every field"
    assert vector["header"].keys() == set(Frame._fields) - {"message"}
    values = {name: value_of(kinds[name], value) for name, value in vector["fields"].items()}
    return Frame(message=message(**values), **vector["header"])


def bytes_of(vector: dict[str, Any]) -> bytes:
    return bytes.fromhex(" ".join(vector["hex"]))


each_vector = pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in VECTORS["vector"]])
each_rejected = pytest.mark.parametrize(
    ("reason", "says", "data"),
    [pytest.param(reason, says, bytes.fromhex(text), id=name) for name, reason, says, text in VECTORS["rejected"]],
)
each_decoder = pytest.mark.parametrize("decode", DECODERS, ids=["fast", "construct"])
each_encoder = pytest.mark.parametrize("encode", ENCODERS, ids=["fast", "construct"])


@each_vector
@each_decoder
def test_decodes_to_the_values(vector: dict[str, Any], decode: Any) -> None:
    frame = decode(bytes_of(vector))
    assert frame == frame_of(vector)
    assert type(frame.message) is KINDS[MessageType[vector["type"]]]


@each_vector
@each_encoder
def test_encodes_to_the_bytes(vector: dict[str, Any], encode: Any) -> None:
    assert encode(frame_of(vector)).hex(" ") == bytes_of(vector).hex(" ")


@each_rejected
@each_decoder
def test_rejects_with_the_reason(reason: str, says: str, data: bytes, decode: Any) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(data)
    assert caught.value.reason == reason
    assert says in str(caught.value)


@pytest.mark.parametrize("message", get_args(Message))
def test_vectors_reach_both_ends_of_every_field(message: type[Message]) -> None:
    """Every quantity at its least, its greatest and not available; every group there and not there."""
    frames = [frame_of(v) for v in VECTORS["vector"] if KINDS[MessageType[v["type"]]] is message]
    for item in items(wire.PAYLOADS[message]):
        groups = [frame.message for frame in frames]
        if isinstance(item, OptionalGroup):
            groups = [getattr(m, item.name) for m in groups]
            assert None in groups, item.name
        for field in item.fields if isinstance(item, BitGroup | OptionalGroup) else [item]:
            kind = field.kind
            if isinstance(kind, Quantity):
                seen = {getattr(group, field.name) for group in groups if group is not None}
                ends = {kind.raw_low / kind.per_unit, kind.raw_high / kind.per_unit}
                assert seen >= ends | ({None} if kind.unknown is not None else set()), field.name
