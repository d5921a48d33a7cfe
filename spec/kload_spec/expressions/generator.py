"""Write Python for a typed tree.

Between `resolver` and the function that runs. Code is straight-line: operands go to temporaries, conditions become
`if`, macros become `for`. Where kinds are not known, a test of the type guards the short cut and a helper of
`operators` does the rest, so that both ways mean the same. What was computed on the way to a line is not computed again
(`Emitter.known`): `json.items` is looked up once, however often it is written.

    status == 200 && size(json.items) > 0        t1 = False
                                                 t2 = s.status
                                                 if t2 == 200:
                                                  t3 = s.json
                                                  try:
                                                   t4 = t3['items']
                                                  except NO_MEMBER:
                                                   absent(t3, 'items')
                                                  t5 = type(t4)
                                                  t1 = (len(t4) if t5 is list or ... else size(t4)) > 0
                                                 return t1

`n` is the budget of operations, there only where a macro is. Inside macros all work that grows with its
operands is charged.
"""

from __future__ import annotations

from kload_spec.expressions import comparisons, loops
from kload_spec.expressions.emitter import Emitter
from kload_spec.expressions.functions.signature import Function, Pattern
from kload_spec.expressions.kinds import CONTAINERS, NUMERIC
from kload_spec.expressions.limits import BUDGET, MAX_INT, MAX_TEXT_CHARS, MIN_INT
from kload_spec.expressions.scope import Kind
from kload_spec.expressions.typed import (
    Apply,
    At,
    Choice,
    Constant,
    Entries,
    Folded,
    Infix,
    Items,
    Junction,
    Local,
    Loop,
    Prefix,
    Present,
    Read,
    Select,
    Text,
    Typed,
    walk,
)

_ARITHMETIC = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "modulo"}


