"""The reference of the ground line's documents, made from their models: JSON Schemas, and `docs/line-documents.md`."""

import json
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol.line import documents as d
from protocol.line.envelope import BASE64_PATTERN, MAX_BYTES, Author, Envelope, Sealed
from protocol.line.names import VERSION, client_of_monitor

DIALECT = "https://json-schema.org/draft/2020-12/schema"
AGREEMENT = sha256(b"an agreement").hexdigest()
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
"""Of the examples: public knowledge."""
NOON_NS = 1_445_428_800_000_000_000
FRAMES = (bytes.fromhex("01ae2001"), bytes.fromhex("01ae2002"))
BOX: dict[str, Any] = {"south_deg": 35.0, "north_deg": 35.5, "west_deg": 36.25, "east_deg": 37.0, "floor_ft": 15000.0}
TIMES: dict[str, Any] = {"from_ns": NOON_NS + 900_000_000_000, "until_ns": NOON_NS + 8_100_000_000_000}

WORDS = {"integer": "whole number", "number": "number", "array": "list", "string": "text", "object": "object"}
"""For the types of JSON Schema."""

EXAMPLES: tuple[d.Body, ...] = (
    d.Heartbeat(),
    d.Gone(),
    d.Plan(id="recce-7", station="ae2001", **BOX, ceiling_ft=19_000.0, **TIMES),
    d.PlanAnswer(owner="coalition", plan="recce-7", result="agreed"),
    d.PlanWithdrawn(owner="coalition", plan="recce-7", reason="weather"),
    d.Area(id="range-2", **BOX, ceiling_ft=60_000.0, **TIMES),
    d.AreaLifted(area="range-2"),
    d.Frequencies(channels=(d.Frequency(number=2, name="guard", frequency_mhz=121.5, use="calls and distress"),)),
    d.Call(id="c-12", to="federation", text="radio check"),
    d.Answer(call="c-12", to="coalition", text="loud and clear"),
    d.Incident(what="too_close", clause="6.1", stations=("155001", "ae1001"), at_ns=NOON_NS, text="4 NM, 300 ft"),
    d.Manifest(
        station="ae2001",
        from_ns=NOON_NS,
        until_ns=NOON_NS + 10_000_000_000,
        session=1,
        first=0,
        last=1,
        hashes=tuple(d.hash_of(frame).hex() for frame in FRAMES),
        frames=tuple(frame.hex() for frame in FRAMES),
    ),
    d.Verdict(clause="6.1", subject="155001/ae1001", verdict="pass", counts={"pass": 12, "inconclusive": 1}),
)

OPENING = """# The documents of the ground line

Made from the models in `protocol/line/documents.py` by `airaccord spec line-documents`; do not edit it by hand. The
JSON Schemas of all kinds in one document are printed by `airaccord spec line`.

## What all have in common

{common}

**Text.** One JSON object in UTF-8, at most {most_bytes} bytes; no key twice in any object, no number that is not
finite. Texts have printable letters only. Whole numbers go up to 2^63 - 1, and a reader that takes them for
floating-point numbers loses some.

**Units.** Instants are nanoseconds of UTC since 1970, angles degrees in WGS 84, heights feet of pressure altitude. A
volume of airspace holds from `from_ns` until before `until_ns`; in each pair (south and north, west and east, floor
and ceiling, from and until) the first is smaller than the second. Stations go by their address in hex.

**Signature.** The sender writes the object without `signature`, with sorted keys and no spaces, non-ASCII letters as
`\\uXXXX`; signs the bytes with Ed25519; and puts `"signature":"` + base64 + `",` in where its key sorts, before `"v"`.
The receiver cuts exactly these bytes out, and verifies what is left: it has to write no JSON. A text in which they do
not stand once and there is refused. `agreement` is in what is signed, so nothing can be carried from one agreement to
another.

**Topic.** `airaccord/v{version}/{{agreement}}/{{kind}}/{{sender}}`, and for some kinds more. A document under another
topic than its own is refused. QoS 1. A *retained* kind is published with MQTT's retain flag; its topics are not
cleared.

**Number.** (`session`, `number`) rises with every document of a sender. Each is acted on once, in whatever order they
come: retained ones of long ago come after newer ones. Of two documents about the same thing the one with the higher
(`session`, `number`) holds. A client signs its last will when it connects, with a number of its own each time.

**Evidence** calls a document by its id, such as `coalition/plan#3.17`: number 17 of session 3.

The examples are signed with the Ed25519 key whose 32 private bytes are 0 to 31, and whose public key is
`{public}`. This is the text of the first, under the topic `{topic}`:

```
{text}
```
"""


