"""The fast codec and the Construct codec are one: same values, same bytes, same refusals, whatever they are given."""

import re
import tomllib
from pathlib import Path
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import codec, wire
from protocol.errors import DecodeError, EncodeError, Reason
from protocol.fields import CallSign, ChannelSet, Choice, Flag, Quantity, Reserved
from protocol.layout import BitGroup, OptionalGroup, carrier, items
from protocol.messages import (
    Ack,
    Frame,
    FrameKey,
    Hail,
    Ident,
    Message,
    MessageType,
    PeerReport,
    Phrase,
    Position,
    Result,
    Watch,
)

VECTORS = tomllib.loads((Path(__file__).parent / "vectors.toml").read_text(encoding="utf-8"))["vector"]
VALID = [bytes.fromhex(" ".join(vector["hex"])) for vector in VECTORS]
MESSAGES: tuple[type[Message], ...] = get_args(Message)
CALL_SIGNS = st.from_regex(r"([A-Z0-9]([A-Z0-9 ]{0,6}[A-Z0-9])?)?", fullmatch=True)
FUZZED_FRAMES = 100_000

each_message = pytest.mark.parametrize("message", MESSAGES)


def leaves(struct: Any) -> list[tuple[str, Any, int]]:
    """Name, kind and bits of every field that carries a value, those of bit groups among them, groups as one."""
    found: list[tuple[str, Any, int]] = []
    for item in items(struct):
        fields = item.fields if isinstance(item, BitGroup) else [item]
        found += [(f.name, f.kind, getattr(f, "bits", 0)) for f in fields if not isinstance(f.kind, Reserved)]
    return found


def values(kind: Any, bits: int = 0) -> st.SearchStrategy[Any]:
    """Every value that a field can carry."""
    if isinstance(kind, Quantity):
        raws = st.integers(kind.raw_low, kind.raw_high)
        scaled = raws if kind.per_unit == 1 else raws.map(lambda raw: raw / kind.per_unit)
        return scaled if kind.unknown is None else st.none() | scaled
    if isinstance(kind, Choice):
        return st.sampled_from(kind.enum)
    if isinstance(kind, Flag):
        return st.booleans()
    if isinstance(kind, ChannelSet):
        return st.frozensets(st.integers(0, 15))
    if isinstance(kind, CallSign):
        return CALL_SIGNS
    if hasattr(kind, "none"):
        fields = {name: values(inner) for name, inner, _ in leaves(kind.struct)}
        return st.none() | st.builds(kind.kind, **fields)
    return st.integers(0, (1 << (bits or 8 * carrier(kind).sizeof())) - 1)


def frames(message: type[Message]) -> st.SearchStrategy[Frame]:
    header = {name: values(kind, bits) for name, kind, bits in leaves(wire.HEADER) if name in Frame._fields}
    payload = {name: values(kind, bits) for name, kind, bits in leaves(wire.PAYLOADS[message])}
    return st.builds(
        Frame,
        **header | {"flags": st.integers(0, 15), "time_us": st.integers(0, 1024 * 10**6 - 1)},
        message=st.builds(message, **payload),
    )


def typed(value: Any) -> Any:
    """A value with its type, all the way down: 1, 1.0 and True are equal, and must not be mixed up."""
    return (type(value), [typed(part) for part in value] if isinstance(value, tuple) else value)


@each_message
@settings(deadline=None)
@given(data=st.data())
def test_round_trip(message: type[Message], data: st.DataObject) -> None:
    frame = data.draw(frames(message))
    sent = codec.encode(frame)
    assert sent == wire.build(frame)
    assert len(sent) == wire.frame_bytes(message)
    assert typed(codec.decode(sent)) == typed(wire.parse(sent)) == typed(frame)


# ---------------------------------------------------------------- values that cannot travel

NEVER = [float("nan"), float("inf"), -1e30, 1e30, "small", b"\0", [], [1, 1], {}, object(), 1j, (1, 2, 3), -1j]
"""No field carries any of these."""


def assert_refused(frame: Frame) -> None:
    for encode in (codec.encode, wire.build):
        with pytest.raises(EncodeError):
            encode(frame)


def typical(message: type[Message]) -> Frame:
    return next(frame for frame in map(codec.decode, VALID) if type(frame.message) is message)


def illegal(kind: Any, bits: int) -> list[Any]:
    """Values that this field in particular does not carry."""
    if isinstance(kind, Quantity):
        outside = [(kind.raw_low - 1) / kind.per_unit, (kind.raw_high + 1) / kind.per_unit]
        return outside + ([None] if kind.unknown is None else [kind.unknown / kind.per_unit])
    if isinstance(kind, Choice):
        return [None, -1, max(kind.enum) + 1]
    if isinstance(kind, ChannelSet):
        return [None, {1}, frozenset({16}), frozenset({-1}), frozenset({"1"}), frozenset({10**12})]
    if isinstance(kind, CallSign):
        return [None, " A", "A ", "NINECHARS", "É", "A-1", "A\n", b"EAGLE"]
    if hasattr(kind, "none"):
        return [PeerReport(1, 2, 3, 4), FrameKey(1, 2, 3)][isinstance(kind.kind(*range(9)[: len(kind.names)]), PeerReport) :][:1]
    return [None, -1, 1 << (bits or 8 * carrier(kind).sizeof()), 0.5] if not isinstance(kind, Flag) else [None, 2]
