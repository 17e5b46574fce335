"""Columns say of many frames what the codec says of each: the same accepted, bit for bit the same values."""

import tomllib
from collections.abc import Sequence
from math import nan
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from protocol import codec, wire
from protocol.columns import Columns, decode_columns
from protocol.errors import DecodeError, Reason
from protocol.fields import CallSign, ChannelSet, Choice, Flag, OrNone, Quantity
from protocol.layout import BitGroup, OptionalGroup, items
from protocol.messages import TYPE_OF, Frame, MessageType
from tests.protocol.test_codec import MESSAGES, VALID, checked_fields, field_at_fault, frames, leaves, mutated

REJECTED = tomllib.loads((Path(__file__).parent / "vectors.toml").read_text(encoding="utf-8"))["rejected"]
HEADER = {name for name in Frame._fields if name != "message"}
FUZZED_FRAMES = 20_000
KIND = {code: kind for kind, code in TYPE_OF.items()}


def decoded(data: bytes) -> Frame | Reason:
    try:
        return codec.decode(data)
    except DecodeError as error:
        return error.reason


# ---------------------------------------------------------------- what columns must say


def cell(kind: Any, value: Any) -> Any:
    """What a column says for a value that the codec gives, with the type that the column has."""
    if isinstance(kind, Quantity) and kind.unknown is not None:
        return nan if value is None else float(value)
    if isinstance(kind, ChannelSet):
        return sum(1 << channel for channel in value)
    return int(value) if isinstance(kind, Choice) else value


def row(frame: Frame) -> dict[str, Any]:
    """What the columns say of a frame, by name."""
    cells: dict[str, Any] = {name: getattr(frame, name) for name in HEADER}
    for name, kind, _ in leaves(wire.PAYLOADS[type(frame.message)]):
        assert name not in cells
        value = getattr(frame.message, name)
        if isinstance(kind, OrNone):
            cells[name] = value is not None
            for inner, inner_kind, _ in leaves(kind.struct):
                there = nan if value is None else float(cell(inner_kind, getattr(value, inner)))
                cells[f"{name}.{inner}"] = there
        else:
            cells[name] = cell(kind, value)
    return cells


def assert_same(given_frames: Sequence[bytes]) -> list[Frame | Reason]:
    """The columns of the frames are those of the codec. Returns what the codec says of each."""
    outcomes = [decoded(data) for data in given_frames]
    result = decode_columns(given_frames)
    assert result.accepted.dtype == np.bool_
    assert result.accepted.tolist() == [isinstance(outcome, Frame) for outcome in outcomes]
    of_type: dict[MessageType, list[int]] = {kind: [] for kind in MessageType}
    for place, outcome in enumerate(outcomes):
        if isinstance(outcome, Frame):
            of_type[outcome.type].append(place)
    rows = [row(outcome) if isinstance(outcome, Frame) else {} for outcome in outcomes]
    assert result.of_type.keys() == of_type.keys()
    for kind, places in of_type.items():
        columns = result.of_type[kind]
        assert columns.index.tolist() == places
        assert_typed(kind, columns)
        for name, column in columns.values.items():
            # as text, in which 1, 1.0 and True differ, as 0.0 and -0.0 do, and NaN is NaN
            assert repr(column.tolist()) == repr([rows[place][name] for place in places]), (kind, name)
    return outcomes


def type_of(kind: Any) -> str:
    if isinstance(kind, Quantity) and (kind.unknown is not None or kind.per_unit != 1):
        return "float64"
    if isinstance(kind, CallSign):
        return f"<U{kind.sizeof()}"
    return "bool" if isinstance(kind, Flag) else "int64"


def assert_typed(message: MessageType, columns: Columns) -> None:
    """All the columns that a message has and no others, each as long as the index and of its type, be it empty."""
    types = dict.fromkeys(HEADER, "int64")
    for name, kind, _ in leaves(wire.PAYLOADS[KIND[message]]):
        types[name] = type_of(kind)
        if isinstance(kind, OrNone):
            types[name] = "bool"
            types |= dict.fromkeys([f"{name}.{inner}" for inner in kind.names], "float64")
    assert {name: column.dtype for name, column in columns.values.items()} == types
    assert columns.index.dtype == np.int64
    assert {column.shape for column in columns.values.values()} == {columns.index.shape}


# ---------------------------------------------------------------- frames with one field changed


def spans(struct: Any, at: int) -> list[tuple[Any, int, int]]:
    """Kind, first bit and bits of every field of a struct that begins at bit `at`, those inside groups among them."""
    found: list[tuple[Any, int, int]] = []
    for item in items(struct):
        if isinstance(item, OptionalGroup):
            found += spans(item.kind.struct, at)
            at += 8 * item.kind.sizeof()
        elif isinstance(item, BitGroup):
            for field in item.fields:
                found.append((field.kind, at, field.bits))
                at += field.bits
        else:
            found.append((item.kind, at, 8 * item.kind.sizeof()))
            at += 8 * item.kind.sizeof()
    return found


SPANS = {
    int(TYPE_OF[message]): spans(wire.HEADER, 0) + spans(wire.PAYLOADS[message], 8 * wire.HEADER_BYTES)
    for message in MESSAGES
}


