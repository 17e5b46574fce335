"""A monitor's recording: a pcapng file whose records are chained, written as it goes, read with suspicion.

Only the file lives here: what is written, and what of it can be read. Its blocks stand in `radio.record_blocks`, the
records in `radio.record_layout`, their chain in `radio.record_chain`; what they mean is for others. No wall clock,
machine or system name is written: equal input gives equal bytes.

The file (draft-ietf-opsawg-pcapng, big-endian) holds one section header, one interface (link type USER0, times in
nanoseconds), then one enhanced packet for each record. The section's comments, joined, are the header text: a text of
the caller's, such as canonical JSON. The section's application names the SHA-256 of that text.

What is trusted. Each record carries a hash of the one before, so a record is admitted only when it is whole and the
next one confirms it; the last of a file without a closing record is confirmed by nothing and left out. The chain
finds loss and clumsy editing. It is no signature: who rewrites everything from one record to the end leaves no trace
(of the closing record: who mends its CRC). Only a digest of the file, kept by somebody else, shows that.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from radio.record_blocks import (
    APPLICATION,
    CUT,
    INTERFACE_TYPE,
    MAX_BLOCK_BYTES,
    PACKET_TYPE,
    USER0,
    Block,
    BlockReader,
    Envelope,
    NotARecording,
    application,
    begins_packet,
    read_fully,
    read_section,
)
from radio.record_chain import Chain, Damage
from radio.record_layout import (
    BadRecord,
    Closing,
    Entry,
    HearingGap,
    HostTrouble,
    LineDocument,
    LineGap,
    Reception,
    Record,
    decode,
    encode,
    link,
    read_back,
    time_ns,
)

__all__ = [
    "Damage",
    "HearingGap",
    "HostTrouble",
    "LineDocument",
    "LineGap",
    "NotARecording",
    "Reader",
    "Reception",
    "Record",
    "Recording",
    "Writer",
    "read",
    "time_ns",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A whole recording. `header` is None if it cannot be trusted, `end_ns` (ns UTC) unless the recording is closed."""

    header: str | None
    records: tuple[Record, ...]
    damage: tuple[Damage, ...]
    closed: bool
    end_ns: int | None


