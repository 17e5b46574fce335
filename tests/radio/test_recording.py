"""Recordings: what is written is read back, and nothing damaged or edited is taken for true."""

import io
import random
import struct
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pcapng import FileScanner

from radio import record_layout
from radio.record_layout import Closing, encode, link
from radio.recording import (
    Damage,
    HearingGap,
    HostTrouble,
    NotARecording,
    Reader,
    Reception,
    Record,
    Recording,
    Writer,
    read,
)

HEADER = '{"agreement":"c0ffee","monitor":"m1","party":"Élan"}'
START_NS = 1_445_300_000_000_000_000
END_NS = START_NS + 60_000_000_000


def reception_fields(i: int) -> dict[str, Any]:
    return {
        "arrival_ns": START_NS + i * 1_000_003,
        "channel": i % 3,
        "latitude_e7": 351_234_567 + i,
        "longitude_e7": -1_799_999_999,
        "height_cm": -250 + i,
        "power_tenths_dbm": -987 + i,
        "clock_bound_ns": 1_500,
        "tuned": (0, 5, 63),
        "frame": bytes(range(i, 2 * i + 3)),
    }


def written(count: int = 6, *, header: str = HEADER, close: bool = True) -> tuple[bytes, tuple[Record, ...]]:
    """A recording of so many records, the fourth a hearing gap; its bytes and what the writer returned."""
    stream = io.BytesIO()
    writer = Writer(stream, header)
    records: list[Record] = []
    for i in range(count):
        at_ns = START_NS + i * 1_000_003
        records.append(writer.hearing_gap(at_ns, at_ns + 500) if i == 3 else writer.reception(**reception_fields(i)))
    if close:
        writer.close(END_NS)
    return stream.getvalue(), tuple(records)


def blocks_of(data: bytes) -> list[bytes]:
    """The file's blocks: section header, interface, then one for each record."""
    found = []
    while data:
        (length,) = struct.unpack_from(">I", data, 4)
        found.append(data[:length])
        data = data[length:]
    return found


def offset_of(blocks: list[bytes], index: int) -> int:
    return sum(map(len, blocks[:index]))


def packet_of(block: bytes) -> bytes:
    (length,) = struct.unpack_from(">I", block, 20)
    return block[28 : 28 + length]


def parsed(data: bytes) -> Recording:
    return read(io.BytesIO(data))


def is_subsequence(part: tuple[Record, ...], whole: tuple[Record, ...]) -> bool:
    rest = iter(whole)
    return all(record in rest for record in part)


def assert_found(data: bytes, originals: tuple[Record, ...]) -> Recording | None:
    """Damaged bytes are noticed, and what is admitted was written."""
    try:
        recording = parsed(data)
    except NotARecording:
        return None
    assert recording.damage
    assert all(0 <= found.offset <= len(data) and found.what.endswith(".") for found in recording.damage)
    assert is_subsequence(recording.records, originals)
    assert recording.header in (HEADER, None)
    assert recording.header is not None or recording.records == ()
    return recording


# What is written is read back


def test_a_reader_gets_what_the_writer_returned() -> None:
    data, records = written()
    assert parsed(data) == Recording(header=HEADER, records=records, damage=(), closed=True, end_ns=END_NS)
    assert records[0] == Reception(number=0, **reception_fields(0))
    assert records[3] == HearingGap(3, START_NS + 3_000_009, START_NS + 3_000_509)


@pytest.mark.parametrize("header", ["", "{}", "é" * 40_000, "\N{AIRPLANE}" * 70_000])
def test_a_header_of_any_length_is_read_back(header: str) -> None:
    data, records = written(2, header=header)
    assert parsed(data) == Recording(header=header, records=records, damage=(), closed=True, end_ns=END_NS)


def test_an_empty_recording_is_whole() -> None:
    data, _ = written(0)
    assert parsed(data) == Recording(header=HEADER, records=(), damage=(), closed=True, end_ns=END_NS)


def test_equal_input_gives_equal_bytes() -> None:
    assert written() == written()


def test_any_pcapng_reader_finds_the_records() -> None:
    data, records = written()
    section, interface, *packets = scanned(data)
    assert section.options["opt_comment"] == HEADER
    assert section.options["shb_userappl"].startswith("airaccord recording 1 sha256=")
    assert interface.link_type == 147
    assert interface.timestamp_resolution == 1e-9
    assert len(packets) == len(records) + 1
    assert (packets[0].timestamp_high << 32) + packets[0].timestamp_low == START_NS
    assert packets[0].packet_data == encode(records[0], link(HEADER.encode()))


def scanned(data: bytes) -> list[Any]:
    """The library's blocks; its scanner warns of its own if_tsresol."""
    with pytest.warns(DeprecationWarning, match="Field type"):
        return list(FileScanner(io.BytesIO(data)))


