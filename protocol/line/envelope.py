"""Documents as text on the line, and back: canonical JSON, signed with the sender's Ed25519 key.

The signature is over the UTF-8 text without its signature, which stands in it once as `"signature":"…",` before `"v"`.
Whoever verifies cuts that out of the bytes that came, and needs to write no JSON as the sender does.
"""

import base64
import json
import re
from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from protocol.agreement import canonical_json
from protocol.line.documents import KINDS, MOST_COUNT, MOST_FRAMES, Body, Document, body_of
from protocol.line.names import CLIENT_PATTERN, VERSION, is_monitor

MAX_BYTES = 1 << 20
"""Longer texts are not even read. A manifest of 1000 frames of 255 bytes has some 530,000."""
MOST_DIGITS = 30
"""Numbers with more are not read: no document has any, and reading them takes long."""
MOST_MEMBERS = 32
"""Of the object and of its body: with more, neither is looked at."""
BASE64_PATTERN = "[A-Za-z0-9+/]{85}[AQgw]=="
"""64 bytes, each in one way only: the last letter has 4 bits that say nothing."""
_SIGNATURE = re.compile(rf'"signature":"({BASE64_PATTERN})",(?="v":)'.encode())


class Reason(StrEnum):
    """Why something that came was no document to act on."""

    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    MALFORMED = "malformed"
    OTHER_VERSION = "other_version"
    OTHER_AGREEMENT = "other_agreement"
    WRONG_TOPIC = "wrong_topic"
    UNKNOWN_SENDER = "unknown_sender"
    UNSIGNED = "unsigned"
    WRONG_SIGNATURE = "wrong_signature"
    NOT_ALLOWED = "not_allowed"
    """A monitor's kind by a headquarters, or the other way round."""
    REPEATED = "repeated"
    """The same text again, as QoS 1 may deliver it."""
    REPLAYED = "replayed"
    """A number that the sender has used before, or that is too old to say."""
    EARLY = "early"


class Refused(Exception):
    """Something that came is no document to act on. `signed`: its sender's signature is right, so the sender did it."""

    def __init__(self, reason: Reason, detail: str = "", sender: str = "", signed: bool = False):
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason, self.detail, self.sender, self.signed = reason, detail, sender, signed


class Sealed(NamedTuple):
    """What goes out: the three things that the transport knows."""

    topic: str
    payload: bytes
    retain: bool


class Envelope(BaseModel):
    """What stands around every body, but for what is checked before."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    v: int
    agreement: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    kind: Annotated[str, Field(max_length=32)]
    sender: Annotated[str, Field(pattern=CLIENT_PATTERN)]
    session: Annotated[int, Field(ge=0, le=MOST_COUNT)]
    number: Annotated[int, Field(ge=1, le=MOST_COUNT)]
    at_ns: Annotated[int, Field(ge=0, le=MOST_COUNT)]
    body: Annotated[dict[str, Any], Field(max_length=MOST_MEMBERS)]
    signature: Annotated[str, Field(max_length=100)] = ""


def seal(document: Document, key: Ed25519PrivateKey) -> Sealed:
    """A document as it goes out, signed by its sender's key. Raises ValueError for one that nobody would take."""
    fields = {
        "v": VERSION,
        "agreement": document.agreement,
        "kind": document.kind,
        "sender": document.sender,
        "session": document.session,
        "number": document.number,
        "at_ns": document.at_ns,
        "body": body_of(document),
    }
    Envelope.model_validate(fields)
    signature = base64.b64encode(key.sign(canonical_json(fields).encode())).decode()
    payload = canonical_json({**fields, "signature": signature}).encode()
    if len(payload) > MAX_BYTES:
        raise ValueError(f"{document.id} has {len(payload)} bytes; {MAX_BYTES} are the most")
    return Sealed(document.topic, payload, document.body.retained)


class Author:
    """Numbers, dates and signs what one client says in one session. `session` must be larger than any before."""

    def __init__(self, sender: str, session: int, agreement: str, key: Ed25519PrivateKey):
        self.sender, self.session, self.agreement = sender, session, agreement
        self._key, self._number = key, 0

    def write(self, body: Body, at_ns: int) -> Sealed:
        """The next document."""
        self._number += 1
        document = Document(
            agreement=self.agreement,
            sender=self.sender,
            session=self.session,
            number=self._number,
            at_ns=at_ns,
            body=body,
        )
        return seal(document, self._key)


