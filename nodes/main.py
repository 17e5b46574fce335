"""The `airaccord` command. No exception leaves `main`: every end has its exit code."""

import os
import sys
import traceback
from typing import Any

import typer

from nodes import report as reports
from nodes.commands.check import check
from nodes.commands.decode import decode
from nodes.commands.lint import lint
from nodes.commands.simulate import simulate
from nodes.commands.spec import spec
from nodes.problems import ConfigurationError

UsageError: Any = typer.BadParameter.__base__
"""What a wrong command line raises: of click, or of the copy of click that newer versions of typer bring."""

app = typer.Typer(
    name="airaccord",
    help="Emulate two parties' aircraft on shared radio channels, and say with evidence who kept the agreement.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for verb in (simulate, check, lint, decode, spec):
    app.command()(verb)


def main() -> None:
    """Run the command line and exit with the contract's code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The command line as a function: arguments in, exit code out."""
    try:
        outcome = app(arguments, prog_name="airaccord", standalone_mode=False)
        return outcome if isinstance(outcome, int) else reports.OK
    except ConfigurationError as error:
        for problem in error.problems:
            print(f"airaccord: {problem}", file=sys.stderr)
        return reports.USAGE
    except UsageError as error:
        error.show()
        return reports.USAGE
    except (KeyboardInterrupt, typer.Abort):
        return reports.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return reports.OK
    except Exception as error:
        # the last resort: a fault of ours must read as one (5), never as a violation (1)
        traceback.print_exc()
        print(f"airaccord: this is a fault of airaccord itself: {error!r}; please report it", file=sys.stderr)
        return reports.BROKEN
