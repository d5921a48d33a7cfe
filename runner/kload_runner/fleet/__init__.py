"""The run protocol over one or many runners: what leads, what is led, and the processes in between.

    leader ── members (one in this process) ─────────────────────────────> runner ── engine
       └───── remote_member ── HTTP over loopback ── control_api (hosting) ──┘
                                   └ workers start a `worker` each; a pod (`kload_runner.pod`) is led by the operator

Nothing here loads or measures: that is the engine's, below.
"""
