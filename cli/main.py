"""`footbridge`: everything that is done from a terminal. Each command is short; the layers below do the work."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import NoReturn

import typer
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, ProgrammingError

from cli import audit, guard, keys, people, systems
from cli.backing_up import after_restore, backup, restore
from cli.checking import check_promises
from cli.conformance import conformance
from cli.first_start import say_it
from cli.importing import import_file
from cli.keys import has_unsealed
from cli.logs import log_to_stderr
from cli.opening import Stop, open_records, require_restored, settings_for_use
from cli.rebuilding import rebuild
from domain.errors import InvalidFields, Refusal
from records import migrate
from records.right_clock import ClockWrong
from records.sealing import CannotOpen
from records.settings import Settings, get_settings

app = typer.Typer(
    help="Footbridge sees a person across: from a hospital bed or a jail cell to a peer bridger in the community.",
    epilog="Settings come from the environment (FOOTBRIDGE_…); “footbridge check-config” shows them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(people.users, name="user")
app.add_typer(people.programs, name="program")
app.add_typer(people.facilities, name="facility")
app.add_typer(systems.tokens, name="system-token")
app.add_typer(audit.audits, name="audit")
app.add_typer(keys.keys, name="keys")
app.command("token")(people.token)
app.command("import")(import_file)
app.command()(rebuild)
app.command()(backup)
app.command()(restore)
app.command("after-restore")(after_restore)
app.command("check")(check_promises)
app.command()(conformance)


@app.command()
def up() -> None:
    """Run everything on this machine: pages, API, worker, Temporal and, the first time, a demonstration program."""
    from cli.embedded import CannotStart
    from cli.embedded import up as run_everything
    from cli.welcome import prepare, welcome

    settings = settings_for_use()
    try:
        run_everything(settings, prepare=lambda: prepare(settings), announce=lambda at: welcome(settings, at))
    except CannotStart as error:
        raise Stop(str(error)) from error


@app.command()
def api() -> None:
    """Run one web server: the pages, the API and FHIR."""
    import uvicorn

    from api.app import create_app
    from cli.slow_clients import PatientProtocol
    from cli.tracing import trace_from_now

    settings = settings_for_use()
    guard.require_temporal(settings)
    log_to_stderr(settings)
    trace_from_now(settings, "api")
    open_records(settings)
    say_it(settings)
    # uvicorn raises the signal that stopped it once more; with a handler of ours that ends well.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,  # addresses hold ids
        server_header=False,
        log_config=None,
        http=PatientProtocol,
        ssl_certfile=settings.tls_cert or None,
        ssl_keyfile=settings.tls_key or None,
        timeout_graceful_shutdown=20,
    )


@app.command()
def worker() -> None:
    """Run one worker: it keeps the appointments that Temporal holds."""
    from cli.tracing import trace_from_now
    from workflows.worker import run_worker

    settings = settings_for_use()
    guard.require_temporal(settings)
    log_to_stderr(settings)
    trace_from_now(settings, "worker")
    open_records(settings)
    run_worker()


@app.command("migrate")
def migrate_records() -> None:
    """Bring the records to the step that this version needs. Safe to run again, and by several at once."""
    settings = settings_for_use()
    require_restored(settings.sqlalchemy_url())
    before = migrate.current(settings.sqlalchemy_url())
    migrate.upgrade(settings.sqlalchemy_url())
    after = migrate.current(settings.sqlalchemy_url())
    print(f"The records are at step {after}." + (" Nothing had to change." if before == after else ""))
    if before not in (None, after) and has_unsealed(settings):
        print("They hold what is not sealed yet. While everything runs: footbridge keys rotate")


@app.command()
def seed() -> None:
    """Fill empty records with the demonstration program: invented people at every stage, with weeks of history."""
    from cli.welcome import seed_demonstration

    settings = settings_for_use()
    if settings.environment == "production":
        raise Stop("The demonstration is not for production: everybody knows its password.")
    open_records(settings)
    if not seed_demonstration():
        raise Stop("The records hold a program already. The demonstration goes into empty records only.")


@app.command()
def simulate(
    referrals: int = typer.Option(1000, min=1, max=1_000_000, help="How many lives."),
    seed: int = typer.Option(1, help="The same seed gives the same lives."),
    faults: float = typer.Option(11.0, min=0, max=39, help="How many things go wrong in a life, on average."),
    only: int | None = typer.Option(None, min=0, help="Live this life of the seed alone, as among the others."),
    processes: int = typer.Option(1, min=1, max=256, help="On so many cores."),
    json: bool = typer.Option(False, "--json", help="Print what happened as JSON."),
) -> None:
    """Lead invented people through the protocols with the real commands, in memory, and check the promises."""
    from cli.simulate import run
    from cli.simulation.bulk import How

    raise typer.Exit(run(referrals, How(seed, faults), only=only, processes=processes, as_json=json))


@app.command("check-config")
def check_config() -> None:
    """Show every setting, and what stands against starting with it."""
    try:
        guard.require_temporal(settings_for_use())
        problems: list[str] = []
    except guard.NotReady as error:
        problems = error.problems
    settings = get_settings()
    width = max(len(name) for name in Settings.model_fields)
    for name, field in Settings.model_fields.items():
        is_given = name in settings.model_fields_set
        value = hide_password(settings.database_url) if name == "database_url" else getattr(settings, name)
        print(f"FOOTBRIDGE_{name.upper():<{width}}  {value!s:<24} {'' if is_given else '(default) '}")
        print(f"           {'':<{width}}  {field.description}")
    if problems:
        raise guard.NotReady(problems)
    print("\nFootbridge can start with these settings.")


def hide_password(url: str) -> str:
    """A database's address as it may be shown."""
    return make_url(url).render_as_string(hide_password=True) if url else ""


def main() -> NoReturn:
    """The entry point. What goes wrong for a known reason is said in one line, on stderr, with exit code 1."""
    _leave(_run())


def _run() -> int:
    try:
        app(prog_name="footbridge")
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    except InvalidFields as refusal:
        return _say("\n".join(problem.sentence for problem in refusal.problems))
    except Stop as stop:
        return _say(str(stop), stop.status)
    except (Refusal, guard.NotReady, migrate.UnknownStep, ClockWrong) as refusal:
        return _say(str(refusal))
    except CannotOpen as error:
        return _say(f"Something in the records does not open: {error}. See: footbridge keys status")
    except (OperationalError, ProgrammingError) as error:
        first = str(error.orig).strip().splitlines()[0]
        return _say(f"The records cannot be used: {first}")
    except KeyboardInterrupt:
        return 130
    return 0


def _say(sentence: str, status: int = 1) -> int:
    print(f"footbridge: {sentence}", file=sys.stderr)
    return status


def _leave(code: int) -> NoReturn:
    """End the process. Once Temporal's SDK was loaded, the interpreter's own way out may abort (about one in 25)."""
    sys.stdout.flush()
    sys.stderr.flush()
    logging.shutdown()
    if "temporalio" in sys.modules:
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
