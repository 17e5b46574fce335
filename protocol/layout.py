"""Reads the Construct definitions of `protocol.wire` as plain tables: which fields, how wide, in what order.

The fast codec and the reference are both made from these tables; nothing here knows a message by name.
"""

from collections.abc import Iterator
from typing import NamedTuple

from construct import BitsInteger, Bytes, BytesInteger, Construct, FormatField, Struct

from protocol.fields import OrNone


class Field(NamedTuple):
    """One field: `kind` is the adapter or the plain integer that carries it; `bits` is 0 unless inside a bit struct."""

    name: str
    kind: Construct
    bits: int = 0


class BitGroup(NamedTuple):
    """Fields that share whole bytes, the first in the most significant bits."""

    name: str
    size: int
    fields: tuple[Field, ...]


class OptionalGroup(NamedTuple):
    """Fields that are there together or not at all (`kind.none` is the pattern for not at all)."""

    name: str
    kind: OrNone
    fields: tuple[Field, ...]


Item = Field | BitGroup | OptionalGroup


def items(struct: Struct) -> Iterator[Item]:
    """The fields and groups of a struct, in wire order."""
    for renamed in struct.subcons:
        name, kind = renamed.name, renamed.subcon
        inner = getattr(kind, "subcon", None)
        if isinstance(kind, OrNone):
            yield OptionalGroup(name, kind, tuple(Field(f.name, f.subcon) for f in kind.struct.subcons))
        elif isinstance(inner, Struct):
            fields = tuple(Field(f.name, f.subcon, bit_width(f.subcon)) for f in inner.subcons)
            yield BitGroup(name, kind.sizeof(), fields)
        else:
            yield Field(name, kind)


def carrier(kind: Construct) -> Construct:
    """The integer or the bytes under a field's adapters."""
    while not isinstance(kind, FormatField | BytesInteger | BitsInteger | Bytes):
        kind = kind.subcon
    return kind


def bit_width(kind: Construct) -> int:
    """How many bits a field of a bit struct takes."""
    width: int = carrier(kind).length
    return width
