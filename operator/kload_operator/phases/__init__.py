"""What is decided in each phase of a run: pure functions of a situation. `reconcile` has the table."""
