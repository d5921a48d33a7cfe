"""The command line `kload`. Start at `main`; each command is a module of its own."""
