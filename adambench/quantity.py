"""The small language in which a claim says what it is about: `final(adam) / min(final(nesterov), final(adagrad))`.

Numbers, + - * /, parentheses, min, max, abs, log10, and functions on the curves of an optimizer, which whoever
evaluates brings along (`claims.value`). An optimizer is named by its label, in quotes if that is no plain word.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Measure = Callable[..., float]  # (optimizer's label, *arguments) -> value

PLAIN: Mapping[str, Callable[..., float]] = {
    "min": lambda *values: min(values),
    "max": lambda *values: max(values),
    "abs": abs,
    "log10": lambda value: math.log10(value) if value > 0 else -math.inf,
}
PLAIN_TAKES = {"min": (1, 99), "max": (1, 99), "abs": (1, 1), "log10": (1, 1)}


def _divide(a: float, b: float) -> float:
    if b == 0:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a)
    return a / b


OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divide,
}


@dataclass(frozen=True)
class Quantity:
    """A checked expression. labels: the optimizers it names; words: the other names in it, such as metrics."""

    text: str
    labels: frozenset[str]
    words: frozenset[str]
    functions: frozenset[str]

    def value(self, measures: Mapping[str, Measure]) -> float:
        """Nan where it has no value, as ∞/∞."""
        return _value(_tree(self.text), measures)


def parse(text: str, measures: Mapping[str, tuple[int, int]], words: frozenset[str]) -> Quantity:
    """measures: how many arguments, fewest and most, each function on curves takes; words: what else may be named.

    Raises ValueError that says what is wrong.
    """
    found = _Names(measures, words)
    found.visit(_tree(text))
    return Quantity(text, frozenset(found.labels), frozenset(found.words), frozenset(found.functions))


def _tree(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"is no expression: {getattr(error, 'msg', error)}") from error


class _Names:
    """Walks an expression, refuses what is not of the language and collects the names in it."""

    def __init__(self, measures: Mapping[str, tuple[int, int]], words: frozenset[str]) -> None:
        self.measures, self.allowed = measures, words
        self.labels: set[str] = set()
        self.words: set[str] = set()
        self.functions: set[str] = set()

    def visit(self, node: ast.expr) -> None:
        match node:
            case ast.Constant(value=value) if type(value) in (int, float):
                pass
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                self.visit(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                self.visit(left)
                self.visit(right)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                self.call(name, arguments)
            case _:
                raise ValueError(f"{ast.unparse(node)}: not allowed here; numbers, + - * / and functions are")

    def call(self, name: str, arguments: Sequence[ast.expr]) -> None:
        takes = {**PLAIN_TAKES, **self.measures}
        if name not in takes:
            raise ValueError(f"{name}: unknown. Allowed: {', '.join(takes)}.")
        fewest, most = takes[name]
        if not fewest <= len(arguments) <= most:
            raise ValueError(f"{name} takes {fewest} to {most} arguments, found {len(arguments)}")
        if name in self.measures:
            self.functions.add(name)
            self.labels.add(_label(arguments[0]))
            arguments = arguments[1:]
        for argument in arguments:
            if name in self.measures and isinstance(argument, ast.Name):
                if argument.id not in self.allowed:
                    raise ValueError(f"{argument.id}: unknown. Allowed: {', '.join(sorted(self.allowed))}.")
                self.words.add(argument.id)
            else:
                self.visit(argument)


def _label(node: ast.expr) -> str:
    match node:
        case ast.Name(id=label):
            return label
        case ast.Constant(value=str(label)):
            return label
    raise ValueError(f"{ast.unparse(node)}: must be the label of an optimizer")


def _value(node: ast.expr, measures: Mapping[str, Measure]) -> float:
    """Of an expression that `parse` let pass."""
    match node:
        case ast.Constant(value=value):
            return float(value)  # type: ignore[arg-type]  # a number, as checked
        case ast.UnaryOp(operand=operand):
            return -_value(operand, measures)
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](_value(left, measures), _value(right, measures))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            if name in PLAIN:
                return PLAIN[name](*(_value(argument, measures) for argument in arguments))
            label, *rest = arguments
            given = [arg.id if isinstance(arg, ast.Name) else _value(arg, measures) for arg in rest]
            return measures[name](_label(label), *given)
    raise AssertionError(ast.dump(node))
