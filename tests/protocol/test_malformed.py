"""What a monitor makes of bytes that are no frame: evidence where their CRC is right, and noise where it is not."""

from hypothesis import given, strategies as st

from protocol import codec, wire
from protocol.malformed import malformed
from protocol.messages import Frame, Ident
from protocol.reference import EXAMPLE

GOOD = codec.encode(EXAMPLE)
LOW_FLAGS = codec.encode(EXAMPLE._replace(flags=0x0F))


def test_a_frame_with_flags_that_may_be_ignored_is_well_formed() -> None:
    assert malformed("m#1", 5, GOOD) is None
    assert malformed("m#1", 5, LOW_FLAGS) is None


def test_it_is_told_whose_it_seems_to_be_and_what_is_wrong() -> None:
    body = bytearray(GOOD[: -wire.CRC_BYTES])
    body[wire.header_slice("flags")] = b"\x10"
    told = malformed("m#1", 5, wire.with_crc(bytes(body)))
    assert told is not None
    assert told[:4] == ("m#1", 5, EXAMPLE.source, len(GOOD))
    assert "0x10" in told.what
    assert not told.is_foreign


def test_of_another_version_the_address_is_read_all_the_same() -> None:
    told = malformed("m#1", 5, wire.with_crc(b"\x02" + GOOD[1 : -wire.CRC_BYTES]))
    assert told is not None
    assert told.is_foreign
    assert told.source == EXAMPLE.source


def test_what_may_have_been_damaged_on_its_way_is_nothing() -> None:
    assert malformed("m#1", 5, GOOD[:-1] + bytes([GOOD[-1] ^ 1])) is None
    assert malformed("m#1", 5, wire.with_crc(b"\x01" * 61)) is None, "longer than any frame"
    assert malformed("m#1", 5, b"") is None


@given(st.binary(max_size=70), st.booleans())
def test_nothing_raises(data: bytes, whole: bool) -> None:
    told = malformed("m#1", 5, wire.with_crc(data) if whole else data)
    assert told is None or told.what


def test_a_frame_is_never_both() -> None:
    frame = Frame(1, 0, 0, 1, 0, 3, 0, Ident("A", 1, 0))  # type: ignore[arg-type]
    assert malformed("m#1", 5, codec.encode(frame)) is None
