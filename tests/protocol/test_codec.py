"""The fast codec and the Construct codec are one: same values, same bytes, same refusals, whatever they are given."""

import tomllib
from pathlib import Path
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import given, settings, strategies as st

from protocol import codec, wire
from protocol.errors import DecodeError, EncodeError, Reason
from protocol.fields import CallSign, ChannelSet, Choice, Flag, OrNone, Quantity, Reserved
from protocol.layout import BitGroup, carrier, items
from protocol.messages import Frame, FrameKey, Message, MessageType

VECTORS = tomllib.loads((Path(__file__).parent / "vectors.toml").read_text(encoding="utf-8"))["vector"]
VALID = [bytes.fromhex(" ".join(vector["hex"])) for vector in VECTORS]
MESSAGES: tuple[type[Message], ...] = get_args(Message)
CALL_SIGNS = st.from_regex(r"([A-Z0-9]([A-Z0-9 ]{0,6}[A-Z0-9])?)?", fullmatch=True)
FUZZED_FRAMES = 60_000

each_message = pytest.mark.parametrize("message", MESSAGES)


def leaves(struct: Any, *, reserved: bool = False) -> list[tuple[str, Any, int]]:
    """Name, kind and bits of every field that carries a value, those of bit groups among them, groups as one."""
    found: list[tuple[str, Any, int]] = []
    for item in items(struct):
        fields = item.fields if isinstance(item, BitGroup) else [item]
        found += [
            (f.name, f.kind, getattr(f, "bits", 0)) for f in fields if reserved or not isinstance(f.kind, Reserved)
        ]
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
    if isinstance(kind, OrNone):
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

NEVER: tuple[Any, ...] = (float("nan"), float("inf"), -1e30, 1e30, "small", b"\0", [], [1, 1], {}, object(), 1j)
"""No field carries any of these."""


def illegal(kind: Any, bits: int) -> list[Any]:
    """Values that a field does not carry, those just outside its range among them."""
    found: list[Any] = list(NEVER)
    if isinstance(kind, Quantity):
        found += [(kind.raw_low - 1) / kind.per_unit, (kind.raw_high + 1) / kind.per_unit]
        found.append(None if kind.unknown is None else kind.unknown / kind.per_unit)
    elif isinstance(kind, Choice):
        found += [None, -1, max(kind.enum) + 1]
    elif isinstance(kind, Flag):
        found += [None, 2]
    elif isinstance(kind, ChannelSet):
        found += [None, {1}, frozenset({16}), frozenset({-1}), frozenset({"1"}), frozenset({10**12})]
    elif isinstance(kind, CallSign):
        found += [None, " A", "A ", "NINECHARS", "É", "A-1", "A\n"]
    elif isinstance(kind, OrNone):
        found.append(tuple(range(1, 1 + len(kind.names))))
        good = kind.kind(*found[-1])
        for name, inner, _ in leaves(kind.struct):
            found += [good._replace(**{name: value}) for value in illegal(inner, 0)]
    else:
        found += [None, -1, 1 << (bits or 8 * carrier(kind).sizeof()), 0.5]
    return found


def assert_refused(frame: Frame) -> None:
    for encode in (codec.encode, wire.build):
        with pytest.raises(EncodeError):
            encode(frame)


def typical(message: type[Message]) -> Frame:
    return next(frame for frame in map(codec.decode, VALID) if type(frame.message) is message)


@each_message
def test_refuses_what_a_message_field_cannot_carry(message: type[Message]) -> None:
    frame = typical(message)
    for name, kind, bits in leaves(wire.PAYLOADS[message]):
        for value in illegal(kind, bits):
            assert_refused(frame._replace(message=frame.message._replace(**{name: value})))


@each_message
def test_refuses_what_a_header_field_cannot_carry(message: type[Message]) -> None:
    frame = typical(message)
    for name, kind, bits in leaves(wire.HEADER):
        if name in Frame._fields:
            for value in illegal(kind, bits):
                assert_refused(frame._replace(**{name: value}))
    for value in (*NEVER, None, -1, 1024 * 10**6, 0.5):
        assert_refused(frame._replace(time_us=value))
    for flags in (0x10, 0x80, 0xFF):
        assert_refused(frame._replace(flags=flags))
    for other in (*NEVER, None, FrameKey(1, 2, 3), tuple(frame.message)):
        assert_refused(frame._replace(message=other))


