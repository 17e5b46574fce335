"""The messages of the link: there and back, any bytes, and the page that others write their stations by."""

import re
import struct
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from radio import envelope
from radio.envelope import (
    Aired,
    Alive,
    BadEnvelope,
    Bye,
    Done,
    End,
    Fleet,
    FromHub,
    FromStation,
    Hello,
    Jam,
    Mark,
    Marks,
    OffAir,
    Place,
    Reception,
    Refused,
    Time,
    Transmit,
    Trouble,
    Tune,
    Welcome,
    pack,
    unpack_from_hub,
    unpack_from_station,
)

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "link-protocol.md").read_text(encoding="utf-8")
T0 = 1_445_418_000_000_000_000

U8, U16, U32 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32))
INSTANT = st.integers(-(1 << 63), (1 << 63) - 1)
NUMBER = st.integers(0, envelope.CHANNELS - 1)
FRAME = st.binary(min_size=1, max_size=envelope.MAX_DATA_BYTES)
SPEED = st.floats(-1e5, 1e5)
RECEPTION = st.builds(Reception, INSTANT, INSTANT, U32, U8, st.integers(-0x8000, 0x7FFF), FRAME)
MARK = st.builds(Mark, INSTANT, INSTANT)
AIRED = st.builds(Aired, U32, U16, U32, INSTANT, FRAME)

FROM_STATION = st.one_of(
    st.builds(Hello, U32, st.booleans(), st.binary(min_size=16, max_size=16)),
    st.builds(Transmit, INSTANT, NUMBER, U16, U32, FRAME, st.none() | U16),
    st.builds(Jam, INSTANT, NUMBER, st.integers(1, envelope.FARTHEST_AHEAD_NS)),
    st.builds(
        Place, INSTANT, st.floats(-90, 90), st.floats(-180, 180), st.floats(-10_000, 100_000), SPEED, SPEED, SPEED
    ),
    st.builds(OffAir, INSTANT),
    st.builds(Tune, INSTANT, st.frozensets(NUMBER)),
    st.builds(Done, INSTANT),
    MARK,
    st.just(Alive()),
    st.just(Bye()),
)
FROM_HUB = st.one_of(
    st.builds(Welcome, INSTANT, INSTANT, INSTANT, U32, U32, st.text()),
    st.builds(Refused, st.text()),
    st.builds(Time, INSTANT, INSTANT, st.lists(RECEPTION, max_size=20).map(tuple)),
    st.builds(Marks, st.lists(st.tuples(U32, MARK), max_size=20).map(tuple)),
    st.builds(Fleet, st.lists(AIRED, max_size=20).map(tuple)),
    st.builds(Trouble, INSTANT, U32, INSTANT, st.none() | st.integers(0, (1 << 63) - 1)),
    st.just(Alive()),
    st.builds(End, INSTANT, st.text()),
)
HEADED = st.builds(
    lambda kind, rest: bytes([1, kind]) + rest, st.sampled_from(b"HTSJPDCOMABWRGELFNx"), st.binary(max_size=90)
)


@given(FROM_STATION)
def test_what_a_station_says_there_and_back(message: FromStation) -> None:
    again = unpack_from_station(pack(message))
    assert again == message
    assert type(again) is type(message)


@given(FROM_HUB)
def test_what_the_hub_says_there_and_back(message: FromHub) -> None:
    again = unpack_from_hub(pack(message))
    assert again == message
    assert type(again) is type(message)


@given(st.binary(max_size=300) | HEADED)
def test_any_bytes_are_a_message_or_a_bad_envelope_and_a_message_is_written_in_one_way(data: bytes) -> None:
    for unpack in (unpack_from_station, unpack_from_hub):
        try:
            message = unpack(data)
        except BadEnvelope:
            continue
        assert pack(message) == data


@given(FROM_STATION | FROM_HUB, st.data())
def test_what_is_cut_short_or_too_long_is_no_other_message_of_fixed_length(message, data) -> None:
    packed = pack(message)
    if isinstance(message, Transmit | Welcome | Refused | End):  # their last field is as long as it is
        return
    unpack = unpack_from_station if isinstance(message, FromStation) else unpack_from_hub
    with pytest.raises(BadEnvelope):
        unpack(packed[: data.draw(st.integers(0, len(packed) - 1))])
    with pytest.raises(BadEnvelope):
        unpack(packed + b"\0")


