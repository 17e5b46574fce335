"""The message reference: `docs/messages.md`, made from the Construct definitions of `protocol.wire`.

Offsets, widths, units, ranges and values come from the definitions; the words about them from `reference_text`.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from construct import Const, Construct

from protocol import codec, wire
from protocol.fields import CallSign, ChannelSet, Choice, Flag, OrNone, Quantity, Reserved
from protocol.layout import BitGroup, Field, Item, OptionalGroup, carrier, items
from protocol.messages import MAX_FRAME_BYTES, TYPE_OF, VERSION, EmergencyState, Frame, FrameKey, Message, Position
from protocol.reference_text import ABOUT, OPENING, RULES

COLUMNS = ("Byte", "Field", "Type", "Unit", "One step", "Range", "Not available", "Meaning")

EXAMPLE = Frame(
    source=0xAE1001,
    session=7,
    sequence=1234,
    channel=2,
    intent=3,
    time_quality=2,
    time_us=517_250_000,
    message=Position(
        latitude_deg=35.1234567,
        longitude_deg=-36.5,
        baro_altitude_ft=29_500,
        velocity_north_mps=102.5,
        velocity_east_mps=-200.1,
        velocity_up_mps=-0.5,
        heading_deg=297.12,
        nic=8,
        nacp=9,
        nacv=2,
        gva=2,
        sil=3,
        emergency=EmergencyState.MINIMUM_FUEL,
        uncrewed=True,
        age_s=0.12,
        idents=5,
        hails=2,
        acks=1,
        receipt=FrameKey(0x43C001, 3, 700),
    ),
)


def markdown() -> str:
    """The whole reference, as it stands in `docs/messages.md`."""
    opening = OPENING.format(
        header=wire.HEADER_BYTES, crc=wire.CRC_BYTES, most=MAX_FRAME_BYTES, sizes=_sizes(), table=table(None)
    )
    rules = RULES.format(
        least=wire.HEADER_BYTES + wire.CRC_BYTES,
        most=MAX_FRAME_BYTES,
        crc=wire.CRC_BYTES,
        version=VERSION,
        incompatible=wire.INCOMPATIBLE_FLAGS,
    )
    parts = [opening, rules]
    for kind, code in TYPE_OF.items():
        size = wire.frame_bytes(kind)
        crc = f"The CRC-32C follows in bytes {size - wire.CRC_BYTES}-{size - 1}."
        parts.append(f"## {code.name} (type {int(code)}, {size} bytes)\n\n{table(kind)}\n\n{crc}\n")
    return "\n".join([*parts, _example()])


class Row(NamedTuple):
    """One field or group at its place: `within` is its message or group, `first_bit` counts from the frame's first."""

    within: str
    name: str
    kind: Construct
    first_bit: int
    bits: int
    group: str = ""


def rows(kind: type[Message] | None) -> Iterator[Row]:
    """Every field of a message in wire order, groups followed by their fields; of the header for None."""
    within, bit = ("HEADER", 0) if kind is None else (TYPE_OF[kind].name, 8 * wire.HEADER_BYTES)
    for item in items(wire.HEADER if kind is None else wire.PAYLOADS[kind]):
        yield from _rows_of(item, within, bit)
        bit += _bits(item)


def _rows_of(item: Item, within: str, bit: int) -> Iterator[Row]:
    if isinstance(item, Field):
        yield Row(within, item.name, item.kind, bit, _bits(item))
        return
    group = ""
    if isinstance(item, OptionalGroup):
        yield Row(within, item.name, item.kind, bit, _bits(item))
        within, group = item.kind.kind.__name__, item.name
    for field in item.fields:
        yield Row(within, field.name, field.kind, bit, _bits(field), group)
        bit += _bits(field)


def _bits(item: Item) -> int:
    if isinstance(item, BitGroup):
        return 8 * item.size
    bits: int = getattr(item, "bits", 0) or 8 * item.kind.sizeof()
    return bits


def table(kind: type[Message] | None) -> str:
    """The markdown table of a message's fields, of the header's for None."""
    return _markdown_table(COLUMNS, [_cells(row) for row in rows(kind)])


