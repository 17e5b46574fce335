"""Many frames decoded at once, into a numpy array per field: for whoever looks at a whole recording.

Made from `protocol.wire` when this module is imported, as the fast codec is. It accepts and rejects what
`protocol.codec.decode` does, with equal values, and the tests hold the two together. Why a frame is rejected it does
not say: ask `decode`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from construct import FormatField
from numpy.typing import NDArray

from protocol import wire
from protocol.errors import DecodeError
from protocol.fields import CALL_SIGN_LETTERS, CallSign, Choice, Flag, Quantity, Reserved
from protocol.layout import BitGroup, Field, Item, OptionalGroup, carrier, items
from protocol.messages import TYPE_OF, Frame, Message, MessageType

Column = NDArray[Any]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The accepted frames of one type.

    `index` (n) says which of the given frames they are, in their order. `values` has an array (n) for each header
    field (all of `Frame` but `message`) and each field of the message, by its name and in its unit:

    - float64, NaN for "not available": quantities with a scale, and those that can be not available;
    - int64: all other numbers, the codes of enumerations, and channel sets as bitmaps (bit n is channel n);
    - bool: flags; str: call signs.

    An optional group is a bool array by its name that says whether it is there. Its fields are `group.field`, all
    float64 (which holds 32 bits exactly), NaN where the group is absent.
    """

    index: Ints
    values: Mapping[str, Column]


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """What became of the given frames: `accepted` has a bool for each; `of_type` has every type, be it without rows."""

    accepted: Flags
    of_type: Mapping[MessageType, Columns]


def decode_columns(frames: Sequence[bytes]) -> Decoded:
    """Read any number of frames, each given as `bytes`. Below some 300 frames `decode` in a loop is faster.

    Accepts exactly those that `protocol.codec.decode` accepts. Raises nothing for any bytes, and TypeError for any
    other buffer, as `decode` does.
    """
    places: dict[int, list[int]] = {code: [] for code in _LAYOUTS}
    for place, data in enumerate(frames):
        try:
            wire.check_envelope(data)
        except DecodeError:
            continue
        layout = _LAYOUTS.get(data[1])
        if layout is not None and len(data) == layout.record.itemsize:
            places[data[1]].append(place)
    of_type = dict(_EMPTY)
    accepted = np.zeros(len(frames), np.bool_)
    for code, of_code in places.items():
        if of_code:
            columns = _columns(_LAYOUTS[code], of_code, b"".join([frames[place] for place in of_code]))
            of_type[MessageType(code)] = columns
            accepted[columns.index] = True
    return Decoded(accepted, of_type)


# ---------------------------------------------------------------- where the fields are


class _Layout(NamedTuple):
    """The frames of a message in numpy: a `record` each, made of the records `header` and `payload` and the CRC."""

    record: np.dtype[Any]
    header: tuple[Item, ...]
    payload: tuple[Item, ...]


def _record(fields: Iterable[Item]) -> np.dtype[Any]:
    """The record with these items one behind the other. What numpy has no type for is a row of bytes."""
    parts: list[tuple[Any, ...]] = []
    for item in fields:
        if isinstance(item, OptionalGroup):
            parts.append((item.name, np.uint8, (len(item.kind.none),)))
        elif isinstance(item, BitGroup):
            parts.append((item.name, np.uint8, (item.size,)))
        elif isinstance(base := carrier(item.kind), FormatField):
            order, letter = base.fmtstr  # a letter of `struct`; numpy has others
            parts.append((item.name, f"{order}{'i' if letter.islower() else 'u'}{base.length}"))
        else:
            parts.append((item.name, np.uint8, (base.length,)))
    return np.dtype(parts)


def _layout(kind: type[Message]) -> _Layout:
    header, payload = tuple(items(wire.HEADER)), tuple(items(wire.PAYLOADS[kind]))
    record = np.dtype([("header", _record(header)), ("payload", _record(payload)), ("crc", np.void, wire.CRC_BYTES)])
    # the envelope and the choice of this layout have settled what the header says of version, type and length
    settled = ("version", "type", "length")
    return _Layout(record, tuple(item for item in header if item.name not in settled), payload)


_LAYOUTS = {int(TYPE_OF[kind]): _layout(kind) for kind in wire.PAYLOADS}


