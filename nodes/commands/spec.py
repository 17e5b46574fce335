"""`airaccord spec`: the message reference."""

import sys

from protocol import reference


def spec() -> None:
    """Print the message reference: every field of every message, from the definition that the codec is made of.

    Example: airaccord spec > docs/messages.md
    """
    sys.stdout.write(reference.markdown())
