"""The fast codec, made from `protocol.wire` when this module is imported.

For each message a pair of straight-line functions is written out as Python source (one `struct` call, then a line
or two per field) and compiled. It accepts and rejects what the Construct codec does, with equal values: the tests
hold the two together on golden vectors, random frames and random bytes.
"""

import struct
from collections.abc import Callable
from typing import Any

from construct import Bytes, BytesInteger

from protocol import wire
from protocol.errors import DecodeError, EncodeError, Reason
from protocol.fields import (
    CHANNEL_BITS,
    FLAG_BITS,
    CallSign,
    ChannelSet,
    Choice,
    Flag,
    Quantity,
    Reserved,
    is_call_sign,
)
from protocol.layout import BitGroup, Field, Item, OptionalGroup, carrier, items
from protocol.messages import TYPE_OF, VERSION, Frame, Message


def decode(data: bytes) -> Frame:
    """Read one frame, given as `bytes` (no other buffer: a view of bytes that change would be no evidence).

    Raises DecodeError, and nothing else, for any bytes: `reason` says which check failed.
    """
    wire.check_envelope(data)
    try:
        size, parse = _PARSERS[data[1]]
    except KeyError:
        raise DecodeError(Reason.FIELD, f"type: {data[1]} is no MessageType") from None
    if len(data) != size:
        raise DecodeError(Reason.LENGTH, f"{len(data)} bytes; this type has {size}")
    return parse(data)


def encode(frame: Frame) -> bytes:
    """Write one frame. Raises EncodeError when a value is out of its range or of the wrong type."""
    try:
        body = _BUILDERS[type(frame.message)](frame)
    except EncodeError:
        raise
    except (TypeError, ValueError, OverflowError, AttributeError, KeyError, struct.error) as error:
        raise EncodeError(f"{type(frame.message).__name__}: {error}") from None
    return wire.with_crc(body)


# ---------------------------------------------------------------- how the functions are written


class _Source:
    """The two functions of one message while they are being written: lines, wire format, and the names they use."""

    def __init__(self) -> None:
        self.format = ">"
        self.raws: list[str] = []
        self.parse: list[str] = []
        self.build: list[str] = []
        self.packed: list[str] = []
        self.values: dict[str, str] = {}
        self.names: dict[str, Any] = {
            "reject": _reject,
            "refuse": _refuse,
            "is_call_sign": is_call_sign,
            "CHANNELS": _CHANNELS,
            "CHANNEL_BITS": CHANNEL_BITS,
            "FLAG_BITS": FLAG_BITS,
            "new": tuple.__new__,
        }

    def constant(self, value: Any) -> str:
        name = f"C{len(self.names)}"
        self.names[name] = value
        return name


def _reject(field: str, raw: object) -> None:
    raise DecodeError(Reason.FIELD, f"{field}: {raw!r} is not allowed")


def _refuse(field: str, raw: object) -> None:
    raise EncodeError(f"{field}: {raw!r} is not allowed")


class _ChannelSets(dict[int, frozenset[int]]):
    """Channel sets by bitmap, each made once."""

    def __missing__(self, raw: int) -> frozenset[int]:
        self[raw] = value = frozenset(n for n in range(16) if raw >> n & 1)
        return value


_CHANNELS = _ChannelSets()


def _add_integer(out: _Source, kind: Any, raw: str) -> None:
    """Take an integer or bytes off the wire into the variable `raw`, and put it there from it."""
    base = carrier(kind)
    if isinstance(base, BytesInteger) and base.length == 3:  # struct knows no 24 bits: 8 high, 16 low
        out.format += "bH" if base.signed else "BH"
        out.raws += [f"{raw}_high", f"{raw}_low"]
        out.parse.append(f"{raw} = {raw}_high << 16 | {raw}_low")
        out.packed += [f"{raw} >> 16", f"{raw} & 0xFFFF"]
    else:
        out.format += f"{base.length}s" if isinstance(base, Bytes) else base.fmtstr[1:]
        out.raws.append(raw)
        out.packed.append(raw)