def _cells(row: Row) -> tuple[str, ...]:
    kind, about = row.kind, ABOUT[f"{row.within}.{row.name}"]
    unit, step, legal, unknown = "", "", "", ""
    if isinstance(kind, Quantity):
        unit, step = kind.unit, _number(1, kind.per_unit) if kind.unit else ""
        legal = f"{_number(kind.raw_low, kind.per_unit)} to {_number(kind.raw_high, kind.per_unit)}"
        if kind.unknown is not None:
            unknown = f"{kind.unknown % (1 << row.bits):#0{2 + row.bits // 4}x}"
    elif isinstance(kind, Choice):
        legal = ", ".join(f"{int(member)} {member.name}" for member in kind.enum)
    elif isinstance(kind, OrNone):
        unknown = kind.none.hex(" ")
    elif isinstance(kind, Const):
        legal = str(kind.value)
    elif isinstance(kind, Reserved):
        legal = "0"
    elif isinstance(kind, Flag):
        legal = "0, 1"
    elif isinstance(kind, CallSign):
        legal = "A-Z, 0-9, space"
    elif not isinstance(kind, ChannelSet):
        legal = f"0 to {(1 << row.bits) - 1}"
    return _place(row), _name(row), _type(row), unit, step, legal, unknown, about


def _name(row: Row) -> str:
    return f"`{row.group}.{row.name}`" if row.group else f"`{row.name}`"


def _place(row: Row) -> str:
    first, last = row.first_bit, row.first_bit + row.bits - 1
    if row.bits % 8 or first % 8:
        ends = [f"{bit // 8}.{7 - bit % 8}" for bit in (first, last)]
    else:
        ends = [str(first // 8), str(last // 8)]
    return ends[0] if ends[0] == ends[1] else "-".join(ends)


def _type(row: Row) -> str:
    if isinstance(row.kind, OrNone):
        return "group"
    if isinstance(row.kind, CallSign):
        return f"{row.bits // 8} ASCII"
    if isinstance(row.kind, ChannelSet):
        return f"{row.bits}-bit set"
    base = carrier(row.kind)
    signed = getattr(base, "signed", False) or getattr(base, "fmtstr", "B")[-1].islower()
    return f"{'' if signed else 'u'}int{row.bits}"


def _number(raw: int, per_unit: int) -> str:
    """A raw integer in its unit, exactly: no exponent, no zeros at the end."""
    digits = len(str(per_unit)) - 1
    text = f"{Decimal(raw).scaleb(-digits):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _markdown_table(head: tuple[str, ...], body: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *body]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _sizes() -> str:
    body = [
        (code.name, str(int(code)), str(wire.PAYLOADS[kind].sizeof()), str(wire.frame_bytes(kind)))
        for kind, code in TYPE_OF.items()
    ]
    return _markdown_table(("Message", "Type", "Payload bytes", "Frame bytes"), body)


def _example() -> str:
    """One frame, byte for byte."""
    data = codec.encode(EXAMPLE)
    body = [_example_cells(row, data) for row in (*rows(None), *rows(type(EXAMPLE.message)))]
    crc = data[-wire.CRC_BYTES :].hex(" ")
    body.append((f"{len(data) - wire.CRC_BYTES}-{len(data) - 1}", crc, "CRC-32C", "of all bytes before"))
    lines = "\n".join(data[i : i + 16].hex(" ") for i in range(0, len(data), 16))
    return f"## Example\n\n```\n{lines}\n```\n\n{_markdown_table(('Byte', 'Hex or bits', 'Field', 'Value'), body)}\n"


def _example_cells(row: Row, data: bytes) -> tuple[str, ...]:
    raw = int.from_bytes(data, "big") >> (8 * len(data) - row.first_bit - row.bits) & ((1 << row.bits) - 1)
    place = _place(row)
    shown = f"{raw:0{row.bits}b}" if "." in place else raw.to_bytes(row.bits // 8, "big").hex(" ")
    if not _type(row).startswith("u") and raw >> (row.bits - 1):
        raw -= 1 << row.bits
    return place, shown, _name(row), _meaning(row.kind, raw)


def _meaning(kind: Construct, raw: int) -> str:
    if isinstance(kind, OrNone):
        return "there, as it is not all of the pattern"
    if isinstance(kind, Choice):
        return str(kind.values[raw].name)
    if isinstance(kind, Quantity) and raw == kind.unknown:
        return "not available"
    if kind is wire.ADDRESS:
        return f"{raw:06x}"
    return f"{_number(raw, kind.per_unit)} {kind.unit}".strip() if isinstance(kind, Quantity) else str(raw)
