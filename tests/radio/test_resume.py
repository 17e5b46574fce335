"""A recording whose writer was killed at any byte is gone on with; nothing whole is lost, nothing foreign touched."""

import io
from pathlib import Path
from typing import Any

import pytest

from radio.recording import HearingGap, HostTrouble, NotARecording, Reception, Record, Recording, Writer, read, time_ns

HEADER = '{"agreement":"c0ffee","monitor":"m1","party":"Élan"}'
START_NS = 1_445_300_000_000_000_000
END_NS = START_NS + 60_000_000_000


def reception(writer: Writer, i: int) -> Reception:
    return writer.reception(
        arrival_ns=START_NS + i * 1_000_003,
        channel=i % 3,
        latitude_e7=351_234_567,
        longitude_e7=-1_799_999_999,
        height_cm=-250,
        power_tenths_dbm=-987,
        clock_bound_ns=1_500,
        tuned=(0, 5, 63),
        frame=bytes(range(i, 2 * i + 3)),
    )


def begun() -> tuple[bytes, list[Record], list[int]]:
    """A recording of one record of each kind and two more; the records, and where the opening and each of them end."""
    stream = io.BytesIO()
    writer = Writer(stream, HEADER)
    ends, records = [stream.tell()], []
    at_ns = START_NS + 2 * 1_000_003
    for record in (
        lambda: reception(writer, 0),
        lambda: writer.hearing_gap(START_NS + 7, START_NS + 9),
        lambda: writer.host_trouble(at_ns=at_ns, address=0xAE1001, from_ns=START_NS, until_ns=None),
        lambda: reception(writer, 3),
        lambda: reception(writer, 4),
    ):
        records.append(record())
        ends.append(stream.tell())
    return stream.getvalue(), records, ends


def resumed(data: bytes, header: str = HEADER) -> tuple[Writer, io.BytesIO, list[Record]]:
    stream, there = io.BytesIO(data), []
    return Writer.resume(stream, header, there.append), stream, there


def test_a_writer_killed_at_any_byte_goes_on() -> None:
    data, records, ends = begun()
    for cut in range(len(data) + 1):
        whole = records[: sum(end <= cut for end in ends[1:])]
        writer, stream, there = resumed(data[:cut])
        assert there == whole
        assert writer.last_ns == (time_ns(whole[-1]) if whole else 0)
        new: list[Record] = [reception(writer, 8), reception(writer, 9)]
        writer.close(END_NS)
        told = read(io.BytesIO(stream.getvalue()))
        assert told == Recording(header=HEADER, records=(*whole, *new), damage=(), closed=True, end_ns=END_NS), cut


def test_a_resumed_recording_is_what_one_writer_would_have_written() -> None:
    data, records, ends = begun()
    writer, stream, _ = resumed(data[: ends[3] + 11])
    assert [reception(writer, 3), reception(writer, 4)] == records[3:]
    assert stream.getvalue() == data


def test_it_can_be_killed_and_resumed_again_and_again() -> None:
    stream, expected = io.BytesIO(), []
    for i in range(6):
        there: list[Record] = []
        writer = Writer.resume(stream, HEADER, there.append)
        assert there == expected
        expected.append(reception(writer, i))
        before = stream.tell()
        reception(writer, i)
        stream.truncate(before + 20 * i)  # killed at another byte of the next record
    Writer.resume(stream, HEADER, lambda record: None).close(END_NS)
    told = read(io.BytesIO(stream.getvalue()))
    assert (told.records, told.damage, told.closed) == (tuple(expected), (), True)


@pytest.mark.parametrize("mode", ["r+b", "a+b"])
def test_a_file_on_disk_is_resumed(mode: str, tmp_path: Path) -> None:
    data, records, ends = begun()
    path = tmp_path / "monitor.pcapng"
    path.write_bytes(data[: ends[-1] - 5])
    with path.open(mode) as stream:
        writer = Writer.resume(stream, HEADER, lambda record: None)
        last = reception(writer, 5)
        writer.close(END_NS)
    with path.open("rb") as stream:
        told = read(stream)
    assert (told.records, told.damage, told.closed) == ((*records[:-1], last), (), True)


