"""Frames as plain data and as text for people: enumerations by name, addresses in hex. Nothing is decided here."""

from enum import IntEnum
from typing import Any

from protocol.messages import TIME_BOUND_NS, Frame, FrameKey
from protocol.units import NS_PER_MS

ADDRESSES = frozenset({"source", "addressee", "subject", "peer"})
BIT_STRINGS = frozenset({"agreement", "earlier"})
"""32 bits that are no number."""


def as_dict(frame: Frame) -> dict[str, Any]:
    """A frame as JSON has it: the header's fields, and under `message` those of the message.

    Addresses are 6 digits of lower-case hex, a frame's name is `source:session:sequence`, enumerations go by name,
    sets are sorted lists, groups are objects, the agreement's digest and a WATCH's bitmap 8 digits of hex, and None
    is "not available".
    """
    header = {name: _plain(name, getattr(frame, name)) for name in Frame._fields if name != "message"}
    return {"type": frame.type.name, **header, "message": _plain_fields(frame.message)}


def key_text(key: FrameKey) -> str:
    """The name of a frame, such as `ae1001:1:17`."""
    return f"{key.source:06x}:{key.session}:{key.sequence}"


def as_text(frame: Frame) -> str:
    """A frame for people: its type and name, then a line for each field."""
    fields = as_dict(frame)
    bound_ns = TIME_BOUND_NS.get(frame.time_quality)
    header = {
        "channel": frame.channel,
        "intent": frame.intent or "none in force",
        "time": f"{frame.time_us // 1_000_000}.{frame.time_us % 1_000_000:06} s, "
        + (f"within {bound_ns // NS_PER_MS} ms" if bound_ns else "no bound claimed"),
        "flags": f"{frame.flags:#04x}",
    }
    width = max(map(len, (*header, *fields["message"])))
    lines = [f"  {name:{width}}  {_text(value)}" for name, value in (header | fields["message"]).items()]
    return "\n".join([f"{frame.type.name} {key_text(frame.key)}", *lines])


def _plain_fields(group: Any) -> dict[str, Any]:
    return {name: _plain(name, value) for name, value in group._asdict().items()}


def _plain(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, IntEnum):
        return value.name
    if isinstance(value, FrameKey):
        return key_text(value)
    if isinstance(value, tuple):
        return _plain_fields(value)
    if isinstance(value, frozenset):
        return sorted(value)
    if name in ADDRESSES:
        return f"{value:06x}"
    return f"{value:08x}" if name in BIT_STRINGS else value


def _text(value: Any) -> str:
    if value is None:
        return "not available"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(part)}" for name, part in value.items())
    return str(value)