class Generator:
    """Writes expressions into one function.

    Attributes:
        out: the function under construction.
    """

    def __init__(self) -> None:
        self.out = Emitter()

    def expression(self, node: Typed) -> str:
        """Write a whole expression; return source text that is its value, to be used once."""
        parts = walk(node)
        if any(isinstance(part, Loop) for part in parts):
            self.out.line(f"n = {BUDGET}")
        result = self.raw(node)
        if node.kind in (*CONTAINERS, Kind.ANY) and any(_constructs(part) for part in parts):
            return f"bounded({result})"
        return result

    def text(self, node: Typed) -> str:
        """Write a node as a piece of text; return a name."""
        result = self.value(node)
        if node.kind in (Kind.STRING, Kind.INT):
            return result
        if node.kind is Kind.BOOL:
            return self.out.temporary(f"'true' if {result} else 'false'")
        return self.out.temporary(f"{result} if type({result}) is str else as_string({result})")

    # ── values ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def value(self, node: Typed) -> str:
        """Write a node; return a name or literal, to be used any number of times."""
        if isinstance(node, Constant):
            return self.out.literal(node.value)
        if isinstance(node, Local):
            return f"v{node.slot}"
        raw = self.raw(node)
        return raw if raw.isidentifier() else self.out.temporary(raw)

    def raw(self, node: Typed) -> str:
        """Write a node; return source text that must be used once, in the next line."""
        match node:
            case Constant() | Local():
                return self.value(node)
            case Read() | Select() | At() | Present() | Folded():
                return self._access(node)
            case Prefix() | Infix():
                return self._operation(node)
            case Junction():
                return self._junction(node)
            case Choice():
                return self._choice(node)
            case Items() | Entries() | Text():
                return self._collection(node)
            case Apply():
                return self._apply(node)
            case Loop():  # pragma: no branch # exhaustive, mypy holds it
                return loops.loop(self, node)

    def condition(self, node: Typed) -> str:
        """Write a node that stands in a condition; return source text that is True or False, or raises."""
        if node.kind is Kind.BOOL:
            return self.raw(node)
        value = self.value(node)
        return f"({value} is True or {value} is not False and not_bool({value}, 'a condition'))"

    # ── access ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _access(self, node: Read | Select | At | Present | Folded) -> str:
        match node:
            case Read():
                return self._read(node)
            case Select():
                return self._looked_up(self.value(node.operand), node.key)
            case At():
                return self._indexed(node)
            case Present():
                return self._present(node)
            case Folded():  # pragma: no branch # exhaustive, mypy holds it
                return f"header_name({self.value(node.operand)})"

    def _read(self, node: Read) -> str:
        if node.is_record:
            return self._known(f"s.{node.root}.{node.member}")
        if node.member is None:
            return self._known(f"s.{node.root}")
        name = f"{node.root}.{node.member}"
        return self._tried(self._known(f"s.{node.root}"), node.member, "NO_KEY", f"unset({name!r})")

    def _known(self, text: str) -> str:
        if text not in self.out.known:
            self.out.known[text] = self.out.temporary(text)
        return self.out.known[text]

    def _looked_up(self, operand: str, key: str) -> str:
        return self._tried(operand, key, "NO_MEMBER", f"absent({operand}, {key!r})")

    def _tried(self, container: str, key: str, error: str, refusal: str) -> str:
        text = f"{container}[{key!r}]"
        if text not in self.out.known:
            result = self.out.temporary()
            with self.out.block("try:", is_counted=True):
                self.out.line(f"{result} = {text}")
            with self.out.block(f"except {error}:"):
                self.out.line(refusal)
            self.out.known[text] = result
        return self.out.known[text]

    def _indexed(self, node: At) -> str:
        operand, key = self.value(node.operand), self.value(node.key)
        if is_root(node.operand):
            return f"member({operand}, {key})"
        if isinstance(node.key, Constant) and type(node.key.value) is int:
            in_range = f"type({operand}) is list and len({operand}) > {key}"
            return f"({operand}[{key}] if {in_range} else index({operand}, {key}))"
        return f"index({operand}, {key})"

    def _present(self, node: Present) -> str:
        result = self.out.temporary("False")
        with self.out.block("try:", is_counted=True):
            self.out.line(f"{result} = {self._found(node.target)}")
        self.out.line("except BudgetExceeded: raise")
        self.out.line("except EvaluationError: pass")
        return result

    def _found(self, target: Select | At | Read) -> str:
        if isinstance(target, Read):
            return f"{target.member!r} in {self._known(f's.{target.root}')}"
        operand = self.value(target.operand)
        if isinstance(target, At):
            helper = "has_member" if is_root(target.operand) else "present"
            return f"{helper}({operand}, {self.value(target.key)})"
        if is_root(target.operand):
            return f"{target.key!r} in {operand}"
        return f"type({operand}) is dict and {target.key!r} in {operand}"

    # ── operators ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _operation(self, node: Prefix | Infix) -> str:
        if isinstance(node, Prefix):
            if node.operator == "!":
                return f"(not {self.condition(node.operand)})"
            return f"negate({self.value(node.operand)})"
        if node.operator in _ARITHMETIC:
            return self._arithmetic(node)
        left, right = self.value(node.left), self.value(node.right)
        return comparisons.comparison(self.out, node, left, right)

    def _arithmetic(self, node: Infix) -> str:
        left, right = self.value(node.left), self.value(node.right)
        kinds = (node.left.kind, node.right.kind)
        if node.operator in "+-*" and node.kind is not Kind.NUMBER:
            if all(kind in NUMERIC for kind in kinds):
                result = self.out.temporary(f"{left} {node.operator} {right}")
                inside = f"{MIN_INT} <= {result} <= {MAX_INT}"
                if node.kind is Kind.FLOAT:
                    inside = f"{result} - {result} == 0.0"  # neither infinite nor not a number
                self.out.line(f"if not {inside}: bounded_number({result})")
                return result
            if kinds == (Kind.STRING, Kind.STRING) and not self.out.rounds:
                result = self.out.temporary(f"{left} + {right}")
                self.out.line(f"if len({result}) > {MAX_TEXT_CHARS}: too_long()")
                return result
        if node.operator == "+":
            self.out.charge_unless_scalar(left, right)
        return f"{_ARITHMETIC[node.operator]}({left}, {right})"

    def _junction(self, node: Junction) -> str:
        # a && b && c:  False, unless each is true; the last one decides. Nested, so that the rest is not reached.
        decisive = node.operator == "||"
        result = self.out.temporary(repr(decisive))
        self._terms(node.terms, result, "if not " if decisive else "if ")
        return result

    def _terms(self, terms: tuple[Typed, ...], result: str, gate: str) -> None:
        condition = self.condition(terms[0])
        if len(terms) == 1:
            self.out.line(f"{result} = {condition}")
            return
        with self.out.block(f"{gate}{condition}:"):
            self._terms(terms[1:], result, gate)

    def _choice(self, node: Choice) -> str:
        result = self.out.temporary()
        with self.out.block(f"if {self.condition(node.condition)}:"):
            self.out.line(f"{result} = {self.raw(node.then)}")
        with self.out.block("else:"):
            self.out.line(f"{result} = {self.raw(node.otherwise)}")
        return result

    def _collection(self, node: Items | Entries | Text) -> str:
        if isinstance(node, Text):
            return self._joined(node)
        if isinstance(node, Items):
            return f"[{', '.join([self.value(item) for item in node.items])}]"
        entries = [f"{self._key(key)}: {self.value(item)}" for key, item in node.entries]
        return f"{{{', '.join(entries)}}}"

    def _joined(self, node: Text) -> str:
        pieces: list[str] = []
        lengths: list[str] = []
        known = sum(len(str(part.value)) for part in node.parts if isinstance(part, Constant))
        for part in node.parts:
            if isinstance(part, Constant):
                literal = self.out.literal(part.value)
                pieces.append(f"f'{{{literal}}}'" if literal.isidentifier() else literal)
            else:
                written = self.text(part)
                pieces.append(f"f'{{{written}}}'")
                if part.kind is not Kind.INT:
                    lengths.append(f"len({written})")
        if lengths:
            self.out.line(f"if {' + '.join(lengths)} > {MAX_TEXT_CHARS - known}: too_long()")
        return f"({' '.join(pieces)})"

    def _key(self, key: Typed) -> str:
        written = self.value(key)
        return written if key.kind is Kind.STRING else f"map_key({written})"

    # ── calls ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _apply(self, node: Apply) -> str:
        function = node.function
        arguments = [self.value(argument) for argument in node.arguments]
        if function.name == "size":
            return self._size(node, arguments[0])
        if function.shortcut is not None and not self.out.rounds:
            return self._shortcut(node, arguments, function.shortcut)
        if node.prepared is not None:
            arguments.append(self._prepared(node.prepared, arguments[0]))
        elif function.linear:
            self.out.charge(*arguments)
        result = self._called(function, arguments)
        if function.linear and self.out.rounds and node.kind not in (*NUMERIC, Kind.BOOL):
            result = self.out.temporary(result)
            self.out.charge(result)
        return result

    def _prepared(self, pattern: Pattern, text: str) -> str:
        if self.out.rounds:
            self.out.line(f"n = spend_matching(n, {text}, {pattern.size})")
        return self.out.bind(pattern)

    def _called(self, function: Function, arguments: list[str]) -> str:
        given = ["s", *arguments] if function.source is not None else arguments
        return f"{self.out.bind(function.apply)}({', '.join(given)})"

    def _size(self, node: Apply, argument: str) -> str:
        if node.arguments[0].kind in (*CONTAINERS, Kind.STRING):
            return f"len({argument})"
        kind = self.out.temporary(f"type({argument})")
        sized = f"{kind} is list or {kind} is dict or {kind} is str"
        return f"(len({argument}) if {sized} else size({argument}))"

    def _shortcut(self, node: Apply, arguments: list[str], shortcut: str) -> str:
        short = shortcut.format(*arguments)
        unknown = [
            f"type({argument}) is str"
            for argument, part in zip(arguments, node.arguments, strict=True)
            if part.kind is not Kind.STRING
        ]
        if not unknown:
            return f"({short})"
        return f"({short} if {' and '.join(unknown)} else {self._called(node.function, arguments)})"


def is_root(node: Typed) -> bool:
    """Tell whether a node is a map of the state: any mapping; what is in it is exactly a dict or a list."""
    return isinstance(node, Read) and node.kind is Kind.MAP


def _constructs(node: Typed) -> bool:
    """Tell whether a node puts together a container that may share parts with itself."""
    match node:
        case Items() | Entries() | Loop(macro="map"):
            return True
        case Infix(operator="+"):
            return node.kind in (Kind.LIST, Kind.ANY)
        case _:
            return False
