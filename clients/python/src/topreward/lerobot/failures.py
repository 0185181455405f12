"""Errors that end a run. Each has the exit code of the command; errors of one episode are outcomes, not exceptions."""

import sys
from collections.abc import Callable

EXIT_DONE = 0
EXIT_UNREACHABLE = 1
EXIT_USAGE = 2
EXIT_INCOMPLETE = 3
EXIT_INTERRUPTED = 130


class RunError(Exception):
    """A reason to stop. ``exit_code`` is that of the command."""

    exit_code = EXIT_USAGE


class UsageError(RunError):
    """A flag, the dataset or the folder of the run is wrong. The message says what to change."""


class ServiceError(RunError):
    """The service does not respond, rejects the key, or serves another model than the run began with."""

    exit_code = EXIT_UNREACHABLE


class IncompleteError(RunError):
    """Some episodes have no result, so the final files were not written."""

    exit_code = EXIT_INCOMPLETE


def exit_code_of(command: Callable[[], int]) -> int:
    """Run a command, and say on stderr why it stopped.

    :param command: returns its exit code, or raises RunError or OSError
    """
    try:
        return command()
    except RunError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except OSError as error:  # a folder that cannot be written, or a full disk
        print(error, file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        print("Stopped. Run the same command again to continue.", file=sys.stderr)
        return EXIT_INTERRUPTED