@pytest.mark.parametrize(
    "message",
    [
        Transmit(T0, 1, 0, 0, b""),
        Transmit(T0, 1, 0, 0, bytes(256)),
        Transmit(T0, 64, 0, 0, b"x"),
        Transmit(T0, -1, 0, 0, b"x"),
        Transmit(T0, 1, 1 << 16, 0, b"x"),
        Transmit(T0, 1, 0, -1, b"x"),
        Transmit(1 << 63, 1, 0, 0, b"x"),
        Transmit(1.5, 1, 0, 0, b"x"),
        Transmit(T0, 1, 0, 0, "text"),
        Transmit(T0, 1, 0, 0, None),
        Transmit(T0, 1, 0, 0, b"x", -1),
        Transmit(T0, 1, 0, 0, b"x", 1 << 16),
        Jam(T0, 64, 1),
        Jam(T0, 1, 0),
        Jam(T0, 1, envelope.FARTHEST_AHEAD_NS + 1),
        Place(T0, 90.1, 0, 0),
        Place(T0, 0, 180.1, 0),
        Place(T0, 0, 0, -10_001),
        Place(T0, 0, 0, 100_001),
        Place(T0, float("nan"), 0, 0),
        Place(T0, 0, 0, 0, float("inf"), 0, 0),
        Place(T0, 0, 0, 0, 0, 0, 1.1e5),
        Place(T0, "35", 0, 0),
        Tune(T0, frozenset({64})),
        Tune(T0, frozenset({-1})),
        Tune(T0, frozenset({"1"})),
        Hello(1, True, bytes(15)),
        Hello(1 << 32, True),
        Refused("\ud800"),
        Time(T0, T0, (Reception(T0, T0, 0, 1, 0, b"x"),) * 65_536),
        Mark(1 << 63, 0),
        Mark(0, 1.5),
        Marks(((1 << 32, Mark(0, 0)),)),
        Marks(((1, Mark(0, -(1 << 63) - 1)),)),
        Marks(((1, Mark(0, 0)),) * 65_536),
        Fleet((Aired(-1, 0, 0, T0, b"x"),)),
        Fleet((Aired(1, 1 << 16, 0, T0, b"x"),)),
        Fleet((Aired(1, 0, 0, T0, bytes(256)),)),
        Fleet((Aired(1, 0, 0, T0, b"x"),) * 65_536),
    ],
    ids=lambda message: repr(message)[:60],
)
def test_values_that_do_not_fit_are_refused_by_name(message) -> None:
    with pytest.raises(BadEnvelope, match=type(message).__name__):
        pack(message)


@pytest.mark.parametrize(
    ("data", "about"),
    [
        (b"", "0 bytes are no message"),
        (b"\x01", "1 bytes are no message"),
        (b"\x02A", "version 2 is not 1"),
        (b"\x01Z", "no station sends the kind 'Z'"),
        (b"\x01W", "no station sends the kind 'W'"),
        (b"\x01A ", "kind 'A' has 2 bytes, not 3"),
        (pack(Transmit(T0, 1, 0, 0, b"x"))[:-1], "0 bytes of frame"),
        (pack(Transmit(T0, 1, 0, 0, bytes(255))) + b"x", "256 bytes of frame"),
        (pack(Transmit(T0, 1, 0, 0, b"x", 7))[:-1], "0 bytes of frame"),
        (pack(Jam(T0, 1, 9))[:-1] + b"\0", "JAM lasts 0 ns"),
        (pack(Hello(1, True))[:6] + b"\x02" + bytes(16), "time mode 2"),
        (struct.pack(">BBq6d", 1, 0x50, T0, float("nan"), 0, 0, 0, 0, 0), "nowhere"),
        (pack(Mark(1, 2))[:-1], "kind 'M' has 18 bytes, not 17"),
        (b"\x01A" + bytes(1 << 20), "more than 1048576"),
    ],
)
def test_what_is_wrong_with_bytes_is_told(data: bytes, about: str) -> None:
    with pytest.raises(BadEnvelope, match=about):
        unpack_from_station(data)


@pytest.mark.parametrize(
    ("data", "about"),
    [
        (pack(Time(T0, T0, (Reception(T0, T0, 0, 1, 0, b"xyz"),)))[:-4], "ends within a reception"),
        (pack(Time(T0, T0, (Reception(T0, T0, 0, 1, 0, b"xyz"),)))[:-1], "its receptions make"),
        (pack(Marks(((1, Mark(1, 2)),)))[:-1], "MARKS has 23 bytes, and names 1 stations"),
        (pack(Marks(())) + b"\0", "MARKS has 5 bytes, and names 0 stations"),
        (pack(Fleet((Aired(1, 2, 3, T0, b"xyz"),)))[:-4], "FLEET ends within a frame"),
        (pack(Fleet((Aired(1, 2, 3, T0, b"xyz"),)))[:-1], "its frames make"),
        (pack(Refused("")) + b"\xff", "not UTF-8"),
        (b"\x01T", "no hub sends"),
    ],
)
def test_what_is_wrong_with_bytes_of_a_hub_is_told(data: bytes, about: str) -> None:
    with pytest.raises(BadEnvelope, match=about):
        unpack_from_hub(data)