def schema() -> dict[str, Any]:
    """One JSON Schema of every document: any of the kinds in `$defs`."""
    kinds: dict[str, Any] = {}
    parts: dict[str, Any] = {}
    for kind, model in d.KINDS.items():
        body = model.model_json_schema()
        parts |= body.pop("$defs", {})
        envelope = Envelope.model_json_schema()
        kinds[kind] = {
            "title": kind,
            "type": "object",
            "properties": envelope["properties"]
            | {
                "v": {"const": VERSION},
                "kind": {"const": kind},
                "body": body,
                "signature": {"type": "string", "pattern": f"^{BASE64_PATTERN}$"},
            },
            "required": list(envelope["properties"]),
            "additionalProperties": False,
        }
    references = [{"$ref": f"#/$defs/{kind}"} for kind in kinds]
    return {
        "$schema": DIALECT,
        "title": f"Documents of airaccord's ground line, version {VERSION}",
        "oneOf": references,
        "$defs": kinds | parts,
    }


def schema_text() -> str:
    """The schema as it is printed."""
    return json.dumps(schema(), indent=1) + "\n"


def examples() -> list[Sealed]:
    """One document of each kind, as it goes out."""
    coalition = Author("coalition", 3, AGREEMENT, KEY)
    monitor = Author(client_of_monitor("mon_1"), 1, AGREEMENT, KEY)
    return [(coalition if body.by_headquarters else monitor).write(body, NOON_NS) for body in EXAMPLES]


def markdown() -> str:
    """The whole page."""
    sealed = examples()
    opening = OPENING.format(
        most_bytes=f"{MAX_BYTES:,}",
        version=VERSION,
        common=_common(),
        public=KEY.public_key().public_bytes_raw().hex(),
        topic=sealed[0].topic,
        text=sealed[0].payload.decode(),
    )
    whole = schema()
    return "\n".join([opening, *(_section(body, whole) for body in EXAMPLES)])


def _common() -> str:
    """The table of what stands around the bodies."""
    any_kind: dict[str, Any] = next(iter(schema()["$defs"].values()))
    any_kind["properties"] |= {"kind": {"enum": list(d.KINDS)}, "body": {"type": "object"}}
    return _table(any_kind, {})


def _section(body: d.Body, whole: dict[str, Any]) -> str:
    senders = [
        who for allowed, who in ((body.by_headquarters, "headquarters"), (body.by_monitors, "monitors")) if allowed
    ]
    topic = "/".join(("…", body.kind, "{sender}", *(f"{{{part}}}" for part in body.topic_fields)))
    facts = f"By {' and '.join(senders)}; {'retained' if body.retained else 'not retained'}; topic `{topic}`."
    fields = _table(whole["$defs"][body.kind]["properties"]["body"], whole)
    shown = json.dumps(body.model_dump(mode="json", exclude_none=True), indent=1)
    about = " ".join((type(body).__doc__ or "").split())
    return f"## {body.kind}\n\n{about}\n\n{facts}\n\n{fields}\n\n```json\n{shown}\n```\n"


def _table(schema: dict[str, Any], whole: dict[str, Any]) -> str:
    """The fields of an object, as Markdown."""
    if not schema["properties"]:
        return "The body is empty: `{}`."
    required = schema.get("required", ())
    rows = [
        f"| `{name}` | {_kind(field, whole)} | {'yes' if name in required else 'no'} |"
        for name, field in schema["properties"].items()
    ]
    return "\n".join(["| Field | What it is | Required |", "|---|---|---|", *rows])


def _kind(field: dict[str, Any], whole: dict[str, Any]) -> str:
    """What values a field may have."""
    if "$ref" in field:
        inner = whole["$defs"][field["$ref"].rpartition("/")[2]]["properties"]
        return "{" + ", ".join(f"`{name}`: {_kind(f, whole)}" for name, f in inner.items()) + "}"
    if "anyOf" in field:
        return " or ".join(_kind(f, whole) for f in field["anyOf"] if f.get("type") != "null")
    if "const" in field or "enum" in field:
        return ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    told = WORDS[field["type"]]
    if "items" in field:
        told += f" of {_kind(field['items'], whole)}"
    if "propertyNames" in field:
        told += f" with whole numbers under {_kind(field['propertyNames'], whole)}"
    if "pattern" in field:
        told += f" like `{field['pattern'].replace('|', chr(92) + '|')}`"
    for low, high, of in (
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " letters"),
        ("minItems", "maxItems", " entries"),
    ):
        if low in field and high in field:
            most = "2^63 - 1" if field[high] == d.MOST_COUNT else f"{field[high]:.15g}"
            told += f", {field[low]:.15g} to {most}{of}"
        elif high in field:
            told += f", at most {field[high]}{of}"
    return told
