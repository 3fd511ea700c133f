"""``gemini-magic`` on the command line: demo, serve, local, doctor."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

from gemini_magic.cli import demo, doctor, models
from gemini_magic.exceptions import GeminiMagicError
from gemini_magic.local.__main__ import main as serve

if TYPE_CHECKING:
    from collections.abc import Sequence

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: The words behind ``gemini-magic``; those of this process when None.

    Returns:
        The exit status: 0 when all went well, 1 when something went wrong, 130 when it was interrupted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given[:1] == ["serve"]:
            return serve(given[1:])
        options = _parser().parse_args(given)
        status: int = options.run(options)
    except GeminiMagicError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped\n")
        return _INTERRUPTED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gemini-magic", description="Gemini, native in the notebook.")
    parser.add_argument("--version", action="version", version=f"gemini-magic {version('gemini-magic')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demonstration = commands.add_parser("demo", help="run the quickstart notebook on the embedded model")
    demo.add_arguments(demonstration)
    demonstration.set_defaults(run=demo.run)
    commands.add_parser("serve", help="serve the embedded models on Gemini's protocol", add_help=False)
    models.add_arguments(commands.add_parser("local", help="list, pull, path, remove: the embedded models"))
    checking = commands.add_parser("doctor", help="what is installed, who would answer, does it start")
    doctor.add_arguments(checking)
    checking.set_defaults(run=doctor.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