# ---------------------------------------------------------------- docs/link-protocol.md

EXAMPLES = {
    "HELLO": Hello(0x155001, True),
    "PLACE": Place(T0, 35.0, 36.5, 8000.0, 0.0, 250.0, 0.0),
    "DONE": Done(T0 + 50_000_000),
    "TIME": Time(
        T0, T0 + 50_000_000, (Reception(T0 + 20_000_000, T0 + 1_000_000, 0, 1, -705, bytes.fromhex("aabbcc")),)
    ),
    "TRANSMIT": Transmit(T0 + 100_000_000, 1, 238, 0, bytes.fromhex("aabbcc")),
    "TUNE": Tune(T0 + 100_000_000, frozenset({1, 2})),
    "MARK": Mark(T0, 7),
    "MARKS": Marks(((0x150001, Mark(T0, 7)), (0xAC0001, Mark(T0, 9)))),
    "FLEET": Fleet((Aired(0x155001, 238, 0, T0 + 100_000_000, bytes.fromhex("aabbcc")),)),
    "WELCOME": Welcome(T0, T0 + 70_000_000_000, T0, 50_000_000, 0, "{}"),
    "END": End(T0 + 70_000_000_000, "the run is over"),
}


def test_the_pages_examples_are_what_we_send() -> None:
    (section,) = re.findall(r"(?ms)^## Examples\n(.*)", PAGE)
    found = re.findall(r"(?ms)^([A-Z]+) .*?\n\n    ([0-9a-f ]+)$", section)
    assert [name for name, _ in found] == list(EXAMPLES)
    for name, example in found:
        assert bytes.fromhex(example) == pack(EXAMPLES[name]), name


STRUCTS = {
    "HELLO": envelope._HELLO,
    "PLACE": envelope._PLACE,
    "TRANSMIT": envelope._TRANSMIT,
    "TRANSMIT IN SLOT": envelope._IN_SLOT,
    "JAM": envelope._JAM,
    "DONE": envelope._INSTANT,
    "MARK": envelope._MARK,
    "TUNE": envelope._TUNE,
    "OFF THE AIR": envelope._INSTANT,
    "ALIVE": envelope._HEAD,
    "BYE": envelope._HEAD,
    "WELCOME": envelope._WELCOME,
    "REFUSED": envelope._HEAD,
    "TIME": envelope._TIME,
    "END": envelope._INSTANT,
    "MARKS": envelope._MANY,
    "FLEET": envelope._MANY,
    "TROUBLE": envelope._TROUBLE,
}
SIZES = {"i64": 8, "f64": 8, "u64": 8, "u32": 4, "u16": 2, "i16": 2, "u8": 1}


def test_the_pages_tables_have_our_fields() -> None:
    rows = re.findall(r"(?m)^\| `(.)` 0x([0-9a-f]{2}) \| ([A-Z ]+) \| (.*) \|$", PAGE)
    assert {name for _, _, name, _ in rows} == set(STRUCTS)
    for kind, code, name, fields in rows:
        assert ord(kind) == int(code, 16), name
        fields, _, each = fields.partition("n times")
        size = 2 + sum(SIZES[field] for field in re.findall(r"\b([iuf]\d\d?)\b", fields))
        size += sum(int(n) for n in re.findall(r"\bkey, (\d+) bytes", fields))
        assert size == STRUCTS[name].size, name
        if each:
            size = sum(SIZES[field] for field in re.findall(r"\b([iuf]\d\d?)\b", each))
            assert size == {"MARKS": envelope._MARK_OF, "FLEET": envelope._AIRED}[name].size, name
    (reception,) = re.findall(r"(?ms)A reception:\n\n(.*?)\n\n", PAGE)
    types = re.findall(r"(?m)^\| \w+ \| ([iu]\d+) \|", reception)
    assert sum(SIZES[field] for field in types) == envelope.RECEPTION_HEAD.size


def test_the_kinds_on_the_page_are_those_we_send() -> None:
    kinds = dict(re.findall(r"(?m)^\| `(.)` 0x[0-9a-f]{2} \| ([A-Z ]+) \|", PAGE))
    messages = [Hello(1, True), *EXAMPLES.values(), Transmit(T0, 1, 0, 0, b"x"), Tune(T0, frozenset()), OffAir(T0)]
    messages += [Alive(), Bye(), Welcome(0, 0, 0, 0, 0, ""), Refused(""), End(0, ""), Trouble(0, 0, 0, None)]
    spoken = {"OffAir": "OFF THE AIR"}
    for message in messages:
        name = type(message).__name__
        assert kinds[chr(pack(message)[1])] == spoken.get(name, name.upper())
