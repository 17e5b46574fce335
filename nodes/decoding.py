"""What bytes off the air mean. The same ones reach stations, monitors and their judge: they are decoded once."""

from functools import lru_cache

from protocol import codec
from protocol.errors import DecodeError
from protocol.messages import Frame

REMEMBERED = 512
"""Frames, the last used: more than a monitor holds back until nothing can arrive before them."""


@lru_cache(maxsize=REMEMBERED)
def decoded(data: bytes) -> Frame | None:
    """The frame, which nobody can change; None: these bytes are none."""
    try:
        return codec.decode(data)
    except DecodeError:
        return None
