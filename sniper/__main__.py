"""The entry: `sniper` and `python -m sniper`. Turns what went wrong into one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from sniper import errors
from sniper.cli.group import sniper
from sniper.cli.terminal import note, open_streams, wants_color
from sniper.keys import redaction
from sniper.stopping import in_order


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; the console script exits with it.

    `--debug` may stand anywhere, because it is asked for after something went wrong, at the end of the line.
    """
    open_streams()
    redaction.install()
    given = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in given
    try:
        with in_order():
            code = sniper.main([word for word in given if word != "--debug"], "sniper", standalone_mode=False)
        return code if isinstance(code, int) else errors.EXIT_OK
    except errors.SniperError as error:
        return fail(str(error), error.exit_code, debug)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return errors.EXIT_USAGE
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "sniper"
        said = error.format_message()
        stop = "" if said.endswith((".", "?")) else "."
        return fail(f"{said}{stop} Run '{command} --help' for what there is.", errors.EXIT_USAGE, debug)
    except click.ClickException as error:
        return fail(error.format_message(), error.exit_code, debug)
    except SystemExit as ended:
        if ended.code not in (errors.EXIT_SIGTERM, errors.EXIT_SIGHUP):
            raise
        return fail(errors.EXIT_MEANINGS[ended.code], ended.code, debug)
    except (click.Abort, KeyboardInterrupt):
        return fail("interrupted", errors.EXIT_SIGINT, debug)
    except OSError as error:
        return fail(f"the system refused: {error}", errors.EXIT_UNEXPECTED, debug)
    except Exception as error:
        said = " ".join(str(error).split())
        text = f"a fault of sniper itself, {type(error).__name__}: {said}"
        return fail(f"{text}. Run it again with --debug for the traceback.", errors.EXIT_UNEXPECTED, debug)


def fail(text: str, code: int, debug: bool) -> int:
    """Say one line on standard error, after the traceback where that was asked for."""
    if debug and (error := sys.exception()):
        redaction.print_traceback(error)
    name = "\x1b[31msniper:\x1b[0m" if wants_color(sys.stderr, os.environ) else "sniper:"
    note(text, f"{name} ")
    return code


if __name__ == "__main__":
    sys.exit(main())