class Keys:
    """The public keys of an agreement's annexes, by client. Raises ValueError for what is no key."""

    def __init__(self, keys: dict[str, str]):
        self._keys = {name: Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)) for name, key in keys.items()}

    def __contains__(self, client: str) -> bool:
        return client in self._keys

    def verify(self, client: str, data: bytes, signature: bytes) -> bool:
        """Whether `client` signed `data`."""
        try:
            self._keys[client].verify(signature, data)
        except InvalidSignature:
            return False
        return True


def open_sealed(topic: str, payload: bytes, agreement: str, keys: Keys) -> Document:
    """What came, as a document whose signature is right and that came under its own topic.

    Raises Refused for everything else, and nothing else whatever comes.
    """
    if len(payload) > MAX_BYTES:
        raise Refused(Reason.TOO_LARGE, f"{len(payload)} bytes")
    envelope = _envelope(_parsed(payload), agreement)
    sender = envelope.sender
    if sender not in keys:
        raise Refused(Reason.UNKNOWN_SENDER, sender)
    _verify(payload, envelope, keys)
    document = Document(
        agreement=agreement,
        sender=sender,
        session=envelope.session,
        number=envelope.number,
        at_ns=envelope.at_ns,
        body=_body(envelope),
        digest=sha256(payload).hexdigest(),
    )
    if topic != document.topic:
        # whoever published it there need not be its sender
        raise Refused(Reason.WRONG_TOPIC, f"it belongs to {document.topic}", sender)
    return document


def _parsed(payload: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(
            payload.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_constant=_constant,
        )
    except (ValueError, RecursionError) as error:  # a UnicodeDecodeError is a ValueError
        raise Refused(Reason.NOT_JSON, type(error).__name__) from None
    if not isinstance(parsed, dict) or len(parsed) > MOST_MEMBERS:
        raise Refused(Reason.MALFORMED, "no JSON object, or one with too many members")
    return parsed


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a key is given twice")
    return members


def _integer(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError("too many digits")
    return int(digits)


def _constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _envelope(members: dict[str, Any], agreement: str) -> Envelope:
    version = members.get("v")
    if isinstance(version, int) and not isinstance(version, bool) and version != VERSION:
        raise Refused(Reason.OTHER_VERSION, str(version))
    try:
        envelope = Envelope.model_validate(members)
    except ValidationError as error:
        raise Refused(Reason.MALFORMED, _told(error)) from None
    if envelope.agreement != agreement:
        raise Refused(Reason.OTHER_AGREEMENT, envelope.agreement)
    return envelope


def _verify(payload: bytes, envelope: Envelope, keys: Keys) -> None:
    """Raises Refused unless the sender signed exactly this text."""
    if not envelope.signature:
        raise Refused(Reason.UNSIGNED, "", envelope.sender)
    found = list(_SIGNATURE.finditer(payload))
    if len(found) != 1:
        raise Refused(Reason.WRONG_SIGNATURE, "not one signature as it must stand in the text", envelope.sender)
    match = found[0]
    signed = payload[: match.start()] + payload[match.end() :]
    if not keys.verify(envelope.sender, signed, base64.b64decode(match[1])):
        raise Refused(Reason.WRONG_SIGNATURE, "", envelope.sender)


def _body(envelope: Envelope) -> Body:
    kind, sender = KINDS.get(envelope.kind), envelope.sender
    if kind is None:
        raise Refused(Reason.MALFORMED, f"no kind {envelope.kind!a}", sender, signed=True)
    if not (kind.by_monitors if is_monitor(sender) else kind.by_headquarters):
        raise Refused(Reason.NOT_ALLOWED, envelope.kind, sender, signed=True)
    if any(isinstance(value, list) and len(value) > MOST_FRAMES for value in envelope.body.values()):
        raise Refused(Reason.MALFORMED, "a list with too many entries", sender, signed=True)  # telling each takes long
    try:
        return kind.model_validate(envelope.body)
    except ValidationError as error:
        raise Refused(Reason.MALFORMED, _told(error), sender, signed=True) from None


def _told(error: ValidationError) -> str:
    """The first problem, where and what; never the value, which may be anything."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return ascii(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")[1:-1][:200]  # a key may be anything, too
