"""The kinds of field that `protocol.wire` is written with: small Construct adapters that check what they carry.

Each keeps its limits as attributes, so that the fast codec and the reference can be derived from the same object.
Raw integers travel, physical values come out, and `None` stands for "not available".
"""

from enum import IntEnum
from typing import Any

from construct import Adapter, Construct, SizeofError, Struct, ValidationError, stream_read, stream_write

CALL_SIGN_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ")
CHANNEL_BITS = {n: 1 << n for n in range(16)}
"""The bit of a channel bitmap that stands for each channel number that fits one."""
FLAG_BITS = {False: 0, True: 1}


class Quantity(Adapter):  # type: ignore[misc]
    """A scaled number: `raw / per_unit`, `low` to `high` in the given unit; `unknown` is the raw "not available"."""

    def __init__(
        self, subcon: Construct, unit: str, low: float, high: float, *, per_unit: int = 1, unknown: int | None = None
    ):
        super().__init__(subcon)
        self.unit, self.per_unit, self.unknown = unit, per_unit, unknown
        self.raw_low, self.raw_high = round(low * per_unit), round(high * per_unit)

    def _decode(self, raw: int, context: Any, path: str) -> float | int | None:
        if raw == self.unknown:
            return None
        self._check(raw, path)
        return raw if self.per_unit == 1 else raw / self.per_unit

    def _encode(self, value: float | None, context: Any, path: str) -> int:
        if value is None and self.unknown is not None:
            return self.unknown
        raw = round(value * self.per_unit)  # type: ignore[operator]  # None raises TypeError, as any wrong type does
        self._check(raw, path)
        return raw

    def _check(self, raw: int, path: str) -> None:
        if not self.raw_low <= raw <= self.raw_high:
            raise ValidationError(f"{raw} is outside {self.raw_low} to {self.raw_high}", path=path)


class Choice(Adapter):  # type: ignore[misc]
    """One value of an enumeration; any other is rejected."""

    def __init__(self, subcon: Construct, enum: type[IntEnum]):
        super().__init__(subcon)
        self.enum = enum
        self.values = {int(member): member for member in enum}

    def _decode(self, raw: int, context: Any, path: str) -> IntEnum:
        if raw not in self.values:
            raise ValidationError(f"{raw} is no {self.enum.__name__}", path=path)
        return self.values[raw]

    def _encode(self, value: int, context: Any, path: str) -> int:
        return int(self._decode(value, context, path))


class Flag(Adapter):  # type: ignore[misc]
    """One bit as a bool."""

    def _decode(self, raw: int, context: Any, path: str) -> bool:
        return raw == 1

    def _encode(self, value: bool, context: Any, path: str) -> int:
        if value not in FLAG_BITS:
            raise ValidationError(f"{value!r} is no bool", path=path)
        return FLAG_BITS[value]


class Reserved(Adapter):  # type: ignore[misc]
    """Bits that must be zero."""

    def __init__(self, subcon: Construct):
        super().__init__(subcon)
        self.flagbuildnone = True

    def _decode(self, raw: int, context: Any, path: str) -> None:
        if raw:
            raise ValidationError("reserved bits are not zero", path=path)

    def _encode(self, value: None, context: Any, path: str) -> int:
        return 0


class ChannelSet(Adapter):  # type: ignore[misc]
    """A bitmap of the channel numbers 0 to 15: bit n, counted from the least significant, stands for channel n."""

    def _decode(self, raw: int, context: Any, path: str) -> frozenset[int]:
        return frozenset(n for n in range(raw.bit_length()) if raw >> n & 1)

    def _encode(self, value: frozenset[int], context: Any, path: str) -> int:
        if type(value) is not frozenset:  # a list might name a channel twice
            raise ValidationError(f"{value!r} is no frozenset", path=path)
        if not value <= CHANNEL_BITS.keys():
            raise ValidationError(f"a channel of {sorted(value)} does not fit the bitmap", path=path)
        return sum(CHANNEL_BITS[n] for n in value)


class CallSign(Adapter):  # type: ignore[misc]
    """Capital letters, digits and spaces, filled up with spaces at the end; no space in front."""

    def _decode(self, raw: bytes, context: Any, path: str) -> str:
        text = raw.decode("latin-1").rstrip(" ")
        self._check(text, path)
        return text

    def _encode(self, value: str, context: Any, path: str) -> bytes:
        self._check(value, path)
        return value.encode("latin-1").ljust(self.subcon.sizeof(), b" ")

    def _check(self, text: str, path: str) -> None:
        if not is_call_sign(text, self.subcon.sizeof()):
            raise ValidationError(f"{text!r} is no call sign", path=path)


def is_call_sign(text: str, longest: int = 8) -> bool:
    """Whether a text can travel as a call sign: `A-Z0-9` and inner spaces, at most `longest` characters."""
    return len(text) <= longest and text == text.strip(" ") and CALL_SIGN_LETTERS.issuperset(text)


class OrNone(Construct):  # type: ignore[misc]
    """A group that may be absent as a whole: the bytes `none` say so; otherwise every field must be legal.

    `kind` is the NamedTuple that the group becomes, with the fields of `struct` in the same order.
    """

    def __init__(self, struct: Struct, kind: type, none: bytes):
        super().__init__()
        if struct.sizeof() != len(none):
            raise SizeofError("the none pattern has another size than the group")
        self.struct, self.kind, self.none = struct, kind, none
        self.names: tuple[str, ...] = tuple(field.name for field in struct.subcons)
        self.flagbuildnone = True

    def _parse(self, stream: Any, context: Any, path: str) -> Any:
        data = stream_read(stream, len(self.none), path)
        if data == self.none:
            return None
        fields = self.struct.parse(data)
        return self.kind(**{name: fields[name] for name in self.names})

    def _build(self, obj: Any, stream: Any, context: Any, path: str) -> Any:
        if obj is not None and type(obj) is not self.kind:
            raise ValidationError(f"{obj!r} is no {self.kind.__name__}", path=path)
        data = self.none if obj is None else self.struct.build(obj._asdict())  # type: ignore[attr-defined]
        stream_write(stream, data, len(self.none), path)
        return obj

    def _sizeof(self, context: Any, path: str) -> int:
        return len(self.none)
