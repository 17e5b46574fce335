"""The `airaccord` command. No exception leaves `main`: every end has its exit code."""

import sys
import traceback
from typing import Annotated, Any

import typer

from nodes import __version__, report as reports
from nodes.commands.check import check
from nodes.commands.decode import decode
from nodes.commands.faults import faults
from nodes.commands.hub import hub
from nodes.commands.keys import keys
from nodes.commands.lint import lint
from nodes.commands.node import node
from nodes.commands.run import run as run_live
from nodes.commands.simulate import simulate
from nodes.commands.spec import spec
from nodes.commands.swarm import swarm
from nodes.commands.why import why
from nodes.problems import ConfigurationError
from nodes.standard_streams import ended_by_signals, open_streams

UsageError: Any = typer.BadParameter.__base__
"""What a wrong command line raises: of click, or of the copy of click that newer versions of typer bring."""

app = typer.Typer(
    name="airaccord",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def about(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    """Emulate two parties' aircraft on shared radio channels, and say with evidence who kept the agreement.

    Exit codes: 0 nothing failed, 1 a clause failed, 2 usage or configuration, 3 a requirement not met,
    4 nothing judged or a damaged recording, 5 a fault of airaccord, 130 interrupted.
    """
    if version:
        print(f"airaccord {__version__}")
        raise typer.Exit


app.command(name="run")(run_live)
for verb in (simulate, hub, node, check, lint, decode, why, spec, faults, swarm):
    app.command()(verb)
app.add_typer(keys, name="keys")


def main() -> None:
    """Run the command line and exit with the contract's code."""
    open_streams()
    with ended_by_signals():
        try:
            code = run(sys.argv[1:])
        except KeyboardInterrupt:  # once more, while the first was being told
            code = reports.INTERRUPTED
    sys.exit(code)


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
        print("airaccord: interrupted", file=sys.stderr)
        return reports.INTERRUPTED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"airaccord: {where}{error.strerror or error}; what was written before is still there", file=sys.stderr)
        return reports.USAGE
    except Exception as error:
        # the last resort: a fault of ours must read as one (5), never as a violation (1)
        traceback.print_exc()
        print(f"airaccord: this is a fault of airaccord itself: {error!r}; please report it", file=sys.stderr)
        return reports.BROKEN