# ---------------------------------------------------------------- what they say


class _Reading:
    """`count` frames while they are being read: which are legal so far, and the columns. An illegal row is anything."""

    def __init__(self, count: int):
        self.legal: Flags = np.ones(count, np.bool_)
        self.values: dict[str, Column] = {}

    def add(self, item: Item, raw: Column) -> None:
        """Read one item from its part of the records."""
        if isinstance(item, OptionalGroup):
            self._add_group(item, raw)
        elif isinstance(item, BitGroup):
            bits, shift = _integers(raw), item.size * 8
            for field in item.fields:
                shift -= field.bits
                self._add_number(field, (bits >> shift) & ((1 << field.bits) - 1))
        elif isinstance(item.kind, CallSign):
            self._add_call_sign(item, raw)
        else:
            self._add_number(item, _integers(raw, signed=getattr(carrier(item.kind), "signed", False)))

    def _add_group(self, group: OptionalGroup, raw: Column) -> None:
        none = np.frombuffer(group.kind.none, np.uint8)
        there: Flags = (raw != none).any(axis=1)
        record, inner = np.ascontiguousarray(raw).view(_record(group.fields))[:, 0], _Reading(len(raw))
        for field in group.fields:
            inner.add(field, record[field.name])
        self.legal &= inner.legal | ~there
        self.values[group.name] = there
        for name, column in inner.values.items():  # ValueError for text: no group has any, and it would need a rule
            self.values[f"{group.name}.{name}"] = np.where(there, column.astype(np.float64), np.nan)

    def _add_number(self, field: Field, raw: Ints) -> None:
        kind, name = field.kind, field.name
        if isinstance(kind, Reserved):
            self.legal &= raw == 0
        elif isinstance(kind, Quantity):
            self._add_quantity(kind, name, raw)
        elif isinstance(kind, Flag):
            self.values[name] = raw == 1
        else:
            if isinstance(kind, Choice):
                self.legal &= np.isin(raw, list(kind.values))
            self.values[name] = raw

    def _add_quantity(self, kind: Quantity, name: str, raw: Ints) -> None:
        legal = (raw >= kind.raw_low) & (raw <= kind.raw_high)
        value: Column = raw if kind.per_unit == 1 else raw / kind.per_unit
        if kind.unknown is not None:
            unknown = raw == kind.unknown
            legal, value = legal | unknown, np.where(unknown, np.nan, value)
        self.legal &= legal
        self.values[name] = value

    def _add_call_sign(self, field: Field, raw: Column) -> None:
        space = raw == ord(" ")
        self.legal &= np.isin(raw, [ord(letter) for letter in CALL_SIGN_LETTERS]).all(axis=1)
        self.legal &= ~space[:, 0] | space.all(axis=1)  # no space in front, save that all may be spaces
        size = raw.shape[1]
        texts = np.ascontiguousarray(raw).view(f"S{size}")[:, 0].tolist()
        self.values[field.name] = np.array([text.decode("latin-1").rstrip(" ") for text in texts], f"U{size}")


def _integers(raw: Column, *, signed: bool = False) -> Ints:
    """The numbers of a column. Those that numpy has no type for come as rows of bytes, the first the highest."""
    if raw.ndim == 1:
        return raw.astype(np.int64)
    number = raw[:, 0].view(np.int8 if signed else np.uint8).astype(np.int64)
    for place in range(1, raw.shape[1]):
        number = number << 8 | raw[:, place]
    return number


def _columns(layout: _Layout, places: list[int], data: bytes) -> Columns:
    """Those of the frames of one type that are legal; they stand in `data`, one behind the other."""
    records = np.frombuffer(data, layout.record)
    header, message = _Reading(len(records)), _Reading(len(records))
    for item in layout.header:
        header.add(item, records["header"][item.name])
    for item in layout.payload:
        message.add(item, records["payload"][item.name])
    header.values["time_us"] = header.values["time_second"] * 1_000_000 + header.values["time_microsecond"]
    values = {name: header.values[name] for name in Frame._fields if name != "message"} | message.values
    legal = header.legal & message.legal
    return Columns(np.array(places, np.int64)[legal], {name: column[legal] for name, column in values.items()})


_EMPTY = {MessageType(code): _columns(layout, [], b"") for code, layout in _LAYOUTS.items()}