def test_a_file_that_does_not_exist_yet_is_begun(tmp_path: Path) -> None:
    with (tmp_path / "monitor.pcapng").open("a+b") as stream:
        Writer.resume(stream, HEADER, lambda record: None).close(END_NS)
        stream.seek(0)
        assert read(stream) == Recording(header=HEADER, records=(), damage=(), closed=True, end_ns=END_NS)


def refused(data: bytes, match: str, header: str = HEADER) -> ValueError:
    stream = io.BytesIO(data)
    with pytest.raises(ValueError, match=match) as caught:
        Writer.resume(stream, header, lambda record: None)
    assert stream.getvalue() == data, "what cannot be resumed is left as it is"
    return caught.value


def test_a_closed_recording_cannot_be_resumed() -> None:
    stream = io.BytesIO()
    Writer(stream, HEADER).close(END_NS)
    refused(stream.getvalue(), "closed")


@pytest.mark.parametrize("cut", [1, 20, 10_000])
def test_a_recording_with_another_header_is_left_alone(cut: int) -> None:
    data, _, _ = begun()
    if cut < 100:  # so little of a header is the same for every recording
        assert resumed(data[:cut], HEADER.replace("m1", "m2"))[2] == []
    else:
        assert isinstance(refused(data[:cut], "header", HEADER.replace("m1", "m2")), NotARecording)


@pytest.mark.parametrize("data", [b"hello", bytes(400), b"\xd4\xc3\xb2\xa1" + bytes(20)])
def test_what_is_no_recording_is_not_touched(data: bytes) -> None:
    assert isinstance(refused(data, "header"), NotARecording)


def test_damage_before_the_end_costs_no_record_behind_it() -> None:
    """Every byte of two records in the middle, flipped."""
    data, _, ends = begun()
    for i in range(ends[1], ends[3]):
        damaged = bytearray(data)
        damaged[i] ^= 0x81
        refused(bytes(damaged), f"damaged at byte {ends[1] if i < ends[2] else ends[2]}")


def test_a_length_beyond_the_end_is_not_taken_for_a_cut() -> None:
    data, _, ends = begun()
    for i in range(ends[1] + 4, ends[1] + 8):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[i] ^= 1 << bit
            refused(bytes(damaged), "damaged")


def test_a_removed_record_is_damage() -> None:
    data, _, ends = begun()
    refused(data[: ends[1]] + data[ends[2] :], "no record that follows")


def test_records_out_of_order_are_damage() -> None:
    """Rightly chained, and yet not what a writer writes."""
    stream = io.BytesIO()
    writer = Writer(stream, HEADER)
    writer.hearing_gap(50, 60)
    writer._last_ns = 0
    writer.hearing_gap(40, 60)
    refused(stream.getvalue(), "no record that follows")


def test_a_number_that_is_left_out_is_damage() -> None:
    stream = io.BytesIO()
    writer = Writer(stream, HEADER)
    writer.hearing_gap(50, 60)
    writer._number += 1
    writer.hearing_gap(60, 70)
    refused(stream.getvalue(), "no record that follows")


def test_a_resumed_writer_holds_the_order_of_time() -> None:
    data, _, _ = begun()
    writer, stream, _ = resumed(data)
    with pytest.raises(ValueError, match="earlier"):
        reception(writer, 3)
    assert stream.getvalue() == data
    assert isinstance(writer.hearing_gap(writer.last_ns, END_NS), HearingGap)


def test_the_records_are_handed_over_one_by_one() -> None:
    """A judge can be fed from a recording of any length: nothing is collected."""
    data, records, _ = begun()
    seen: list[Any] = []

    def take(record: Record) -> None:
        seen.append(record)
        if isinstance(record, HostTrouble):
            raise KeyboardInterrupt

    stream = io.BytesIO(data)
    with pytest.raises(KeyboardInterrupt):
        Writer.resume(stream, HEADER, take)
    assert seen == records[:3]
    assert stream.getvalue() == data


def test_bytes_behind_the_records_that_no_writer_wrote_are_damage() -> None:
    data, _, _ = begun()
    for tail in (b"junk junk", bytes(40), data[:30]):
        refused(data + tail, "damaged")
