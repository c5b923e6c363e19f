"""`make drills`: records and Temporal from different moments, again and again; the seed of each is printed.

`python -m tests.drills --seed 1007` has one again.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

from cli.local_postgres import postgres_server
from records import clock, engine
from records.settings import get_settings
from tests.drills.drill import ORDERS, Drill, Reached, mail_server
from tests.support import databases
from workflows.gateways.opening import open_gateway

FIRST_SEED = 1_000
MEANS_SOMETHING = {"differences": 1, "lost_entries": 5, "sent_before": 10, "escalated": 1}
"""So much of each there must be in a drill, on average, or the drills prove nothing."""


def main() -> int:
    """Returns the exit status: 0 when each drill came out well, and enough happened."""
    parser = argparse.ArgumentParser(prog="python -m tests.drills")
    parser.add_argument("--drills", type=int, default=60)
    parser.add_argument("--seed", type=int, help="one drill alone, by its seed")
    given = parser.parse_args()
    seeds = [given.seed] if given.seed is not None else range(FIRST_SEED, FIRST_SEED + given.drills)
    in_all, bad = Counter[str](), 0
    with tempfile.TemporaryDirectory() as kept, postgres_server(durable=True) as server:
        template, postgres_template = databases.sqlite_template(Path(kept)), databases.postgres_template(server)
        for seed in seeds:
            began, folder = clock.stopwatch(), Path(kept) / str(seed)
            folder.mkdir()
            if seed // len(ORDERS) % 2 == 0:
                kind, reached = "sqlite", one(seed, folder, databases.sqlite_copy(template, folder))
            else:
                with databases.postgres_copy(server, postgres_template) as url:
                    kind, reached = "postgresql", one(seed, folder, url)
            bad += bool(reached.problems)
            figures = {name: value for name, value in vars(reached).items() if isinstance(value, int)}
            in_all.update(figures)
            shown = ", ".join(f"{name} {value}" for name, value in figures.items())
            how = "well" if not reached.problems else "NOT WELL"
            print(f"{seed} {kind}, {ORDERS[seed % len(ORDERS)]}: {how} in {clock.stopwatch() - began:.0f} s ({shown})")
            for problem in reached.problems[:10]:
                print(f"    {problem}")
            sys.stdout.flush()
    count = len(list(seeds))
    print(f"{count - bad} of {count} drills came out well. In all: {dict(in_all)}")
    little = [name for name, least in MEANS_SOMETHING.items() if in_all[name] < least * count]
    if little and count > len(ORDERS):
        print(f"Too little happened to mean anything: {', '.join(little)}")
        return 1
    return 1 if bad else 0


def one(seed: int, folder: Path, url: str) -> Reached:
    """One drill, with settings of its own."""
    with mail_server() as (port, mails):
        os.environ |= {
            "FOOTBRIDGE_DATABASE_URL": url,
            "FOOTBRIDGE_SECRET_KEY": "5e" * 32,
            "FOOTBRIDGE_EMAIL_GATEWAY": "smtp",
            "FOOTBRIDGE_SMTP_PORT": str(port),
            "FOOTBRIDGE_SMTP_TLS": "none",
        }
        _forget_settings()
        drill = Drill(seed, ORDERS[seed % len(ORDERS)], folder, url, mails)
        try:
            return drill.run()
        except Exception as error:  # it failed; the others go on
            drill.reached.problems.append(f"it broke off: {type(error).__name__} {error}")
            return drill.reached
        finally:
            engine.dispose()
            clock.run_real()
            _forget_settings()


def _forget_settings() -> None:
    """The gateway of the drill before stands under the settings of then."""
    get_settings.cache_clear()
    open_gateway.cache_clear()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # the interpreter's own way out may abort once Temporal's SDK was loaded
