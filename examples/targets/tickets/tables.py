"""Reads of whole tables in PostgREST's language: filters, columns, order, pages, and an exact count on demand.

    GET /rest/v1/orders?event_id=eq.test-event-id&status=eq.paid&select=id,status&order=created_at.desc&limit=20
    Prefer: count=exact  ->  Content-Range: 0-19/1234

A value without an operator means equality (``event_id=test-event-id``), as the shop's own dashboard writes it.
Source: https://docs.postgrest.org/en/stable/references/api/tables_views.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from examples.targets.storage import Database
from examples.targets.tickets.access import KeyRing, Role
from examples.targets.web import Refusal, Request, Response, json_response

OPERATORS: Mapping[str, str] = {
    "eq": "=",
    "neq": "<>",
    "gt": ">",
    "gte": ">=",
    "lt": "<",
    "lte": "<=",
    "like": "LIKE",
}
MAX_ROWS = 1000  # Supabase's default for a table read
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "events": ("id", "name", "venue", "starts_at"),
    "orders": (
        "id",
        "event_id",
        "customer_email",
        "customer_name",
        "quantity",
        "total_amount",
        "status",
        "checkout_session_id",
        "created_at",
    ),
    "tickets": (
        "id",
        "order_id",
        "event_id",
        "ticket_type_id",
        "customer_email",
        "status",
        "admissions",
        "webhook_event_id",
        "created_at",
    ),
    "scans": ("id", "ticket_id", "scanned_by", "device_id", "method", "outcome", "created_at"),
    "webhook_events": ("id", "type", "deliveries", "processed", "received_at"),
}
NUMBERS = frozenset({"quantity", "total_amount", "admissions", "deliveries", "processed"})
PUBLIC = frozenset({"events"})


@dataclass(frozen=True, slots=True)
class Query:
    """A read, ready to be run; every name in it was checked against the table."""

    select: str
    where: str
    order: str
    values: tuple[object, ...]
    limit: int
    offset: int


class Tables:
    """The REST interface over tables."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys

    async def read(self, request: Request) -> Response:
        """Return rows as a JSON list: 200, or 206 where the count says that there are more."""
        table = request.params["table"]
        columns = COLUMNS.get(table)
        if columns is None:
            raise Refusal(404, "unknown_table", f"there is no table {table!r}")
        role = self._keys.role(request)
        if role is Role.ANON and table not in PUBLIC:
            raise Refusal(403, "permission_denied", f"{table} needs the service key")
        query = parse_query(request.query, columns)
        total: int | None = None
        async with self._database.read() as tx:
            rows = await tx.rows(
                f"SELECT {query.select} FROM {table}{query.where}{query.order} LIMIT ? OFFSET ?",
                *query.values,
                query.limit,
                query.offset,
            )
            if "count=exact" in request.headers.get("prefer", ""):
                counted = await tx.row(
                    f"SELECT count(*) AS n FROM {table}{query.where}", *query.values
                )
                total = counted["n"] if counted else 0
        content = [dict(row) for row in rows]
        last = query.offset + len(content) - 1
        span = f"{query.offset}-{last}" if content else "*"
        content_range = f"{span}/{'*' if total is None else total}"
        partial = total is not None and len(content) < total
        return json_response(
            content,
            status=206 if partial else 200,
            headers=((b"content-range", content_range.encode()),),
        )


def parse_query(parameters: Mapping[str, str], columns: tuple[str, ...]) -> Query:
    """Read PostgREST's parameters.

    Raises:
        Refusal: 400, an unknown column or operator, or a number that is none.
    """
    conditions: list[str] = []
    values: list[object] = []
    for name, text in parameters.items():
        if name in ("select", "order", "limit", "offset"):
            continue
        _known(name, columns)
        operator, dot, value = text.partition(".")
        if not dot or operator not in OPERATORS:
            operator, value = "eq", text
        conditions.append(f"{name} {OPERATORS[operator]} ?")
        if operator == "like":
            value = value.replace("*", "%")
        values.append(_number(name, value) if name in NUMBERS else value)
    selected = [part.strip() for part in parameters.get("select", "*").split(",")]
    if selected != ["*"]:
        for name in selected:
            _known(name, columns)
    return Query(
        select=", ".join(columns if selected == ["*"] else selected),
        where=f" WHERE {' AND '.join(conditions)}" if conditions else "",
        order=_order(parameters.get("order"), columns),
        values=tuple(values),
        limit=min(_number("limit", parameters.get("limit", str(MAX_ROWS))), MAX_ROWS),
        offset=_number("offset", parameters.get("offset", "0")),
    )


def _order(text: str | None, columns: tuple[str, ...]) -> str:
    if text is None:
        return ""
    terms = []
    for term in text.split(","):
        name, _, direction = term.partition(".")
        _known(name, columns)
        if direction not in ("", "asc", "desc"):
            raise Refusal(400, "invalid_order", f"{term!r}: write COLUMN.asc or COLUMN.desc")
        terms.append(f"{name} {direction or 'asc'}")
    return f" ORDER BY {', '.join(terms)}"


def _known(name: str, columns: tuple[str, ...]) -> None:
    if name not in columns:
        raise Refusal(400, "unknown_column", f"no column {name!r}; there are {', '.join(columns)}")


def _number(name: str, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise Refusal(400, "invalid_number", f"{name}: {text!r} is not a number of 0 or more")
    return number
