"""The root of `sd`: table of words, global options, the one place where an error becomes text and code."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from importlib import import_module
from typing import Any

import click

from sdtool import __version__, output, settings
from sdtool.commands.base import App
from sdtool.errors import Failed, Internal, NotFound, OutputFailed, SdError, UsageFault

# word -> (module, attribute, short help); the help stands here, or `sd --help` would import every module
COMMANDS: dict[str, tuple[str, str, str]] = {
    "new": ("register", "new", "Register a ticket."),
    "list": ("look", "list_", "List tickets."),
    "show": ("look", "show", "Show a ticket."),
    "history": ("look", "history", "Show what happened to a ticket."),
    "search": ("look", "search", "Find tickets by words."),
    "next": ("plan", "next_", "Tell what to do now, and why."),
    "why": ("plan", "why", "Explain priority, route and deadlines of a ticket."),
    "assign": ("handle", "assign", "Give tickets to a solver group or agent."),
    "take": ("handle", "take", "Take tickets yourself."),
    "release": ("handle", "release", "Put tickets back in the queue of their group."),
    "start": ("handle", "start", "Start working on tickets."),
    "note": ("handle", "note", "Add a note, internal or to the customer."),
    "edit": ("change", "edit", "Change what was registered."),
    "wait": ("handle", "wait", "Wait for somebody's feedback."),
    "pend": ("handle", "pend", "Put tickets off until a moment; deadlines run on."),
    "resume": ("handle", "resume", "Go on with tickets that waited or were put off."),
    "promise": ("promise", "promise", "Promises and call-backs: add, list, keep, move, cancel."),
    "appointment": ("promise", "appointment", "Put an appointment in the agenda."),
    "agenda": ("agenda", "agenda_", "What is due when: today, this week, you or the team."),
    "escalate": ("handle", "escalate", "Escalate to another group, or up the hierarchy."),
    "return": ("handle", "return_", "Return tickets to the first line."),
    "checklist": ("checklist", "checklist", "What must be done for a ticket: show, tick, skip, untick, add."),
    "close": ("finish", "close", "Resolve tickets; they close after the customer's term."),
    "reopen": ("finish", "reopen", "Open tickets again."),
    "cancel": ("finish", "cancel", "Cancel tickets that should not have been made."),
    "link": ("relate", "link", "Link two tickets."),
    "unlink": ("relate", "unlink", "Take a link away."),
    "merge": ("relate", "merge", "Merge tickets into one."),
    "unmerge": ("relate", "unmerge", "Take a merged ticket out again."),
    "undo": ("relate", "undo", "Undo your last act."),
    "remind": ("remind", "remind", "Remind who owes an answer."),
    "owed": ("owed", "owed_", "Owed feedback: list, show, done, extend, cancel."),
    "person": ("person", "person", "The directory: add, edit, show, list, import, erase."),
    "party": ("party", "party", "Suppliers and internal services: add, edit, show, list, import."),
    "onboarding": ("staff", "onboarding", "Who comes: import, new, status, show, complete, withdraw."),
    "mover": ("staff", "mover", "Who moves: import, new, status, show, complete, withdraw."),
    "offboarding": ("staff", "offboarding", "Who leaves: import, new, status, show, complete, withdraw."),
    "feedback": ("feedback", "feedback", "Satisfaction of customers: record, list, show."),
    "article": (
        "article",
        "article",
        "Articles and work instructions: add, list, show, edit, reviewed, withdraw, use, unuse, import.",
    ),
    "problem": (
        "problem",
        "problem",
        "Problems: new, list, show, edit, link, unlink, known, resolve, cancel, reopen, candidates.",
    ),
    "major": ("major", "major", "Major incidents: declare, list, show, revoke."),
    "calls": ("calls", "calls", "Counts of telephone calls: import, record, list."),
    "rulebook": ("rulebook", "rulebook_", "The desk's agreements: init, check, show."),
    "browse": ("browse", "browse", "Look around in the desk with a browser."),
    "fiche": ("fiche", "fiche", "The service sheet: show, check, edit."),
    "sla": ("sla", "sla", "Deadlines: show, sweep."),
    "calendar": ("calendar", "calendar", "Days off: show, check, sync."),
    "fmis": ("fmis", "fmis", "The facility management system: import, map."),
    "process": ("process", "process", "Process control: check, equal."),
    "lint": ("process", "lint", "List what you should mend, in this order."),
    "report": ("report", "report", "Reports: kpi, freeze, operations, site."),
    "mail": (
        "mail",
        "mail",
        "Mail: send, queue, show, retry, hold, drop, bad, good; receive, inbox, read, settle.",
    ),
    "cron": ("cron", "cron", "Scheduled jobs: run, status."),
    "audit": ("audit", "audit", "The journal: verify, log."),
    "admin": ("admin", "admin", "Keep the desk running: migrate, copy, info."),
    "init": ("admin", "init", "Make a new desk."),
}
PIPE_CLOSED = 141
INTERRUPTED = 130


class Root(click.Group):
    """Loads a word's module when the word is typed, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the words in the order of a working day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a word; None when there is no such word."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"sdtool.commands.{module}"), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Look a word up; who mistypes one is shown those that are like it."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as exc:
            raise click.exceptions.NoSuchCommand(exc.command_name, possibilities=COMMANDS, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the words with the help of the table: nothing is imported."""
        with formatter.section("Commands"):
            formatter.write_dl([(word, text) for word, (_, _, text) in COMMANDS.items()])


def _as_of(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    from datetime import datetime
    from zoneinfo import ZoneInfo

    try:
        moment = datetime.fromisoformat(value)
        return int(
            (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo("Europe/Brussels"))).timestamp()
        )
    except (ValueError, OverflowError, OSError):
        raise click.BadParameter(f"{value!r} is not a moment; write 2026-11-23T10:40", ctx, param) from None


@click.command(cls=Root, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sd")
@click.option(
    "--as-of", callback=_as_of, envvar="SD_AS_OF", metavar="MOMENT",
    help="Act as at this moment (ISO); the journal always also holds the real time.",
)  # fmt: skip
@click.pass_context
def root(ctx: click.Context, as_of: int | None) -> None:
    """Run the service desk's day: register, prioritise, route, escalate, close, report."""
    now = int(time.time()) if as_of is None else as_of
    app = App(settings.load(), now=now, actor=actor)
    ctx.obj = app
    ctx.call_on_close(app.close)


def actor(database: str) -> str:
    """Return the login of the person who acts: the operating system's word, never the environment's.

    Under sudo that person counts, but only where the database is the service user's own and
    nobody else can write it: there only sudo can have made us that user.
    """
    import pwd

    user = os.getuid()
    caller = os.environ.get("SUDO_UID", "")
    with contextlib.suppress(OSError):  # a server's URL is no file: there sudo lends no name
        status = os.stat(database.removeprefix("sqlite:///"))
        private = status.st_uid == os.geteuid() == user and not status.st_mode & 0o077
        if private and caller.isascii() and caller.isdigit() and int(caller) < 2**32:
            user = int(caller)
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"uid-{user}"


def _wants_json(arguments: list[str]) -> bool:
    following = [*arguments[1:], ""]
    pairs = zip(arguments, following, strict=False)
    return any(
        a in ("--format=json", "--format=jsonl") or (a == "--format" and b in ("json", "jsonl"))
        for a, b in pairs
    )


def _usage(exc: click.ClickException) -> SdError:
    """Put a fault of Click's in our words and codes."""
    if isinstance(exc, click.FileError):
        return NotFound(exc.format_message())
    text = exc.format_message().rstrip(".")
    context = getattr(exc, "ctx", None)
    return UsageFault(text, hint=f"`{context.command_path} --help` shows how" if context else "")


def run(arguments: list[str]) -> int:
    """Run one command line; return its exit code. Errors are printed here and nowhere else."""
    fmt = "json" if _wants_json(arguments) else "table"
    try:
        code = root.main(arguments, prog_name="sd", standalone_mode=False)
        output.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as exc:
        output.echo(exc.format_message())
        return UsageFault.exit_code
    except (click.exceptions.Exit, SystemExit) as exc:
        return int(getattr(exc, "exit_code", getattr(exc, "code", 0)) or 0)
    except click.ClickException as exc:
        return _report(_usage(exc), fmt)
    except SdError as exc:
        return _report(exc, fmt)
    except (KeyboardInterrupt, click.Abort):
        output.remark("Interrupted: what was not reported as done was not done.")
        return INTERRUPTED
    except BrokenPipeError:
        return PIPE_CLOSED
    except Exception as exc:
        return _report(_bug(exc), fmt)


def _bug(exc: Exception) -> SdError:
    """Put a bug of ours in one line for the user; who asks for it gets the traceback."""
    if os.environ.get("SD_DEBUG"):
        raise exc
    so_far = output.stored() or "nothing was stored by this command"
    text = f"internal error ({type(exc).__name__}): {so_far}"
    return Internal(text, hint="SD_DEBUG=1 shows where; please report it")


def _report(exc: SdError, fmt: str) -> int:
    lost = None
    try:
        with contextlib.suppress(BrokenPipeError):
            output.flush()
    except OutputFailed as failed:
        lost = failed
    output.error(exc, fmt)
    if lost is None or isinstance(exc, OutputFailed):
        return exc.exit_code
    # "no, these are at fault" says nothing without the list that got lost; any other error weighs more
    output.error(lost, fmt)
    return lost.exit_code if exc.exit_code == Failed.exit_code else exc.exit_code


def main(arguments: list[str] | None = None) -> Any:
    """Run `sd` and leave without an orderly shutdown, which costs every command several milliseconds."""
    output.prepare_streams()
    code = run(sys.argv[1:] if arguments is None else arguments)
    try:
        output.flush()
    except BrokenPipeError:
        code = code or PIPE_CLOSED
    except OutputFailed as exc:
        output.error(exc)
        code = exc.exit_code
    if "coverage" in sys.modules or os.environ.get("SD_DEBUG"):
        sys.exit(code)
    os._exit(code)
