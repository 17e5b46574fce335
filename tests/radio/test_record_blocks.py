"""Blocks of a recording: told apart as they were made, up to the first that is broken."""

import io
import warnings
from random import Random

import pcapng
import pytest
from pcapng import blocks as library

from radio.record_blocks import Block, BlockReader, Envelope, NotARecording, application, read_section

HEADER = '{"agreement":"c0ffee","monitor":"m1","party":"Élan"}'
ENVELOPE = Envelope(HEADER)
BLOCKS = [
    ENVELOPE.section,
    ENVELOPE.interface,
    *(ENVELOPE.around(1_445_300_000_000_000_000 + size, bytes(range(size))) for size in range(1, 7)),
]


def told_apart(stream: io.BytesIO) -> tuple[list[Block], BlockReader]:
    reader = BlockReader(stream)
    blocks = [reader.first()]
    while block := reader.next():
        blocks.append(block)
    return blocks, reader


def test_blocks_are_told_apart_as_they_were_made() -> None:
    blocks, reader = told_apart(io.BytesIO(b"".join(BLOCKS)))
    assert [block.raw for block in blocks] == BLOCKS
    assert [block.offset for block in blocks] == [sum(map(len, BLOCKS[:i])) for i in range(len(BLOCKS))]
    assert (reader.offset, reader.broken) == (sum(map(len, BLOCKS)), None)
    assert read_section(blocks[0]) == (application(HEADER), HEADER)
    assert [ENVELOPE.inside(block) for block in blocks[2:]] == [bytes(range(size)) for size in range(1, 7)]


@pytest.mark.parametrize("seed", range(20))
def test_packets_are_made_as_the_library_makes_them(seed: int) -> None:
    random, buffer = Random(seed), io.BytesIO()
    section = library.SectionHeader(endianness=">", options={})
    writer = pcapng.FileWriter(buffer, section)
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        options = {"if_tsresol": b"\x09"}
        writer.write_block(section.new_member(library.InterfaceDescription, link_type=147, options=options))
    for _ in range(50):
        at_ns = random.choice([0, 1, 0xFFFFFFFF, 1 << 32, (1 << 64) - 1, random.randrange(1 << 64)])
        packet = random.randbytes(random.choice([1, 2, 3, 4, 69, 1 + random.randrange(200), 69 + 0xFFFF]))
        made = section.new_member(library.EnhancedPacket)
        made.timestamp_high, made.timestamp_low, made.packet_data = at_ns >> 32, at_ns & 0xFFFFFFFF, packet
        begin = buffer.tell()
        writer.write_block(made)
        assert ENVELOPE.around(at_ns, packet) == buffer.getvalue()[begin:]


def test_what_a_block_says_of_its_own_content_is_not_believed() -> None:
    longer = BLOCKS[7][:20] + b"\xff\xff\xff\xff" + BLOCKS[7][24:]
    assert ENVELOPE.inside(Block(0, longer)) is None
    assert read_section(Block(0, BLOCKS[0][:28] + b"\xff" * (len(BLOCKS[0]) - 28))) == (None, "")


@pytest.mark.parametrize("rest", [b"", b"x"])
def test_whether_the_file_goes_on_after_a_block(rest: bytes) -> None:
    reader = BlockReader(io.BytesIO(BLOCKS[0] + rest))
    reader.first()
    assert reader.goes_on() == bool(rest)


def test_a_stream_that_gives_one_byte_at_a_time_is_read_the_same() -> None:
    data = b"".join(BLOCKS)
    assert told_apart(OneByteAtATime(data))[0] == told_apart(io.BytesIO(data))[0]


class OneByteAtATime(io.BytesIO):
    """A pipe at its worst."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 1))


@pytest.mark.parametrize("length", [0, 8, 11, 14, 0x7FFFFFF0, 0xFFFFFFFC])
def test_an_impossible_length_stops_reading_and_claims_no_memory(length: int) -> None:
    place = sum(map(len, BLOCKS[:5]))
    wrong = BLOCKS[5][:4] + length.to_bytes(4, "big") + BLOCKS[5][8:]
    stream = CountingBytes(b"".join([*BLOCKS[:5], wrong, *BLOCKS[6:]]))
    blocks, reader = told_apart(stream)
    assert [block.raw for block in blocks] == BLOCKS[:5]
    assert reader.broken is not None
    assert (reader.broken.offset, reader.broken.number) == (place, None)
    assert f"impossible length of {length} bytes" in reader.broken.what
    assert stream.largest < 1 << 20


class CountingBytes(io.BytesIO):
    """Remembers the most that was asked for at once."""

    largest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0
        self.largest = max(self.largest, size)
        return super().read(size)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "empty"),
        (b"\x0a\x0d", "0a 0d"),
        (b"\xd4\xc3\xb2\xa1" + bytes(40), "d4 c3 b2 a1"),
        (b"\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a" + bytes(16), "little-endian"),
        (b"\x0a\x0d\x0d\x0a\x00\x00\x00\x1c" + bytes(20), "byte-order"),
        (b"\x0a\x0d\x0d\x0a\xff\xff\xff\xfc\x1a\x2b\x3c\x4d" + bytes(16), "length"),
    ],
)
def test_what_is_no_recording_is_told_apart(data: bytes, found: str) -> None:
    with pytest.raises(NotARecording, match=found):
        BlockReader(io.BytesIO(data)).first()
