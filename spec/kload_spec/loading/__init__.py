"""Loading: manifest text to LoadTest documents, read exactly as kubectl and the API server would.

scalars     what a plain scalar is (Go's rules)
traps       values that YAML would silently cut, and what its parser's errors mean
reader      text -> values with lines
documents   several documents, lists, kinds, patches
"""

from kload_spec.loading.documents import (
    Document,
    is_loadtest,
    load_text,
    merge_patch,
    patched,
    read_documents,
)

__all__ = ["Document", "is_loadtest", "load_text", "merge_patch", "patched", "read_documents"]
