"""The bytes of a record: the documented layout, and no value for bytes that are not a record."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from radio.record_layout import (
    BadRecord,
    Closing,
    HearingGap,
    HostTrouble,
    LineDocument,
    LineGap,
    Reception,
    decode,
    encode,
    time_ns,
)


def test_the_layout_is_the_documented_one() -> None:
    # By hand from the table in the docstring of radio.record_layout; the CRC by its definition in RFC 3720, B.4.
    packet = bytes.fromhex(
        "a1 01 07 00000002 0102030405060708 0000000000000000 14f46b07 94b62e01 ffffff06 fc25 000005dc 8000000000000021"
        "00112233445566778899aabbccddeeff"
    )
    frame = b"frame"
    whole = packet + crc32c(packet + frame).to_bytes(4, "big") + frame
    expected = Reception(
        number=2,
        arrival_ns=0x0102030405060708,
        channel=7,
        latitude_e7=351_562_503,
        longitude_e7=-1_800_000_000 + 1,
        height_cm=-250,
        power_tenths_dbm=-987,
        clock_bound_ns=1500,
        tuned=(0, 5, 63),
        frame=frame,
    )
    assert decode(whole) == expected
    assert encode(expected, packet[-16:]) == whole


@pytest.mark.parametrize(("until", "until_ns"), [("0102030405060709", 0x0102030405060709), ("0000000000000000", None)])
def test_host_trouble_stands_where_the_table_says(until: str, until_ns: int | None) -> None:
    packet = bytes.fromhex(
        f"a1 04 00 00000002 0102030405060708 {until} 00000000 00000000 00000000 0000 00ae1001 0102030405060700"
        "00112233445566778899aabbccddeeff"
    )
    whole = packet + crc32c(packet).to_bytes(4, "big")
    expected = HostTrouble(2, 0x0102030405060708, 0xAE1001, 0x0102030405060700, until_ns)
    assert decode(whole) == expected
    assert encode(expected, packet[-16:]) == whole
    assert time_ns(expected) == 0x0102030405060708


def test_a_document_stands_where_the_table_says() -> None:
    packet = bytes.fromhex(
        "a1 05 00 00000002 0102030405060708 0000000000000004 00000000 00000000 00000000 0000 00000000"
        "0000000000000000 00112233445566778899aabbccddeeff"
    )
    told = "a/é".encode() + b"{}"
    whole = packet + crc32c(packet + told).to_bytes(4, "big") + told
    expected = LineDocument(2, 0x0102030405060708, "a/é", b"{}")
    assert decode(whole) == expected
    assert encode(expected, packet[-16:]) == whole
    assert time_ns(expected) == 0x0102030405060708


@pytest.mark.parametrize(
    ("channel", "size", "told", "why"),
    [("00", 4, b"abc", "claims a topic"), ("00", 1, b"\xff{}", "UTF-8"), ("01", 1, b"a{}", "leaves empty")],
)
def test_a_document_that_cannot_be_is_refused(channel: str, size: int, told: bytes, why: str) -> None:
    packet = bytes.fromhex(f"a1 05 {channel} 00000002 0102030405060708 {size:016x}") + bytes(42)
    with pytest.raises(BadRecord, match=why):
        decode(packet + crc32c(packet + told).to_bytes(4, "big") + told)


def test_a_document_has_a_greatest_size() -> None:
    with pytest.raises(BadRecord, match="524289 bytes, more than"):
        encode(LineDocument(0, 1, "t", bytes(1 << 19)), bytes(16))
    whole = LineDocument(0, 1, "t", bytes((1 << 19) - 1))
    assert decode(encode(whole, bytes(16))) == whole


def test_a_line_gap_stands_where_the_table_says() -> None:
    packet = bytes.fromhex(
        "a1 06 00 00000002 0102030405060708 0102030405060709 00000000 00000000 00000000 0000 00000000"
        "0102030405060700 00112233445566778899aabbccddeeff"
    )
    whole = packet + crc32c(packet).to_bytes(4, "big")
    expected = LineGap(2, 0x0102030405060708, 0x0102030405060700, 0x0102030405060709)
    assert decode(whole) == expected
    assert encode(expected, packet[-16:]) == whole
    with pytest.raises(BadRecord, match="ends before it begins"):
        encode(expected._replace(until_ns=1), bytes(16))
    open_ = expected._replace(until_ns=None)
    assert decode(encode(open_, bytes(16))) == open_


def crc32c(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@given(
    number=st.integers(0, 2**32 - 1),
    arrival_ns=st.integers(0, 2**64 - 1),
    channel=st.integers(0, 255),
    latitude_e7=st.integers(-900_000_000, 900_000_000),
    longitude_e7=st.integers(-1_800_000_000, 1_800_000_000),
    height_cm=st.integers(-(2**31), 2**31 - 1),
    power_tenths_dbm=st.integers(-(2**15), 2**15 - 1),
    clock_bound_ns=st.integers(0, 2**32 - 1),
    tuned=st.sets(st.integers(0, 63)).map(lambda channels: tuple(sorted(channels))),
    frame=st.binary(max_size=80),
)
def test_every_reception_in_range_survives(**fields: Any) -> None:
    reception = Reception(**fields)
    assert decode(encode(reception, bytes(16))) == reception


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (b"", "0 bytes"),
        (bytes(68), "68 bytes"),
        (bytes(69), "begins with 0x00"),
        (b"\xa1" + bytes(68), "CRC"),
    ],
)
def test_bytes_that_are_no_record_are_refused_with_the_reason(packet: bytes, why: str) -> None:
    with pytest.raises(BadRecord, match=why):
        decode(packet)


@pytest.mark.parametrize(
    ("place", "byte", "why"),
    [(1, 7, "unknown kind 7"), (2, 1, "leaves empty"), (22, 0, "ends before it begins"), (48, 1, "leaves empty")],
)
def test_a_right_crc_does_not_make_a_record(place: int, byte: int, why: str) -> None:
    head = bytearray(encode(HearingGap(0, 7, 8), bytes(16))[:65])
    head[place] = byte
    with pytest.raises(BadRecord, match=why):
        decode(bytes(head) + crc32c(bytes(head)).to_bytes(4, "big"))


@given(
    number=st.integers(0, 2**32 - 1),
    at_ns=st.integers(0, 2**64 - 1),
    address=st.integers(0, 2**24 - 1),
    times=st.tuples(st.integers(0, 2**64 - 1), st.integers(1, 2**64 - 1)).map(sorted),
    over=st.booleans(),
)
def test_every_host_trouble_in_range_survives(
    number: int, at_ns: int, address: int, times: list[int], over: bool
) -> None:
    trouble = HostTrouble(number, at_ns, address, times[0], times[1] if over else None)
    assert decode(encode(trouble, bytes(16))) == trouble


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"address": -1}, "24 bits"),
        ({"address": 2**24}, "24 bits"),
        ({"until_ns": 6}, "ends before it begins"),
        ({"from_ns": 0, "until_ns": 0}, "stands for not over"),
        ({"from_ns": 2**64, "until_ns": None}, "does not fit"),
        ({"from_ns": -1}, "does not fit"),
        ({"at_ns": -1}, "does not fit"),
    ],
)
def test_a_host_trouble_that_cannot_be_is_refused(change: dict[str, int | None], why: str) -> None:
    trouble = HostTrouble(0, 9, 0xAE1001, 7, 8)._replace(**change)
    with pytest.raises(BadRecord, match=why):
        encode(trouble, bytes(16))


@pytest.mark.parametrize("place", [2, 23, 30, 31, 35, 37, 69])
def test_a_host_trouble_fills_no_other_field(place: int) -> None:
    head = bytearray(encode(HostTrouble(0, 9, 0xAE1001, 7, 8), bytes(16))[:65] + b"\1")
    frame = bytes(head[65:]) if place == 69 else b""
    del head[65:]
    if not frame:
        head[place] = 1
    with pytest.raises(BadRecord, match=r"leaves empty|24 bits"):
        decode(bytes(head) + crc32c(bytes(head) + frame).to_bytes(4, "big") + frame)


@pytest.mark.parametrize("entry", [HearingGap(0, 7, 8), Closing(0, 7)])
def test_only_host_trouble_has_an_address(entry: HearingGap | Closing) -> None:
    head = bytearray(encode(entry, bytes(16))[:65])
    head[40] = 1
    with pytest.raises(BadRecord, match="leaves empty"):
        decode(bytes(head) + crc32c(bytes(head)).to_bytes(4, "big"))
