"""`airaccord spec`: the references that are made from the code."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from nodes import clause_page, procedure_page
from nodes.commands.common import closed_pipe_is_no_error
from protocol import reference
from protocol.line import reference as line


class Subject(StrEnum):
    """What there is a reference of."""

    MESSAGES = "messages"
    PROCEDURES = "procedures"
    CLAUSES = "clauses"
    LINE = "line"
    LINE_DOCUMENTS = "line-documents"


PAGES = {
    Subject.MESSAGES: reference.markdown,
    Subject.PROCEDURES: procedure_page.page,
    Subject.CLAUSES: clause_page.page,
    Subject.LINE: line.schema_text,
    Subject.LINE_DOCUMENTS: line.markdown,
}


def spec(
    subject: Annotated[Subject, typer.Argument(help="What to print the reference of.")] = Subject.MESSAGES,
) -> None:
    """Print a reference, made from the code that it is about: every field of every message, what stations do when,
    what each clause asks and what proves a breach of it, or the ground line's documents: their JSON Schemas (line) and
    the page about them (line-documents).

    Example: airaccord spec messages > docs/messages.md
    """
    with closed_pipe_is_no_error():
        sys.stdout.write(PAGES[subject]())
