"""`airaccord why`: what became of one frame at one receiver, in a sentence."""

import json
from pathlib import Path
from typing import Annotated

import typer

from nodes.explaining import NotThere, explain, find

TRUTH = typer.Argument(help="truth.jsonl of a run.", show_default=False)
FRAME = typer.Argument(help="SOURCE:SESSION:SEQUENCE, such as ae1001:215:7.", show_default=False)
RECEIVER = typer.Argument(help="The receiver's address, six hex digits.", show_default=False)


def why(
    truth: Annotated[Path, TRUTH],
    frame: Annotated[str, FRAME],
    receiver: Annotated[str, RECEIVER],
    as_json: Annotated[bool, typer.Option("--json", help="Print what the truth has of it as JSON.")] = False,
) -> None:
    """Say why a frame was lost at a receiver, and by whose fault; or that it was received.

    Example: airaccord why out/truth.jsonl ae1001:215:7 0a0001
    """
    try:
        found = find(truth, frame, receiver)
    except NotThere as error:
        raise typer.BadParameter(str(error)) from None
    except OSError as error:
        raise typer.BadParameter(f"{truth}: {error.strerror}") from None
    typer.echo(json.dumps(found._asdict()) if as_json else explain(found))