def _add_value(out: _Source, field: Field, raw: str, value: str) -> None:
    """Lines for both ways between the raw variable and the value.

    Parsing leaves in `out.values[value]` the expression that makes the value from `raw`; building makes `raw` from
    the variable that is named as the field.
    """
    kind, name = field.kind, field.name
    out.values[value] = raw
    if isinstance(kind, Quantity):
        _add_quantity(out, field, raw, value)
    elif isinstance(kind, Choice):
        table = out.constant(kind.values)
        out.parse.append(f"{value} = {table}.get({raw})")
        out.parse.append(f"if {value} is None: reject({name!r}, {raw})")
        out.build += [f"{raw} = {table}.get({name})", f"if {raw} is None: refuse({name!r}, {name})"]
        out.values[value] = value
    elif isinstance(kind, Flag):
        out.values[value] = f"{raw} == 1"
        out.build += [f"{raw} = FLAG_BITS.get({name})", f"if {raw} is None: refuse({name!r}, {name})"]
    elif isinstance(kind, Reserved):
        out.parse.append(f"if {raw}: reject({name!r}, {raw})")
        out.build.append(f"{raw} = 0")
        del out.values[value]
    elif isinstance(kind, ChannelSet):
        out.values[value] = f"CHANNELS[{raw}]"
        out.build += [f"if type({name}) is not frozenset: refuse({name!r}, {name})", f"{raw} = 0"]
        out.build.append(f"for n in {name}: {raw} |= CHANNEL_BITS[n]")
    elif isinstance(kind, CallSign):
        out.parse.append(f"{value} = {raw}.decode('latin-1').rstrip(' ')")
        out.parse.append(f"if not is_call_sign({value}): reject({name!r}, {raw})")
        out.build.append(f"if not is_call_sign({name}): refuse({name!r}, {name})")
        out.build.append(f"{raw} = {name}.encode('latin-1').ljust({carrier(kind).length}, b' ')")
        out.values[value] = value
    else:
        out.build.append(f"{raw} = {name}")
        if field.bits:  # `struct` checks whole bytes; a bit field too large would run into its neighbour
            out.build.append(f"if not 0 <= {raw} <= {(1 << field.bits) - 1}: refuse({name!r}, {name})")


def _add_quantity(out: _Source, field: Field, raw: str, value: str) -> None:
    kind, name = field.kind, field.name
    check = f"if not {kind.raw_low} <= {raw} <= {kind.raw_high}:"
    scaled = raw if kind.per_unit == 1 else f"{raw} / {kind.per_unit}"
    to_raw = f"{raw} = round({name})" if kind.per_unit == 1 else f"{raw} = round({name} * {kind.per_unit})"
    if kind.unknown is None:
        out.parse += [f"{check} reject({name!r}, {raw})"]
        out.build += [to_raw, f"{check} refuse({name!r}, {name})"]
        out.values[value] = scaled
    else:
        out.parse += [f"if {raw} == {kind.unknown}: {value} = None", f"elif {check[3:]} reject({name!r}, {raw})"]
        out.parse += [f"else: {value} = {scaled}"]
        out.build += [f"if {name} is None: {raw} = {kind.unknown}", "else:"]
        out.build += [f"    {to_raw}", f"    {check} refuse({name!r}, {name})"]
        out.values[value] = value


def _add_bits(out: _Source, group: BitGroup) -> None:
    raw = f"bits_{group.name}"
    integer = {1: "B", 2: "H", 4: "I"}.get(group.size)
    if integer:
        out.format += integer
        out.raws.append(raw)
        out.packed.append(raw)
    else:
        out.format += "BH"
        out.raws += [f"{raw}_high", f"{raw}_low"]
        out.parse.append(f"{raw} = {raw}_high << 16 | {raw}_low")
        out.packed += [f"{raw} >> 16", f"{raw} & 0xFFFF"]
    parts, shift = [], group.size * 8
    for field in group.fields:
        shift -= field.bits
        part = f"raw_{field.name}"
        out.parse.append(f"{part} = {raw} >> {shift} & {(1 << field.bits) - 1}")
        _add_value(out, field, part, f"v_{field.name}")
        parts.append(f"{part} << {shift}")
    out.build.append(f"{raw} = {' | '.join(parts)}")


