"""A simulated fleet: one process that plays hundreds of runners, each at an address of its own.

Speaks the runners' control API and metrics without sending any load: what a runner counts follows from the clock
and its manners. The HTTP server is the runner's own; the state machine is this package's, and a contract test
(``tests/harness/test_fleet_contract.py``) holds it to the real runner's.
"""
