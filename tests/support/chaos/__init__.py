"""A proxy that misbehaves on request: between operator and API server, operator and Prometheus, Prometheus and
runners.

Speaks HTTP/1.1 (with TLS on either side), passes everything on unchanged by default, counts what passes, and breaks
what its rules select. Knows how Kubernetes requests look, so that rules can speak of verbs and resources, and
nothing of kload.
"""
