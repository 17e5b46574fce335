"""The reference in `docs/` is the one that the definitions give, and says something about every field."""

from pathlib import Path
from typing import get_args

import google_crc32c
import pytest

from protocol import codec, reference, wire
from protocol.messages import Message
from protocol.reference_text import ABOUT

DOCUMENT = Path(__file__).parents[2] / "docs" / "messages.md"


def test_the_document_is_not_stale() -> None:
    stale = "docs/messages.md is stale: airaccord spec > docs/messages.md"
    assert DOCUMENT.read_text(encoding="utf-8") == reference.markdown(), stale


def test_every_field_has_its_line_and_no_line_is_left_over() -> None:
    rows = [row for kind in (None, *get_args(Message)) for row in reference.rows(kind)]
    assert {f"{row.within}.{row.name}" for row in rows} == ABOUT.keys()


@pytest.mark.parametrize("kind", [None, *get_args(Message)])
def test_rows_cover_every_bit_once(kind: type[Message] | None) -> None:
    """Without the rows of whole groups, the next row begins where one ends."""
    rows = [row for row in reference.rows(kind) if not hasattr(row.kind, "none")]
    begin, end = (
        (0, wire.HEADER_BYTES) if kind is None else (wire.HEADER_BYTES, wire.frame_bytes(kind) - wire.CRC_BYTES)
    )
    assert [row.first_bit for row in rows] + [8 * end] == [8 * begin] + [row.first_bit + row.bits for row in rows]


def test_a_table_tells_place_type_unit_step_range_and_not_available() -> None:
    lines = reference.markdown().splitlines()
    for line in (
        "| 16-19 | `latitude_deg` | int32 | deg | 0.0000001 | -90 to 90 | 0x80000000 | WGS 84, north positive |",
        "| 40.1-40.0 | `reserved` | uint2 |  |  | 0 |  | must be 0 |",
        "| 25-28 | `read_back` | uint32 |  |  | 0 to 4294967294 | 0xffffffff | the number that is read back |",
        "| 48-50 | `second.altitude_ft` | int24 | ft | 1 | -2000 to 200000 | 0x800000 | pressure altitude |",
    ):
        assert line in lines


def test_the_example_is_a_frame() -> None:
    block = reference.markdown().split("## Example")[1].split("```")[1]
    assert codec.decode(bytes.fromhex(block)) == reference.EXAMPLE


def test_the_checksum_is_the_one_that_is_described() -> None:
    assert google_crc32c.value(b"123456789") == 0xE3069283
    assert "0xE3069283" in reference.markdown()
