"""The command line: parse, call, print. Nothing is decided here.

Exit status: 0 done; 1 refused, or a finding of severity error; 2 wrong usage or settings; 3 input that is not what it
claims to be. `--json` prints one JSON object on standard output; progress and errors go to standard error.
"""

from __future__ import annotations

import sys

import typer

from mithaq.cli import agreement, demo, files, ledger, measure, node, template
from mithaq.cli.output import fail
from mithaq.errors import MithaqError

app = typer.Typer(
    name="mithaq",
    help="Two agencies query each other's fingerprint files under an agreement that both signed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo.demo)
app.add_typer(files.record, name="record")
app.add_typer(template.app, name="template")
app.add_typer(files.finger, name="finger")
app.add_typer(files.gallery, name="gallery")
app.add_typer(node.app, name="node")
app.add_typer(agreement.app, name="agreement")
app.add_typer(ledger.app, name="ledger")
app.add_typer(measure.app, name="measure")


def main() -> None:
    """The console script: every error of this program ends as one sentence and an exit status, never as a traceback."""
    try:
        app()
    except MithaqError as error:
        sys.exit(fail(error, as_json="--json" in sys.argv))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