class Writer:
    """Writes a recording to a binary stream and flushes it after each record; the stream stays open, the caller's.

    Records come in order of their times. Raises ValueError for values out of range, for time that runs back, for a
    header that makes a block over 1 MiB, and for anything after `close`; nothing is written then.
    """

    def __init__(self, stream: BinaryIO, header: str) -> None:
        self._begin(stream, header)
        if len(self._envelope.section) > MAX_BLOCK_BYTES:
            raise ValueError(f"the header makes a block of {len(self._envelope.section)} bytes, over {MAX_BLOCK_BYTES}")
        self._put(self._envelope.opening)

    @classmethod
    def resume(cls, stream: BinaryIO, header: str, take: Callable[[Record], object]) -> "Writer":
        """Go on with a recording whose writer was killed, at whatever byte.

        The stream is read and written, and can seek. `take` gets each record that is there, in order; the last one
        counts though nothing confirms it, for the file is our own. Then the record that was cut short is taken off, and
        the writer goes on. Where not even the header is whole, as in an empty file, it begins anew. That nothing was
        heard from `last_ns` until now is for the caller to write.

        Raises NotARecording if the file begins otherwise than with this header, and ValueError if the recording is
        closed or damaged and not just cut short; the file is left as it is then, whatever `take` got.
        """
        writer = cls.__new__(cls)
        writer._begin(stream, header)
        opening = writer._envelope.opening
        stream.seek(0)
        there = read_fully(stream, len(opening))
        if not opening.startswith(there):
            raise NotARecording("the file does not begin with the header of the recording that is to go on")
        offset = 0
        if there == opening:
            offset = writer._follow(BlockReader(stream, len(opening)), take)
        stream.seek(offset)
        stream.truncate()
        return writer if offset else cls(stream, header)

    def _begin(self, stream: BinaryIO, header: str) -> None:
        self._stream = stream
        self._envelope = Envelope(header)
        self._link = link(header.encode())
        self._number = 0
        self._last_ns = 0
        self._closed = False

    @property
    def last_ns(self) -> int:
        """The time of the last record, ns UTC; 0 before the first."""
        return self._last_ns

    def _follow(self, blocks: BlockReader, take: Callable[[Record], object]) -> int:
        """Read on to the last whole record, each as this writer would have written it; return where it ends."""
        while block := blocks.next():
            packet = self._envelope.inside(block)
            try:
                entry = decode(packet or b"")
            except BadRecord as error:
                raise ValueError(f"the recording is damaged at byte {block.offset}: the record {error}") from None
            if isinstance(entry, Closing):
                raise ValueError("the recording is closed; nothing can be added to it")
            at_ns, mine = time_ns(entry), encode(entry, self._link)
            if entry.number != self._number or at_ns < self._last_ns or block.raw != self._envelope.around(at_ns, mine):
                raise ValueError(f"the recording is damaged at byte {block.offset}: it is no record that follows")
            self._wrote(mine, at_ns)
            take(entry)
        self._stream.seek(blocks.offset)
        # A length that is wrong must not cost the records behind it: what is cut off is a record that was cut short.
        if blocks.broken and not (blocks.broken.what == CUT and begins_packet(read_fully(self._stream, 24))):
            raise ValueError(f"the recording is damaged at byte {blocks.offset}: {blocks.broken.what}")
        return blocks.offset

    def reception(
        self,
        *,
        arrival_ns: int,
        channel: int,
        latitude_e7: int,
        longitude_e7: int,
        height_cm: int,
        power_tenths_dbm: int,
        clock_bound_ns: int,
        tuned: Iterable[int],
        frame: bytes,
    ) -> Reception:
        """Write one frame heard (units as in `Reception`); return the record as a reader will get it."""
        place = (arrival_ns, channel, latitude_e7, longitude_e7, height_cm)
        entry = Reception(self._number, *place, power_tenths_dbm, clock_bound_ns, tuple(tuned), frame)
        written = self._add(entry)
        assert isinstance(written, Reception)
        return written

    def hearing_gap(self, from_ns: int, until_ns: int) -> HearingGap:
        """Write that nothing could be heard between two instants; return the record as a reader will get it."""
        written = self._add(HearingGap(self._number, from_ns, until_ns))
        assert isinstance(written, HearingGap)
        return written

    def host_trouble(self, *, at_ns: int, address: int, from_ns: int, until_ns: int | None) -> HostTrouble:
        """Write that the emulator had trouble with a station (as in `HostTrouble`); return the record as read back.

        Write it before the first frame that the station sends after it: a judge takes nothing back.
        """
        written = self._add(HostTrouble(self._number, at_ns, address, from_ns, until_ns))
        assert isinstance(written, HostTrouble)
        return written

    def document(self, *, at_ns: int, topic: str, payload: bytes) -> LineDocument:
        """Write what came over the ground line (as in `LineDocument`); return the record as read back."""
        written = self._add(LineDocument(self._number, at_ns, topic, payload))
        assert isinstance(written, LineDocument)
        return written

    def line_gap(self, *, at_ns: int, from_ns: int, until_ns: int | None) -> LineGap:
        """Write that the ground line was cut off (as in `LineGap`); return the record as read back."""
        written = self._add(LineGap(self._number, at_ns, from_ns, until_ns))
        assert isinstance(written, LineGap)
        return written

    def close(self, end_ns: int) -> None:
        """Write the closing record: the recording ended at `end_ns`, and nothing is missing at its end."""
        self._add(Closing(self._number, end_ns))
        self._closed = True

    def _add(self, entry: Entry) -> Entry:
        if self._closed:
            raise ValueError("the recording is closed")
        packet = encode(entry, self._link)
        # Read back, so that the live judge sees what the later check will see: no numpy integer, no bytearray.
        written = read_back(packet)
        at_ns = time_ns(written)
        if at_ns < self._last_ns:
            raise ValueError(f"record {self._number} at {at_ns} ns is earlier than the one before at {self._last_ns}")
        self._put(self._envelope.around(at_ns, packet))
        self._wrote(packet, at_ns)
        return written

    def _wrote(self, packet: bytes, at_ns: int) -> None:
        self._link, self._number, self._last_ns = link(packet), self._number + 1, at_ns

    def _put(self, data: bytes) -> None:
        self._stream.write(data)
        self._stream.flush()