def edges(kind: Any, bits: int) -> list[int]:
    """What stands next to the limits of a field, inside and outside; as unsigned numbers of so many bits."""
    raws = {0, 1, -1, -2, 1 << bits - 1, (1 << bits - 1) - 1}
    if isinstance(kind, Quantity):
        raws |= {kind.raw_low - 1, kind.raw_low, kind.raw_high, kind.raw_high + 1}
    elif isinstance(kind, Choice):
        raws |= {max(kind.enum), max(kind.enum) + 1}
    elif isinstance(kind, CallSign):
        texts = (
            "",
            "A",
            "A  B",
            " A",
            "ABCDEFGH",
            "ABCDEFG\0",
            "A\0",
            "\0A",
            "\0",
            "a",
            "A-1",
            "É",
            "@",
            "[",
            "/",
            ":",
        )
        raws |= {int.from_bytes(text.encode("latin-1").ljust(kind.sizeof()), "big") for text in texts}
    return sorted({raw % (1 << bits) for raw in raws})


def changed(frame: bytes, at: int, bits: int, raw: int) -> bytes:
    """The frame with `raw` in the bits from bit `at` on, and its checksum mended."""
    shift = 8 * len(frame) - at - bits
    number = int.from_bytes(frame, "big") & ~(((1 << bits) - 1) << shift) | raw << shift
    return wire.with_crc(number.to_bytes(len(frame), "big")[: -wire.CRC_BYTES])


def flipped(frame: bytes, bit: int) -> bytes:
    """The frame with one bit changed, its checksum as it was."""
    return (int.from_bytes(frame, "big") ^ 1 << bit % (8 * len(frame))).to_bytes(len(frame), "big")


SENT = st.one_of([frames(message) for message in MESSAGES]).map(codec.encode)


@st.composite
def with_one_field_changed(draw: st.DrawFn) -> bytes:
    frame = draw(SENT)
    kind, at, bits = draw(st.sampled_from(SPANS[frame[1]]))
    raw = draw(st.sampled_from(edges(kind, bits)) | st.integers(0, (1 << bits) - 1))
    return changed(frame, at, bits, raw)


GARBAGE = st.binary(max_size=80) | st.binary(max_size=64).map(wire.with_crc)
ANYTHING = SENT | st.builds(flipped, SENT, st.integers(0, 8 * 64)) | with_one_field_changed() | GARBAGE


# ---------------------------------------------------------------- the tests


@settings(deadline=None)
@given(st.lists(ANYTHING, max_size=12))
def test_columns_are_what_the_codec_says_of_each_frame(given_frames: list[bytes]) -> None:
    assert_same(given_frames)


def test_golden_vectors() -> None:
    outcomes = assert_same(VALID + [bytes.fromhex(data) for _, _, _, data in REJECTED])
    assert all(isinstance(outcome, Frame) for outcome in outcomes[: len(VALID)])
    assert outcomes[len(VALID) :] == [reason for _, reason, _, _ in REJECTED]


def test_the_edges_of_every_field() -> None:
    near = [
        changed(frame, at, bits, raw)
        for frame in VALID
        for kind, at, bits in SPANS[frame[1]]
        for raw in edges(kind, bits)
    ]
    outcomes = assert_same(near)
    at_fault = {field_at_fault(data) for data, outcome in zip(near, outcomes, strict=True) if outcome is Reason.FIELD}
    assert at_fault == {name for struct in (wire.HEADER, *wire.PAYLOADS.values()) for name in checked_fields(struct)}


def test_random_mutations() -> None:
    random = Random(1)
    pool = VALID * 10  # the first stay as they are, accepted mutations take the places of the others
    fuzzed: list[bytes] = []
    while len(fuzzed) < FUZZED_FRAMES:
        batch = [mutated(random, random.choice(pool)) for _ in range(500)]
        for data, accepted in zip(batch, decode_columns(batch).accepted, strict=True):
            if accepted:
                pool[random.randrange(len(VALID), len(pool))] = data
        fuzzed += batch
    outcomes = assert_same(fuzzed)
    assert {outcome for outcome in outcomes if isinstance(outcome, Reason)} == set(Reason)
    assert {outcome.type for outcome in outcomes if isinstance(outcome, Frame)} == set(MessageType)


def test_nothing_and_nothing_but_noise() -> None:
    assert assert_same([]) == []
    assert_same([b"", b"noise"])


def test_an_example() -> None:
    frame = codec.decode(VALID[0])
    absent = frame._replace(message=frame.message._replace(receipt=None, latitude_deg=None))
    result = decode_columns([b"noise", VALID[0], codec.encode(absent)])
    assert result.accepted.tolist() == [False, True, True]
    columns = result.of_type[MessageType.POSITION]
    assert columns.index.tolist() == [1, 2]
    assert columns.values["source"].tolist() == [0xAE1001, 0xAE1001]
    assert columns.values["time_us"].tolist() == [517_250_000, 517_250_000]
    assert columns.values["latitude_deg"][0] == 35.1234567
    assert np.isnan(columns.values["latitude_deg"]).tolist() == [False, True]
    assert columns.values["receipt"].tolist() == [True, False]
    assert columns.values["receipt.sequence"][0] == 700
    assert np.isnan(columns.values["receipt.sequence"][1])
    assert result.of_type[MessageType.HAIL].index.size == 0


@pytest.mark.parametrize("other", [bytearray, memoryview])
def test_takes_bytes_and_no_other_buffer(other: Any) -> None:
    with pytest.raises(TypeError):
        decode_columns([VALID[0], other(VALID[0])])
