"""The command line: the composition root, the only place that reads settings and puts parts together.

Results go to standard output, progress and errors to standard error. Exit codes: 0 done, 1 it failed,
2 the command line or a setting is wrong, 130 interrupted. A command's module is imported when it is called:
no command pays for the imports of another.
"""

import sys
from importlib import import_module
from keyword import iskeyword

import click

from deepwhisk.cli.interrupts import interruptible, settle
from deepwhisk.errors import DeepwhiskError

INTERRUPTED = 130
COMMANDS = {
    "up": "up",
    "down": "up",
    "status": "status",
    "demo": "demo",
    "models": "models",
    "predict": "predict",
    "train": "train",
    "trainings": "trainings",
    "promote": "promote",
    "rollback": "promote",
    "sites": "sites",
    "activations": "activations",
    "deploy": "deploy",
    "undeploy": "deploy",
    "export": "export",
    "manifest": "content",
    "new": "content",
    "build": "build",
    "import": "import_",
    "doctor": "doctor",
    "user": "user",
    "engine": "engine",
    "feed": "feed",
    "batch": "batch",
}
"""Each command and the module of this package that has it, in the order of the help."""


class Commands(click.Group):
    """A group that imports a command only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"{__name__}.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="deepwhisk")
def cli() -> None:
    """Your model, from a folder to a service.

    A folder in catalog/ with one Python class becomes an HTTP endpoint, a `wsk` action and a bucket that
    answers. On this machine with one command, on Apache OpenWhisk unchanged.

    \b
    First steps:
      deepwhisk demo                     see all of it work, once
      deepwhisk up                       start it here and deploy this project
      deepwhisk predict NAME -i text=…   ask a model
      deepwhisk new model NAME           write one
    """


def main() -> None:
    """Run the command line; turn every error of our own into its sentence and exit code."""
    try:
        with interruptible():
            code = cli.main(standalone_mode=False)
    except DeepwhiskError as error:
        click.echo(click.style("Error: ", fg="red") + str(error), err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        settle()
        click.echo("Interrupted.", err=True)
        sys.exit(INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)
