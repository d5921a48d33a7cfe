"""Header fields of a response: nothing is parsed until somebody asks.

The connection keeps the bytes of the head; llhttp has checked their syntax by then. Here they become a
case-insensitive mapping. Pure.

Source: RFC 9110 §5.2 (repeated fields are joined with ", "), RFC 9112 §5.2 (obsolete line folding).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from typing_extensions import override


class Headers(Mapping[str, str]):
    """Case-insensitive view of header fields; names keep the case they were sent in when iterated.

    Attributes:
        raw: every field in order, as bytes.
    """

    __slots__ = ("_by_name", "raw")

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self.raw = raw
        self._by_name: dict[str, tuple[str, str]] = {}
        for name_bytes, value_bytes in raw:
            name = name_bytes.decode("latin-1")
            value = _text(value_bytes)
            key = name.lower()
            known = self._by_name.get(key)
            self._by_name[key] = (
                (name, value) if known is None else (known[0], f"{known[1]}, {value}")
            )

    @override
    def __getitem__(self, name: str) -> str:
        return self._by_name[name.lower()][1]

    @override
    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._by_name

    @override
    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._by_name.values())

    @override
    def __len__(self) -> int:
        return len(self._by_name)

    def get_all(self, name: str) -> list[str]:
        """Return every value of a repeated field, unjoined; empty when there is none."""
        wanted = name.lower().encode("latin-1", "replace")
        return [_text(value) for key, value in self.raw if key.lower() == wanted]

    @override
    def __repr__(self) -> str:
        return f"Headers({sorted(self._by_name)})"  # values may be secrets


def parse_head(head: bytes, interim: int = 0) -> list[tuple[bytes, bytes]]:
    """Return the fields of a response head.

    Args:
        head: from the first byte of the response; anything after the empty line is ignored.
        interim: how many 1xx heads come first.
    """
    fields: list[tuple[bytes, bytes]] = []
    for line in _final_lines(head, interim)[1:]:
        if line[:1] in (b" ", b"\t") and fields:
            name, value = fields[-1]
            fields[-1] = (name, (value + b" " + line.strip(b" \t")).strip(b" \t"))
            continue
        name, _, value = line.partition(b":")
        fields.append((name.rstrip(b" \t"), value.strip(b" \t")))
    return fields


def reason_phrase(head: bytes, interim: int = 0) -> str:
    """Return what the status line says behind the number; often nothing."""
    line = _final_lines(head, interim)[0]
    return line.partition(b" ")[2].partition(b" ")[2].strip().decode("latin-1")


def _final_lines(head: bytes, interim: int) -> list[bytes]:
    lines = head.lstrip(b"\r\n").split(b"\n")
    at = 0
    for _ in range(interim):
        while at < len(lines) and lines[at].rstrip(b"\r"):
            at += 1
        at += 1
    end = at
    while end < len(lines) and lines[end].rstrip(b"\r"):
        end += 1
    return [line.rstrip(b"\r") for line in lines[at:end]] or [b""]


def _text(value: bytes) -> str:
    # RFC 9110 §5.5: fields are US-ASCII, others were Latin-1; today what is beyond ASCII is mostly UTF-8.
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