# The writer refuses what cannot be recorded


@pytest.mark.parametrize(
    "change",
    [
        {"arrival_ns": -1},
        {"arrival_ns": 2**64},
        {"channel": 256},
        {"latitude_e7": 900_000_001},
        {"longitude_e7": -1_800_000_001},
        {"power_tenths_dbm": 40_000},
        {"power_tenths_dbm": -98.7},
        {"clock_bound_ns": -1},
        {"tuned": (64,)},
        {"tuned": (-1,)},
        {"frame": bytes(65_536)},
    ],
)
def test_a_value_out_of_range_is_refused_and_leaves_no_trace(change: dict[str, Any]) -> None:
    stream = io.BytesIO()
    writer = Writer(stream, HEADER)
    before = stream.getvalue()
    with pytest.raises(ValueError, match=r"."):
        writer.reception(**(reception_fields(0) | change))
    assert stream.getvalue() == before
    assert writer.reception(**reception_fields(0)).number == 0


def test_the_writer_refuses_time_that_runs_back() -> None:
    writer = Writer(io.BytesIO(), HEADER)
    writer.reception(**reception_fields(1))
    with pytest.raises(ValueError, match="earlier"):
        writer.reception(**reception_fields(0))
    with pytest.raises(ValueError, match="earlier"):
        writer.close(START_NS)
    with pytest.raises(ValueError, match="ends before it begins"):
        writer.hearing_gap(END_NS, END_NS - 1)


def test_nothing_is_written_after_the_closing_record() -> None:
    writer = Writer(io.BytesIO(), HEADER)
    writer.close(END_NS)
    with pytest.raises(ValueError, match="closed"):
        writer.hearing_gap(END_NS, END_NS)


def test_a_header_too_long_to_be_read_is_not_written() -> None:
    stream = io.BytesIO()
    with pytest.raises(ValueError, match="header"):
        Writer(stream, "x" * (1 << 20))
    assert stream.getvalue() == b""


def test_host_trouble_is_read_back_in_its_place() -> None:
    """It may have begun before the record in front of it: what orders it is when it was written."""
    stream = io.BytesIO()
    writer = Writer(stream, HEADER)
    first = writer.reception(**reception_fields(5))
    open_ = writer.host_trouble(at_ns=first.arrival_ns, address=0xAE1001, from_ns=START_NS, until_ns=None)
    with pytest.raises(ValueError, match="earlier"):
        writer.host_trouble(at_ns=START_NS, address=0, from_ns=START_NS, until_ns=None)
    with pytest.raises(ValueError, match="24 bits"):
        writer.host_trouble(at_ns=END_NS, address=1 << 24, from_ns=START_NS, until_ns=None)
    over = writer.host_trouble(at_ns=END_NS, address=0xAE1001, from_ns=START_NS, until_ns=END_NS - 1)
    writer.close(END_NS)
    assert open_ == HostTrouble(1, first.arrival_ns, 0xAE1001, START_NS, None)
    assert over == HostTrouble(2, END_NS, 0xAE1001, START_NS, END_NS - 1)
    told = parsed(stream.getvalue())
    assert (told.records, told.damage, told.closed) == ((first, open_, over), (), True)


def test_only_64_channels_can_be_told_to_be_tuned() -> None:
    with pytest.raises(ValueError, match="tuned to channel 64"):
        Writer(io.BytesIO(), HEADER).reception(**(reception_fields(0) | {"tuned": [63, 64]}))


def test_tuning_may_be_given_in_any_order() -> None:
    writer = Writer(io.BytesIO(), HEADER)
    assert writer.reception(**(reception_fields(0) | {"tuned": [63, 0, 5, 5]})).tuned == (0, 5, 63)


# Cut, flipped, edited


def test_killed_before_the_end_all_but_the_last_record_is_there() -> None:
    data, records = written(6, close=False)
    recording = parsed(data)
    assert recording.records == records[:-1]
    assert (recording.closed, recording.end_ns) == (False, None)
    (found,) = recording.damage
    assert found.number == 5
    assert found.offset == offset_of(blocks_of(data), 7)
    assert "no closing record" in found.what


def test_each_record_is_in_the_stream_as_soon_as_it_is_written() -> None:
    raw = Flushed()
    writer = Writer(io.BufferedWriter(raw, 1 << 16), HEADER)
    writer.reception(**reception_fields(0))
    writer.reception(**reception_fields(1))
    assert len(parsed(raw.getvalue()).records) == 1


class Flushed(io.BytesIO):
    """Under a BufferedWriter: holds only what has been flushed to it."""


def test_a_file_cut_anywhere_loses_no_more_than_its_end() -> None:
    data, records = written()
    blocks = blocks_of(data)
    for cut in range(len(data)):
        recording = assert_found(data[:cut], records)
        assert (recording is None) == (cut < len(blocks[0]))
        if recording is not None:
            whole = sum(offset_of(blocks, i + 1) <= cut for i in range(2, len(blocks)))
            assert recording.records == records[: max(0, whole - 1)]
            assert not recording.closed