# ---------------------------------------------------------------- bytes that are no frame


@each_message
def test_no_prefix_of_a_frame_is_a_frame(message: type[Message]) -> None:
    whole = codec.encode(typical(message))
    for size in range(len(whole)):
        for data in (whole[:size], wire.with_crc(whole[:size])):
            if data != whole:
                for decode in (codec.decode, wire.parse):
                    with pytest.raises(DecodeError):
                        decode(data)


@pytest.mark.parametrize("other", [bytearray, memoryview])
def test_takes_bytes_and_no_other_buffer(other: Any) -> None:
    for decode in (codec.decode, wire.parse):
        with pytest.raises(TypeError):
            decode(other(VALID[0]))


def outcome(decode: Any, data: bytes) -> Any:
    """The frame, or the reason why there is none. Any other exception fails the test."""
    try:
        return typed(decode(data))
    except DecodeError as error:
        return error.reason


def field_at_fault(data: bytes) -> str:
    with pytest.raises(DecodeError) as caught:
        codec.decode(data)
    return str(caught.value).split(": ")[1]


def checked_fields(struct: Any) -> set[str]:
    """The fields of which some bits are no value, by name."""
    found: set[str] = set()
    for name, kind, bits in leaves(struct, reserved=True):
        if isinstance(kind, OrNone):
            found |= checked_fields(kind.struct)
        elif isinstance(kind, Quantity):
            legal = kind.raw_high - kind.raw_low + 1 + (kind.unknown is not None)
            found |= {name} if legal < 1 << (bits or 8 * kind.sizeof()) else set()
        elif isinstance(kind, Choice | CallSign | Reserved):
            found.add(name)
    return found


def mutated(random: Random, frame: bytes) -> bytes:
    """A frame with some bytes changed or missing; the checksum mostly mended, so that it does not hide the fields."""
    data = bytearray(frame)
    manner = random.random()
    if manner < 0.05:
        return random.randbytes(random.randrange(80))
    if manner < 0.10:
        return frame[: random.randrange(len(frame))]
    if manner < 0.15:  # of another type, of another length
        data[random.choice((1, 3))] = random.randrange(72)
        data[16:] = random.randbytes(random.choice((11, 13, 15, 16, 36, 37, random.randrange(50))) + 4)
        data[3] = len(data) if manner < 0.14 else data[3]
    for _ in range(random.choice((1, 1, 2, 4))):
        at = random.randrange(len(data) - 4) if manner < 0.4 else random.randrange(16, len(data) - 4)
        data[at] = random.choice(
            (0, 1, 0x7F, 0x80, 0xFE, 0xFF, data[at] ^ 1 << random.randrange(8), random.randrange(256))
        )
    return bytes(data) if manner > 0.97 else wire.with_crc(bytes(data[:-4]))


def test_both_codecs_accept_and_reject_the_same_bytes() -> None:
    random = Random(1)
    pool = VALID * 10  # the first stay as they are, accepted mutations take the places of the others
    reasons: set[Reason] = set()
    accepted: set[int] = set()
    rejected_fields: set[str] = set()
    can_reject = {name for struct in (wire.HEADER, *wire.PAYLOADS.values()) for name in checked_fields(struct)}
    for _ in range(FUZZED_FRAMES):
        data = mutated(random, random.choice(pool))
        fast = outcome(codec.decode, data)
        assert fast == outcome(wire.parse, data), data.hex()
        if isinstance(fast, Reason):
            reasons.add(fast)
            if fast is Reason.FIELD:
                rejected_fields.add(field_at_fault(data))
        else:
            frame = codec.decode(data)
            assert codec.encode(frame) == data  # one frame has one spelling
            accepted.add(frame.type)
            pool[random.randrange(len(VALID), len(pool))] = data
    assert reasons == set(Reason)
    assert accepted == set(MessageType)
    assert rejected_fields == can_reject
