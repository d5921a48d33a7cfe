"""The operator: LoadTest resources in, runner Jobs and verdicts out. Never imports the runner."""
