"""Tests written as code: `async def purchase(vu)` in place of steps.

vu          the API that scripts see; its docstrings are its reference
sending     requests of a script: heads and places kept, bodies per call
loading     the user's files as a module
behaviour   the seam to the engine: a scenario's function for each virtual user
"""

from kload_runner.script.vu import VU

__all__ = ["VU"]
