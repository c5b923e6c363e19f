"""How a database comes to today's tables, step by step. Run by `records.migrate`.

Nothing is released yet, so there is one step. After a change of the tables it is written anew (and read):

    rm records/migrations/versions/*.py
    PATH=.venv/bin:$PATH alembic revision --autogenerate --rev-id 0001 -m "the first tables"

From the first release on a step never changes, and each change adds one (`--rev-id 0002` …, compared with a database
at the newest step: `alembic -x url=sqlite:///some.sqlite3 revision …`). `tests/records/test_migrations.py` compares
what the steps build with the tables.
"""