@pytest.mark.parametrize("flip", [0xFF, 0x01, 0x80])
def test_every_flipped_byte_is_found(flip: int) -> None:
    data, records = written()
    for i in range(len(data)):
        damaged = bytearray(data)
        damaged[i] ^= flip
        assert_found(bytes(damaged), records)


def test_a_flipped_bit_in_a_frame_costs_that_record_only() -> None:
    data, records = written()
    blocks = blocks_of(data)
    place = data.index(encode(records[2], link(packet_of(blocks[3]))))
    damaged = bytearray(data)
    damaged[place + 69] ^= 0x10
    recording = parsed(bytes(damaged))
    assert recording.records == records[:2] + records[3:]
    (found,) = recording.damage
    assert (found.offset, found.number) == (offset_of(blocks, 4), 2)
    assert "CRC" in found.what
    assert recording.closed


def test_a_flipped_time_outside_the_record_is_noted_and_the_record_kept() -> None:
    data, records = written()
    damaged = bytearray(data)
    damaged[offset_of(blocks_of(data), 4) + 16] ^= 1
    recording = parsed(bytes(damaged))
    assert recording.records == records
    assert [found.number for found in recording.damage] == [2]


@pytest.mark.parametrize("removed", range(7))
def test_a_removed_record_is_named(removed: int) -> None:
    data, records = written()
    blocks = blocks_of(data)
    recording = assert_found(b"".join(blocks[: 2 + removed] + blocks[3 + removed :]), records)
    assert recording is not None
    assert recording.records == tuple(r for r in records if r.number not in (removed, removed - 1))
    named = [found.what for found in recording.damage]
    if removed == 6:
        assert any("no closing record" in what for what in named)
    else:
        assert "The closing record counts 6 records, but 5 stand before it." in named
    if removed < 5:
        assert f"Record {removed + 1} stands where record {removed} belongs." in named


def test_swapped_records_are_named_and_left_out() -> None:
    data, records = written()
    blocks = blocks_of(data)
    blocks[4], blocks[5] = blocks[5], blocks[4]
    recording = assert_found(b"".join(blocks), records)
    assert recording is not None
    assert recording.records == (records[0], records[4], records[5])
    assert {found.number for found in recording.damage} == {1, 2, 3, 4}


def test_an_edited_record_with_its_crc_mended_is_not_admitted() -> None:
    data, records = written()
    old = packet_of(blocks_of(data)[4])
    assert isinstance(records[2], Reception)
    edited = records[2]._replace(frame=b"\xff" + records[2].frame[1:])
    new = encode(edited, old[49:65])
    assert len(new) == len(old)
    recording = assert_found(data.replace(old, new), records)
    assert recording is not None
    assert recording.records == records[:2] + records[3:]
    assert [(found.number, found.offset) for found in recording.damage] == [(2, offset_of(blocks_of(data), 4))]


def test_another_header_with_its_hash_mended_is_noted() -> None:
    data, records = written()
    foreign, _ = written(header=HEADER.replace("m1", "m2"))
    recording = parsed(blocks_of(foreign)[0] + data[len(blocks_of(data)[0]) :])
    assert recording.records == records
    assert [found.what for found in recording.damage] == ["The first record does not follow this header."]


def test_a_header_that_does_not_match_its_hash_admits_nothing() -> None:
    data, _ = written()
    recording = parsed(data.replace(b'"m1"', b'"m2"'))
    assert (recording.header, recording.records, recording.closed) == (None, (), False)
    assert [found.offset for found in recording.damage] == [0]


@pytest.mark.parametrize("tail", [b"\x00", b"more", bytes(32)])
def test_bytes_after_the_closing_record_are_damage(tail: bytes) -> None:
    data, records = written()
    recording = parsed(data + tail)
    assert recording.records == records
    assert recording.closed
    assert [found.offset for found in recording.damage] == [len(data)]


def test_a_foreign_block_is_noted_and_skipped() -> None:
    data, records = written()
    blocks = blocks_of(data)
    blocks.insert(4, struct.pack(">IIII", 0x0BAD, 16, 0, 16))
    recording = parsed(b"".join(blocks))
    assert recording.records == records
    (found,) = recording.damage
    assert "0x00000bad" in found.what


@pytest.mark.parametrize(("block", "admitted"), [(1, 0), (5, 2)])
def test_reading_stops_where_a_blocks_two_lengths_differ(block: int, admitted: int) -> None:
    data, records = written()
    end = offset_of(blocks_of(data), block + 1)
    recording = parsed(data[: end - 1] + bytes([data[end - 1] ^ 4]) + data[end:])
    assert recording.records == records[:admitted]
    assert "A block's two lengths differ." in [found.what for found in recording.damage]
    assert not recording.closed


