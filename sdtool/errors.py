"""What can go wrong, one class an exit code; the message is one sentence that says what to do."""

from __future__ import annotations

EXIT_CODES: dict[int, str] = {
    0: "Done; an empty list is done too.",
    1: 'Failed, or the answer of a check is "no".',
    2: "The command line was not understood.",
    3: "A rule of the desk refused the action.",
    4: "The record does not exist.",
    5: "The record is in another state than the action needs, or somebody else was first.",
    65: "An input file or message could not be read as what it should be.",
    70: "Internal error: a bug in sdtool; set SD_DEBUG=1 to see where.",
    74: "Output could not be written; the message says what was done before that.",
    75: "Busy: nothing was done, try again later.",
    77: "You are not allowed to do this.",
    78: "The rulebook, the settings or the database schema is wrong.",
    130: "Interrupted.",
}


class SdError(Exception):
    """Something a user can be told in one sentence; never raised itself, always as one of its children."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep the sentence, and optionally a `hint`: a second one with a command to try."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class Failed(SdError):
    """The work could not be done, or a check answers "no"."""

    exit_code = 1


class UsageFault(SdError):
    """The command line asks for something that cannot be understood."""

    exit_code = 2


class Refused(SdError):
    """A rule of the desk forbids the action."""

    exit_code = 3


class NotFound(SdError):
    """The record named does not exist."""

    exit_code = 4


class Conflict(SdError):
    """The record exists but its state forbids the action, or somebody else changed it first."""

    exit_code = 5


class BadInput(SdError):
    """A file or message from outside is not what it should be; nothing of it was stored."""

    exit_code = 65


class Internal(SdError):
    """A state that the program's own rules exclude: a bug."""

    exit_code = 70


class OutputFailed(SdError):
    """The answer could not be written (disk full, closed file); the work itself may be done."""

    exit_code = 74


class Busy(SdError):
    """Somebody else holds what is needed; trying again later is safe."""

    exit_code = 75


class NotAllowed(SdError):
    """The operating system or a role refuses the actor."""

    exit_code = 77


class BadSetup(SdError):
    """The rulebook, the settings or the database schema is wrong."""

    exit_code = 78


# what is wrong with one record and not with the next; a store that is busy or full stops them all
OF_ONE = (Refused, NotFound, Conflict, BadInput, Internal, NotAllowed)


def unreadable(what: str, exc: OSError | ValueError, *, missing: str = "") -> SdError:
    """Return the error for a file that cannot be opened or read, from what the system said.

    Args:
        what: the file, as the sentence names it.
        exc: what `open` or `read` raised; ValueError is a name that no file can have.
        missing: the sentence for a file that is not there, if another than usual.
    """
    if isinstance(exc, FileNotFoundError):
        return NotFound(missing or f"there is no file {what}")
    if isinstance(exc, PermissionError):
        return NotAllowed(f"you may not read {what}")
    return BadInput(f"{what} cannot be read: {getattr(exc, 'strerror', None) or exc}")
