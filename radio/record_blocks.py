"""The pcapng blocks of a recording: made as the library makes them, and told apart one by one when read.

Only the envelope lives here: sections, interface and packets as bytes. What the records in the packets say, and which
of them to trust, is for `radio.recording` and `radio.record_layout`.
"""

import hashlib
import io
import struct
import warnings
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

from pcapng import FileWriter, blocks

from radio.record_chain import Damage

MAX_BLOCK_BYTES = 1 << 20
"""Longer blocks are neither written nor read: a damaged length must not claim gigabytes."""

APPLICATION = "airaccord recording 1 sha256="
USER0 = 147
INTERFACE_TYPE = blocks.InterfaceDescription.magic_number.to_bytes(4, "big")
PACKET_TYPE = blocks.EnhancedPacket.magic_number.to_bytes(4, "big")

CUT = "The file ends inside a block."

_SECTION_TYPE = blocks.SectionHeader.magic_number.to_bytes(4, "big")
_ENDIANNESS = ">"
_BIG_ENDIAN_MARK = bytes.fromhex("1a2b3c4d")
_PACKET = struct.Struct(">4sIIQII")
"""An enhanced packet block up to its content: type, length, interface, time, and twice the size of the content."""
# An option holds at most 65535 bytes, and a character takes at most 4.
_COMMENT_CHARACTERS = 0xFFFF // 4


class NotARecording(ValueError):
    """The file is none of our recordings; the message says what was found."""


class Block(NamedTuple):
    """One whole block, from its type to its second length, and where it stands in the file."""

    offset: int
    raw: bytes


class Envelope:
    """The blocks of a recording with this header, as the library makes them."""

    def __init__(self, header: str) -> None:
        comments = [header[at : at + _COMMENT_CHARACTERS] for at in range(0, len(header), _COMMENT_CHARACTERS)]
        options = {"shb_userappl": application(header), "opt_comment": comments}
        section = blocks.SectionHeader(endianness=_ENDIANNESS, options=options)
        self._buffer = io.BytesIO()
        self._writer = FileWriter(self._buffer, section)
        self.section = self._buffer.getvalue()
        # python-pcapng 2.1 warns of its own if_tsresol as an option without a type.
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            interface = {"link_type": USER0, "options": {"if_tsresol": b"\x09"}}
            self.interface = self._made(section.new_member(blocks.InterfaceDescription, **interface))
        self.opening = self.section + self.interface
        """Everything before the first record."""
        self._section = section

    def around(self, at_ns: int, packet: bytes) -> bytes:
        """The packet block with this time (ns UTC) and content: the bytes that the library would make, sooner."""
        size = len(packet)
        length = _PACKET.size + size + -size % 4 + 4
        head = _PACKET.pack(PACKET_TYPE, length, 0, at_ns, size, size)
        return head + packet + bytes(-size % 4) + length.to_bytes(4, "big")

    def inside(self, block: Block) -> bytes | None:
        """The content of a packet block; None if it cannot be read."""
        parts = _taken_apart(self._section.new_member, cls=blocks.EnhancedPacket, raw=block.raw[8:-4])
        return None if parts is None else parts.packet_data

    def _made(self, block: Any) -> bytes:
        self._buffer.seek(0)
        self._buffer.truncate()
        self._writer.write_block(block)
        return self._buffer.getvalue()


def application(header: str) -> str:
    """What the section header of a recording with this header text names as its application."""
    return APPLICATION + hashlib.sha256(header.encode()).hexdigest()


def read_section(block: Block) -> tuple[str | None, str]:
    """The application that a section header names (None: no section, or none named) and its comments, joined."""
    section = _taken_apart(blocks.SectionHeader, raw=block.raw[12:-4], endianness=_ENDIANNESS)
    if section is None:
        return None, ""
    return section.options.get("shb_userappl"), "".join(section.options.get_all("opt_comment"))


def begins_packet(head: bytes) -> bool:
    """Whether these bytes can be the beginning of a packet block that was cut short. Less than 24 say little."""
    length, size = int.from_bytes(head[4:8], "big"), int.from_bytes(head[20:24], "big")
    return PACKET_TYPE.startswith(head[:4]) and (len(head) < 24 or length == 32 + size + -size % 4)


class BlockReader:
    """Reads block after block from a binary stream, up to the first that is broken; `offset` is where it stands.

    Blocks are told apart here: the library gives no offsets, takes a file cut at certain places for one that ends, and
    reads as much as any length asks for. `offset` is where the next block begins, `broken` what ended the reading.
    """

    def __init__(self, stream: BinaryIO, offset: int = 0) -> None:
        self._stream = stream
        self.offset = offset
        self.broken: Damage | None = None

    def first(self) -> Block:
        """The section header. Raises NotARecording if the file does not begin with a whole big-endian one."""
        block = self._after(_checked_beginning(read_fully(self._stream, 12)))
        if block is None:
            assert self.broken
            raise NotARecording(f"the first block is broken. {self.broken.what}")
        return block

    def next(self) -> Block | None:
        """The next whole block; None at the end of the file and from the first broken block on."""
        head = b"" if self.broken else read_fully(self._stream, 8)
        return self._after(head) if head else None

    def goes_on(self) -> bool:
        """Whether anything, a block or not, stands after the last block. Takes a byte: nothing can be read after it."""
        return bool(self._stream.read(1))

    def _after(self, head: bytes) -> Block | None:
        """The block that begins with these bytes."""
        length = int.from_bytes(head[4:8], "big")
        if len(head) < 8:
            fault = CUT
        elif not 12 <= length <= MAX_BLOCK_BYTES or length % 4:
            fault = f"A block claims the impossible length of {length} bytes; reading stops here."
        else:
            raw = head + read_fully(self._stream, length - len(head))
            if len(raw) == length and raw[-4:] == raw[4:8]:
                self.offset += length
                return Block(self.offset - length, raw)
            fault = CUT if len(raw) < length else "A block's two lengths differ."
        self.broken = Damage(offset=self.offset, number=None, what=fault)
        return None


def _taken_apart(block_type: Callable[..., Any], **fields: Any) -> Any | None:
    """Let the library take a block apart, None if it cannot."""
    try:
        return block_type(**fields)
    except Exception:
        # The bytes may be anybody's, and the library answers bad ones with struct.error, AssertionError, TypeError,
        # UnicodeDecodeError and its own. All say one thing: no such block. The only place that catches so widely.
        return None


def read_fully(stream: BinaryIO, size: int) -> bytes:
    """Read so many bytes, fewer only at the end of the file: a pipe gives what it has."""
    data = stream.read(size)
    while len(data) < size and (more := stream.read(size - len(data))):
        data += more
    return data


def _checked_beginning(head: bytes) -> bytes:
    """The first 12 bytes of a big-endian pcapng file, or NotARecording."""
    if not head:
        raise NotARecording("the file is empty")
    if head[:4] != _SECTION_TYPE[: len(head)] or len(head) < 12:
        raise NotARecording(f"the file begins with {head[:4].hex(' ')}, a whole pcapng file with 0a 0d 0d 0a")
    if head[8:] == _BIG_ENDIAN_MARK[::-1]:
        raise NotARecording("it is a little-endian pcapng file; our recordings are big-endian")
    if head[8:] != _BIG_ENDIAN_MARK:
        raise NotARecording(f"the byte-order mark is {head[8:].hex(' ')}, not {_BIG_ENDIAN_MARK.hex(' ')}")
    return head
