"""`airaccord spec`: the message reference."""

import sys

from nodes.commands.common import closed_pipe_is_no_error
from protocol import reference


def spec() -> None:
    """Print the message reference: every field of every message, from the definition that the codec is made of.

    Example: airaccord spec > docs/messages.md
    """
    with closed_pipe_is_no_error():
        sys.stdout.write(reference.markdown())
