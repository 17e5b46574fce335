"""Documents as text: what is signed, and that anybody can verify it who has only the page."""

import base64
import json
import re
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, strategies as st

from protocol.line.documents import Call, Document, Heartbeat, Manifest, Plan, hash_of
from protocol.line.envelope import MAX_BYTES, Keys, Refused, open_sealed, seal
from protocol.line.reference import AGREEMENT, KEY, examples

PUBLIC = KEY.public_key().public_bytes_raw()
KEYS = Keys({"coalition": PUBLIC.hex(), "monitor-mon-1": PUBLIC.hex()})
CALM = Document(agreement=AGREEMENT, sender="coalition", session=3, number=1, at_ns=5, body=Heartbeat())


def test_what_is_signed_and_how_it_looks() -> None:
    """A golden text: it may change with the version of the documents only."""
    assert seal(CALM, KEY).payload == (
        b'{"agreement":"a9aaaa706be7afb252766a63879b62b50205b45523573f1ebf6e2933e732533e","at_ns":5,"body":{},'
        b'"kind":"heartbeat","number":1,"sender":"coalition","session":3,"signature":"'
        b'kjMciLu7PaEj8M0KWR+pQhmVObZcpL5PgaGMBR/68zBnqMLdeATYxtyoILtrzul3usk/3UdhC9l92UTywY4PCw==","v":1}'
    )


@pytest.mark.parametrize("sealed", examples(), ids=lambda s: s.topic.split("/")[3])
def test_anybody_can_verify_it_with_what_the_page_says(sealed: object) -> None:
    _, payload, _ = sealed  # type: ignore[misc]
    (signature,) = re.findall(rb'"signature":"([^"]*)",', payload)
    signed = payload.replace(b'"signature":"' + signature + b'",', b"")
    Ed25519PublicKey.from_public_bytes(PUBLIC).verify(base64.b64decode(signature), signed)
    members = json.loads(payload)
    del members["signature"]
    assert json.dumps(members, sort_keys=True, separators=(",", ":")).encode() == signed


@pytest.mark.parametrize("sealed", examples(), ids=lambda s: s.topic.split("/")[3])
def test_it_comes_back_as_it_was(sealed: object) -> None:
    topic, payload, retain = sealed  # type: ignore[misc]
    document = open_sealed(topic, payload, AGREEMENT, KEYS)
    assert seal(document, KEY) == (topic, payload, retain)
    assert len(document.digest) == 64


degrees = st.floats(-89, 89, allow_nan=False)


@given(south=degrees, west=degrees, text=st.text(st.characters(exclude_categories=("C", "Z")), max_size=50))
def test_every_number_and_text_comes_back(south: float, west: float, text: str) -> None:
    plan = Plan(
        id="p", station="ae2001", south_deg=south, north_deg=90, west_deg=west, east_deg=180, floor_ft=-1e-7,
        ceiling_ft=1, from_ns=0, until_ns=(1 << 63) - 1,
    )  # fmt: skip
    for body in (plan, Call(id="c", to="federation", text=text)):
        sealed = seal(replace(CALM, body=body), KEY)
        assert open_sealed(sealed.topic, sealed.payload, AGREEMENT, KEYS).body == body


def test_the_largest_manifest_fits() -> None:
    frame = bytes(255)
    manifest = Manifest(
        from_ns=1,
        until_ns=2,
        station="ae2001",
        session=254,
        first=(1 << 40) - 999,
        last=1 << 40,
        hashes=(hash_of(frame).hex(),) * 1000,
        frames=(frame.hex(),) * 1000,
    )
    assert len(seal(replace(CALM, body=manifest), KEY).payload) < MAX_BYTES


@pytest.mark.parametrize("changes", [{"number": 0}, {"session": -1}, {"sender": "A"}, {"at_ns": 1 << 63}])
def test_what_nobody_would_take_is_not_sealed(changes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        seal(replace(CALM, **changes), KEY)  # type: ignore[arg-type]


def test_no_byte_of_a_text_can_be_changed() -> None:
    topic, payload, _ = seal(replace(CALM, body=Call(id="c", to="federation", text="go")), KEY)
    for i in range(len(payload)):
        for bit in (1, 32):  # 32: a letter becomes its capital, or a capital small
            changed = payload[:i] + bytes([payload[i] ^ bit]) + payload[i + 1 :]
            with pytest.raises(Refused):
                open_sealed(topic, changed, AGREEMENT, KEYS)


def test_the_signature_stands_in_its_place() -> None:
    """Else one document would have several texts."""
    topic, payload, _ = seal(CALM, KEY)
    (member,) = re.findall(rb'"signature":"[^"]*",', payload)
    with pytest.raises(Refused, match="wrong_signature"):
        open_sealed(topic, b"{" + member + payload.replace(member, b"")[1:], AGREEMENT, KEYS)


@pytest.mark.parametrize("key", ["00" * 31, "zz" * 32, ""])
def test_what_is_no_public_key_is_our_mistake(key: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Keys({"coalition": key})