# A writer that chains what no honest monitor writes


def chained(*entries: record_layout.Entry) -> bytes:
    """A file with these entries, rightly chained, without the writer's checks of order."""
    stream = io.BytesIO()
    writer = Writer(stream, HEADER)
    previous = link(HEADER.encode())
    for entry in entries:
        packet = encode(entry, previous)
        stream.write(writer._envelope.around(record_layout.time_ns(entry), packet))
        previous = link(packet)
    return stream.getvalue()


def test_a_record_earlier_than_the_one_before_is_left_out() -> None:
    gaps = [HearingGap(0, 50, 60), HearingGap(1, 40, 60), HearingGap(2, 50, 60)]
    recording = parsed(chained(*gaps, Closing(3, 60)))
    assert recording.records == (gaps[0], gaps[2])
    assert ["earlier" in found.what for found in recording.damage] == [True]


def test_a_number_that_comes_twice_is_admitted_once() -> None:
    recording = parsed(chained(HearingGap(0, 1, 2), HearingGap(0, 3, 4), HearingGap(1, 5, 6), Closing(3, 9)))
    assert recording.records == (HearingGap(0, 1, 2), HearingGap(1, 5, 6))
    assert "Record 0 stands where record 1 belongs." in [found.what for found in recording.damage]


def test_a_wrong_count_in_the_closing_record_is_damage() -> None:
    recording = parsed(chained(HearingGap(0, 1, 2), Closing(7, 9)))
    assert recording.records == (HearingGap(0, 1, 2),)
    assert [found.what for found in recording.damage] == ["The closing record counts 7 records, but 1 stand before it."]


def test_an_end_before_the_last_record_closes_nothing() -> None:
    recording = parsed(chained(HearingGap(0, 5, 6), Closing(1, 4)))
    assert recording.records == (HearingGap(0, 5, 6),)
    assert (recording.closed, recording.end_ns) == (False, None)


# Anything else


def test_a_section_that_names_no_application_is_no_recording() -> None:
    section = b"\x0a\x0d\x0d\x0a\x00\x00\x00\x1c\x1a\x2b\x3c\x4d\x00\x01\x00\x00" + b"\xff" * 8 + b"\x00\x00\x00\x1c"
    with pytest.raises(NotARecording, match="application None"):
        parsed(section)


def test_another_link_type_or_version_is_no_recording() -> None:
    data, _ = written()
    section, interface, *_ = blocks_of(data)
    with pytest.raises(NotARecording, match="link type 1,"):
        parsed(section + interface[:8] + b"\x00\x01" + interface[10:])
    with pytest.raises(NotARecording, match="airaccord recording 2"):
        parsed(data.replace(b"recording 1 ", b"recording 2 "))


@given(st.binary(max_size=300))
def test_random_bytes_after_a_header_give_no_record(tail: bytes) -> None:
    start, _ = written(0, close=False)
    recording = parsed(start + tail)
    assert recording.header == HEADER
    assert recording.records == ()
    assert recording.damage


@given(st.lists(st.tuples(st.sampled_from([0, 1, 5, 6, 6, 6, 0x0A0D0D0A]), st.binary(max_size=120)), max_size=4))
def test_random_blocks_after_some_records_add_none(tail: list[tuple[int, bytes]]) -> None:
    start, records = written(close=False)
    for kind, body in tail:
        padded = body + bytes(-len(body) % 4)
        size = len(padded) + 12
        start += struct.pack(">II", kind, size) + padded + struct.pack(">I", size)
    recording = parsed(start)
    assert recording.records == records[:-1]
    assert recording.damage


def test_random_option_bytes_in_the_section_header_raise_nothing_else() -> None:
    data, records = written(2)
    length = len(blocks_of(data)[0])
    generator = random.Random(1)
    for _ in range(2000):
        damaged = bytearray(data)
        for _ in range(generator.randint(2, 6)):
            damaged[generator.randrange(12, length - 4)] = generator.choice([0, 1, 4, 255, generator.randrange(256)])
        if bytes(damaged) != data:
            assert_found(bytes(damaged), records)


def test_the_reader_gives_records_and_damage_in_the_order_of_the_file() -> None:
    data, _ = written()
    damaged = bytearray(data)
    damaged[offset_of(blocks_of(data), 5) - 10] ^= 1
    reader = Reader(io.BytesIO(bytes(damaged)))
    assert not reader.closed
    items = [item if isinstance(item, Damage) else item.number for item in reader]
    assert [item for item in items if isinstance(item, int)] == [0, 1, 3, 4, 5]
    assert isinstance(items[2], Damage)
    assert (reader.closed, reader.end_ns, reader.header) == (True, END_NS, HEADER)
