"""Demo servers for the three suites of examples/: realistic systems under test, with faults that can be switched on.

Start one from the root of the repository, with the environment of `make setup` (they need uvicorn besides kload's own
dependencies, and asyncpg for PostgreSQL)::

    .venv/bin/python -m examples.targets.tickets        # the ticket shop, http://127.0.0.1:54321
    .venv/bin/python -m examples.targets.usage_billing  # the billing engine, http://127.0.0.1:8080
    .venv/bin/python -m examples.targets.payments_platform  # the payments platform, http://127.0.0.1:8000

What the three share lives here once: `web` (requests, routes), `storage` (SQLite or PostgreSQL), `faults`, `jobs`,
`stripe`, `serving` (command line, and running inside a test). They know nothing of kload.

``--fault NAME=RATE``, the variable TARGET_FAULTS (``NAME=RATE;NAME``) or ``POST /_faults`` from the same machine make a
server break one of its rules: see `faults`.
"""
