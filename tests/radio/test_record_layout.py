"""The bytes of a record: the documented layout, and no value for bytes that are not a record."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio.record_layout import BadRecord, HearingGap, Reception, decode, encode


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
    [(1, 4, "unknown kind 4"), (2, 1, "leaves empty"), (22, 0, "ends before it begins"), (48, 1, "leaves empty")],
)
def test_a_right_crc_does_not_make_a_record(place: int, byte: int, why: str) -> None:
    head = bytearray(encode(HearingGap(0, 7, 8), bytes(16))[:65])
    head[place] = byte
    with pytest.raises(BadRecord, match=why):
        decode(bytes(head) + crc32c(bytes(head)).to_bytes(4, "big"))
