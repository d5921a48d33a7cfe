"""The edge to kopf: watch events become keys in our queue, and nothing else. The only importer of kopf."""