class Reader:
    """Reads a recording from the beginning of a binary stream, holding one record at a time.

    Iterate once. Admitted records and damage come in the order of the file, so that what is missing is known to be
    missing between two neighbours; `closed` and `end_ns` are final after the last. Whatever the bytes, nothing is
    raised but NotARecording, when built.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._blocks = BlockReader(stream)
        self._opening: list[Damage] = []
        self.header = self._read_header()
        self._envelope = Envelope(self.header or "")
        self._chain = Chain((self.header or "").encode())
        if self.header is not None:
            self._read_interface()

    @property
    def closed(self) -> bool:
        """Whether the closing record has been read."""
        return self._chain.end_ns is not None

    @property
    def end_ns(self) -> int | None:
        """When the recording ended, ns UTC by the receiver's clock; None unless closed."""
        return self._chain.end_ns

    def __iter__(self) -> Iterator[Record | Damage]:
        yield from self._opening
        if self.header is None:
            return
        while not self.closed and (block := self._blocks.next()):
            yield from self._take(block)
        if self._blocks.broken:
            yield self._blocks.broken
        if not self.closed:
            yield self._chain.cut(self._blocks.offset)
        elif self._blocks.goes_on():
            yield Damage(offset=self._blocks.offset, number=None, what="The file goes on after the closing record.")

    def _take(self, block: Block) -> Iterator[Record | Damage]:
        if block.raw[:4] != PACKET_TYPE:
            what = f"A block of type 0x{block.raw[:4].hex()} stands here, which no recording holds; it is left out."
            yield Damage(offset=block.offset, number=None, what=what)
            return
        packet = self._envelope.inside(block)
        if packet is None:
            yield Damage(offset=block.offset, number=None, what="The packet block cannot be read; it is left out.")
            return
        entry: Entry | BadRecord
        try:
            entry = decode(packet)
        except BadRecord as error:
            entry = error
        else:
            # The record's CRC does not cover the block around it, so that is compared with what we would write.
            if block.raw != self._envelope.around(time_ns(entry), packet):
                what = "The packet block is not as it was written; the record in it is whole."
                yield Damage(offset=block.offset, number=entry.number, what=what)
        yield from self._chain.take(block.offset, packet, entry)

    def _read_header(self) -> str | None:
        """The header text, or None with the damage noted if it does not match its hash."""
        block = self._blocks.first()
        named, header = read_section(block)
        if APPLICATION.encode() not in block.raw:
            raise NotARecording(f"the section header names the application {named!r}, not {APPLICATION!r}")
        if named != application(header):
            what = "The header does not match its SHA-256; without it no record is admitted."
            self._opening.append(Damage(offset=0, number=None, what=what))
            return None
        if block.raw != Envelope(header).section:
            what = "The section header is not as it was written; the header text in it is whole."
            self._opening.append(Damage(offset=0, number=None, what=what))
        return header

    def _read_interface(self) -> None:
        block = self._blocks.next()
        if block is None or block.raw == self._envelope.interface:
            return
        if block.raw[:4] == INTERFACE_TYPE and (link_type := int.from_bytes(block.raw[8:10], "big")) != USER0:
            raise NotARecording(f"the interface has link type {link_type}, not {USER0} (USER0)")
        what = "The second block is not the interface description as it was written."
        self._opening.append(Damage(offset=block.offset, number=None, what=what))


def read(stream: BinaryIO) -> Recording:
    """Read a whole recording into memory. Raises NotARecording if it is none of ours, nothing else for any bytes."""
    reader = Reader(stream)
    records: list[Record] = []
    damage: list[Damage] = []
    for item in reader:
        if isinstance(item, Damage):
            damage.append(item)
        else:
            records.append(item)
    header, closed, end_ns = reader.header, reader.closed, reader.end_ns
    return Recording(header=header, records=tuple(records), damage=tuple(damage), closed=closed, end_ns=end_ns)
