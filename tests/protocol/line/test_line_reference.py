"""The page and the JSON Schemas of the documents: as the models say, and good for whoever has nothing else."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from nodes.main import run
from protocol.line.documents import KINDS
from protocol.line.reference import EXAMPLES, examples, markdown, schema

PAGE = Path(__file__).parents[3] / "docs" / "line-documents.md"
SCHEMA = Draft202012Validator(schema())
DOCUMENTS = [json.loads(sealed.payload) for sealed in examples()]


def of_kind(document: dict[str, Any]) -> str:
    return str(document["kind"])


def test_the_page_is_made_from_the_models(capsys: pytest.CaptureFixture[str]) -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), "airaccord spec line-documents > docs/line-documents.md"
    assert run(["spec", "line-documents"]) == 0
    assert capsys.readouterr().out == markdown()


def test_the_schemas_are_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["spec", "line"]) == 0
    printed = json.loads(capsys.readouterr().out)
    Draft202012Validator.check_schema(printed)
    assert printed == schema()
    assert [r["$ref"] for r in printed["oneOf"]] == [f"#/$defs/{kind}" for kind in KINDS]


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_has_each_kind_its_fields_and_an_example(kind: str) -> None:
    (section,) = re.findall(rf"(?ms)^## {kind}$(.*?)(?=^## |\Z)", markdown())
    body = next(b for b in EXAMPLES if b.kind == kind)
    assert re.findall(r"(?m)^\| `(\w+)` \|", section) == list(type(body).model_fields)
    (example,) = re.findall(r"(?s)```json\n(.*?)```", section)
    assert KINDS[kind].model_validate(json.loads(example)) == body
    assert "retained; topic `" in section


@pytest.mark.parametrize("document", DOCUMENTS, ids=of_kind)
def test_the_schema_takes_what_goes_out(document: dict[str, Any]) -> None:
    SCHEMA.validate(document)


@pytest.mark.parametrize("document", DOCUMENTS, ids=of_kind)
def test_the_schema_refuses_what_the_models_refuse(document: dict[str, Any]) -> None:
    """But for what must fit together, which JSON Schema cannot say: each member missing, or of another type."""
    for member in document:
        assert not SCHEMA.is_valid({k: v for k, v in document.items() if k != member})
    assert not SCHEMA.is_valid(document | {"more": 1})
    body = document["body"]
    changed = [body | {"more": 1}]
    for name in body:
        changed.append({k: v for k, v in body.items() if k != name})
        changed += [body | {name: value} for value in (None, True, -3000, 10**25, "", "A B\n", [], [{}], {"": {}})]
    for other in changed:
        assert SCHEMA.is_valid(document | {"body": other}) == fits_alone(document["kind"], other), other


def fits_alone(kind: str, body: dict[str, Any]) -> bool:
    """Whether the model takes a body, or only complains of what does not fit together."""
    try:
        KINDS[kind].model_validate(body)
    except ValidationError as error:
        return all(e["type"] == "value_error" for e in error.errors())
    return True
