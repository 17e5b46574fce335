"""What may stand in a document: ranges, what must fit together, ids that are safe in topics."""

from typing import Any

import pytest
from pydantic import ValidationError

from protocol.line.documents import KINDS, MOST_FRAMES, Body, Document, Manifest, Verdict, hash_of
from protocol.line.names import client_of_monitor, client_of_party, clients
from protocol.line.reference import EXAMPLES

OF_KIND = {body.kind: body for body in EXAMPLES}


def read(kind: str, **changes: Any) -> Body:
    """An example of a kind as it would come, with some fields changed."""
    return KINDS[kind].model_validate(OF_KIND[kind].model_dump(mode="json") | changes)


def test_there_is_an_example_of_each_kind() -> None:
    assert OF_KIND.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_comes_back_from_plain_json_values(kind: str) -> None:
    assert read(kind) == OF_KIND[kind]


WRONG: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("heartbeat", {"hello": 1}, "not permitted"),
    ("plan", {"south_deg": 36.0}, "south_deg must be below north_deg"),
    ("plan", {"south_deg": 35.5}, "south_deg must be below north_deg"),
    ("plan", {"west_deg": 37.0}, "west_deg must be below east_deg"),
    ("plan", {"floor_ft": 20_000}, "floor_ft must be below ceiling_ft"),
    ("area", {"until_ns": 5, "from_ns": 5}, "from_ns must be below until_ns"),
    ("plan", {"north_deg": 90.001}, "less than or equal to 90"),
    ("plan", {"east_deg": float("inf")}, "less than or equal to 180"),
    ("plan", {"east_deg": float("nan")}, "less than or equal to 180"),
    ("plan", {"until_ns": 1 << 63}, "less than or equal to"),
    ("plan", {"from_ns": -1}, "greater than or equal to 0"),
    ("plan", {"from_ns": 1.0}, "valid integer"),
    ("plan", {"from_ns": True}, "valid integer"),
    ("plan", {"south_deg": "35"}, "valid number"),
    ("plan", {"station": "AE2001"}, "pattern"),
    ("plan", {"station": "ae200"}, "pattern"),
    ("plan", {"id": "a/b"}, "pattern"),
    ("plan", {"id": "+"}, "pattern"),
    ("plan", {"id": "a\n"}, "pattern"),
    ("plan", {"id": ""}, "pattern"),
    ("plan", {"id": "a" * 33}, "pattern"),
    ("plan_answer", {"owner": "Coalition"}, "pattern"),
    ("plan_answer", {"result": "advised"}, "'agreed' or 'refused'"),
    ("plan_answer", {"reason": "\x1b[2J"}, "printable"),
    ("plan_withdrawn", {"reason": "a" * 1001}, "at most 1000"),
    ("area_lifted", {"area": None}, "valid string"),
    ("frequencies", {"channels": []}, "at least 1"),
    ("frequencies", {"channels": [{"number": 1, "name": "a", "frequency_mhz": 100}] * 2}, "names a number twice"),
    ("frequencies", {"channels": [{"number": 16, "name": "a", "frequency_mhz": 100}]}, "less than or equal to 15"),
    ("call", {"to": "a/b"}, "pattern"),
    ("answer", {"text": 1}, "valid string"),
    ("incident", {"what": "rain"}, "simulated_attack"),
    ("incident", {"clause": "6.2"}, "'6.1' or '6.6'"),
    ("incident", {"stations": []}, "at least 1"),
    ("manifest", {"last": 2}, "one entry for each number"),
    ("manifest", {"last": 0}, "one entry for each number"),
    ("manifest", {"first": 2, "last": 0}, "one entry for each number"),
    ("manifest", {"session": 255}, "less than or equal to 254"),
    ("manifest", {"frames": ["01ae2001"]}, "frames must have one entry"),
    ("manifest", {"frames": ["01ae2001", "01ae2003"]}, "a frame that its hash is not of"),
    ("manifest", {"frames": ["01ae2001", "01ae200"]}, "pattern"),
    ("manifest", {"frames": ["01ae2001", "00" * 256]}, "at most 510"),
    ("manifest", {"hashes": ["05b8e00d46fb7bec", "1739BE8719A8048F"]}, "pattern"),
    ("manifest", {"last": MOST_FRAMES, "hashes": ["0" * 16] * (MOST_FRAMES + 1)}, "at most 1000"),
    ("verdict", {"verdict": "guilty"}, "not_applicable"),
    ("verdict", {"counts": {"guilty": 1}}, "pending"),
    ("verdict", {"counts": {"pass": -1}}, "greater than or equal to 0"),
    ("verdict", {"subject": "a/b/c"}, "pattern"),
    ("verdict", {"subject": "a+b"}, "pattern"),
    ("verdict", {"subject": "#"}, "pattern"),
    ("verdict", {"clause": "6.1/x"}, "pattern"),
)


@pytest.mark.parametrize(("kind", "changes", "told"), WRONG, ids=lambda v: str(v)[:40])
def test_what_may_not_stand_in_one(kind: str, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told) as raised:
        read(kind, **changes)
    assert raised.value.error_count() <= 2


def test_a_manifest_may_say_that_nothing_more_was_sent() -> None:
    empty = Manifest(station="ae2001", from_ns=1, until_ns=2, session=0, first=0, last=-1, hashes=())
    assert empty.last == empty.first - 1


def test_of_a_frame_a_manifest_has_the_first_8_bytes_of_sha_256() -> None:
    """FIPS 180-2, appendix B.1."""
    assert hash_of(b"abc").hex() == "ba7816bf8f01cfea"


def test_ids_and_topics() -> None:
    verdict = Verdict(clause="6.1", subject="155001/ae1001", verdict="pass", counts={})
    document = Document(agreement="a" * 64, sender="monitor-mon-1", session=3, number=17, at_ns=0, body=verdict)
    assert document.id == "monitor-mon-1/verdict#3.17"
    assert document.topic == f"airaccord/v1/{'a' * 64}/verdict/monitor-mon-1/6.1/155001/ae1001"


def test_names_on_the_line() -> None:
    assert client_of_party("Northern Alliance (3)") == "northern-alliance--3-"
    assert client_of_monitor("mon_1") == "monitor-mon-1"
    assert clients(["coalition", "federation"], ["mon_1"]) == {
        "coalition": "party coalition",
        "federation": "party federation",
        "monitor-mon-1": "monitor mon_1",
    }


@pytest.mark.parametrize(
    ("parties", "monitors", "told"),
    [
        (["A b", "a-b"], [], "party A b and party a-b would both be called 'a-b'"),
        (["a", "b"], ["m_1", "m-1"], "monitor m_1 and monitor m-1 would both"),
        (["Monitor 1", "b"], [], "party Monitor 1 would be taken for a monitor"),
        (["a" * 65, "b"], [], "is not 1 to 64 letters long"),
        (["", "b"], [], "is not 1 to 64 letters long"),
    ],
)
def test_names_that_cannot_be_told_apart(parties: list[str], monitors: list[str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        clients(parties, monitors)