def _add_optional(out: _Source, group: OptionalGroup) -> None:
    """The group as one run of bytes, read and written by two small functions of its own."""
    inner = _Source()
    make = inner.constant(group.kind.kind)
    inner.build.append(f"if type(m) is not {make}: refuse({group.name!r}, m)")
    inner.build.append(f"({', '.join(group.kind.names)},) = m")
    for field in group.fields:
        _add_integer(inner, field.kind, f"raw_{field.name}")
        _add_value(inner, field, f"raw_{field.name}", f"v_{field.name}")
    arguments = ", ".join(inner.values[f"v_{name}"] for name in group.kind.names)
    parse, build = _compile(
        inner, ["(data)", "(m)"], "unpack(data)", f"new({make}, ({arguments},))", f"pack({', '.join(inner.packed)})"
    )
    size, none = len(group.kind.none), out.constant(group.kind.none)
    raw, value = f"raw_{group.name}", f"v_{group.name}"
    out.format += f"{size}s"
    out.raws.append(raw)
    out.packed.append(raw)
    out.parse.append(f"{value} = None if {raw} == {none} else {out.constant(parse)}({raw})")
    out.build.append(f"{raw} = {none} if {group.name} is None else {out.constant(build)}({group.name})")
    out.values[value] = value


def _add(out: _Source, item: Item) -> None:
    """Lines for one item; the value to be written stands in a local variable named as the field."""
    if isinstance(item, OptionalGroup):
        _add_optional(out, item)
    elif isinstance(item, BitGroup):
        _add_bits(out, item)
    else:
        _add_integer(out, item.kind, f"raw_{item.name}")
        _add_value(out, item, f"raw_{item.name}", f"v_{item.name}")


def _compile(out: _Source, arguments: list[str], unpack: str, result: str, packed: str) -> list[Callable[..., Any]]:
    layout = struct.Struct(out.format)
    names = out.names | {"unpack": layout.unpack, "unpack_from": layout.unpack_from, "pack": layout.pack}
    parse = [f"def parse{arguments[0]}:", f"({', '.join(out.raws)},) = {unpack}", *out.parse, f"return {result}"]
    build = [f"def build{arguments[1]}:", *out.build, f"return {packed}"]
    for lines in (parse, build):
        exec("\n    ".join(lines), names)
    return [names["parse"], names["build"]]


def _compile_message(kind: type[Message]) -> tuple[int, Callable[[bytes], Frame], Callable[[Frame], bytes]]:
    """The parser and the builder of one message, header included, without the envelope and the CRC."""
    size, out = wire.frame_bytes(kind), _Source()
    header = [item for item in items(wire.HEADER) if item.name not in ("version", "type", "length")]
    out.build += [f"({', '.join(Frame._fields)},) = f", f"({', '.join(kind._fields)},) = message"]
    out.build += [f"if flags & {wire.INCOMPATIBLE_FLAGS}: refuse('flags', flags)"]
    out.build += ["time_second, time_microsecond = divmod(time_us, 1000000)"]
    out.format = ">xxBx"  # version, type and length are known here: see `decode`
    for item in header:
        if item.name == "flags":
            out.raws.append("raw_flags")
            out.values["v_flags"] = "raw_flags"
            out.packed.append("flags")
        else:
            _add(out, item)
    frame = {name: out.values[f"v_{name}"] for name in Frame._fields if f"v_{name}" in out.values}
    frame["time_us"] = f"{out.values['v_time_second']} * 1000000 + {out.values['v_time_microsecond']}"
    for item in items(wire.PAYLOADS[kind]):
        _add(out, item)
    frame["message"] = f"new({out.constant(kind)}, ({', '.join(out.values[f'v_{name}'] for name in kind._fields)},))"
    result = f"new({out.constant(Frame)}, ({', '.join(frame[name] for name in Frame._fields)},))"
    layout = struct.Struct(out.format.replace(">xxBx", ">BBBB"))
    out.names["pack_all"] = layout.pack
    packed = f"pack_all({VERSION}, {int(TYPE_OF[kind])}, {out.packed[0]}, {size}, {', '.join(out.packed[1:])})"
    parse, build = _compile(out, ["(data)", "(f)"], "unpack_from(data)", result, packed)
    return size, parse, build


_PARSERS: dict[int, tuple[int, Callable[[bytes], Frame]]] = {}
_BUILDERS: dict[type, Callable[[Frame], bytes]] = {}
for _kind in wire.PAYLOADS:
    _size, _parse, _build = _compile_message(_kind)
    _PARSERS[int(TYPE_OF[_kind])] = (_size, _parse)
    _BUILDERS[_kind] = _build
