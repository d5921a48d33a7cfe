"""What a run looks like while it runs: live on a terminal, plain lines when piped. Shows snapshots, computes
nothing.
"""
