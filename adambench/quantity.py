"""The small language in which a claim says what it is about: `final(adam) / min(final(nesterov), final(adagrad))`.

Numbers, + - * /, parentheses, min, max, abs, log10, and MEASURES, functions on the runs of optimizers, which whoever
evaluates brings along. An optimizer is named by its label, in quotes if that is no plain word.
"""

import ast
import math
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

Measure = Callable[..., float]  # (labels, *arguments, **hyperparameters) -> value


@dataclass(frozen=True)
class Takes:
    """What a measure is given: labels of optimizers, then from `fewest` to `most` numbers or names of metrics.

    search: it looks at the tuning runs and may be held to some of them, as in `best(adam, beta1=0.9)`; else it looks at
    the report runs, seed by seed.
    """

    labels: int
    fewest: int
    most: int
    search: bool = False


MEASURES = {
    "final": Takes(1, 0, 1),
    "epochs": Takes(1, 1, 2),
    "seconds": Takes(1, 1, 2),
    "best": Takes(1, 0, 0, search=True),
    "limit": Takes(1, 1, 1, search=True),
    "gap": Takes(2, 0, 0, search=True),
}

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
    """A checked expression. labels: the optimizers it names; functions: the measures; words: metrics."""

    text: str
    labels: frozenset[str]
    functions: frozenset[str]
    words: frozenset[str]

    @property
    def search(self) -> bool:
        """Whether it is about the tuning runs."""
        return any(MEASURES[name].search for name in self.functions)

    def value(self, measures: Mapping[str, Measure]) -> float:
        """Nan where it has no value, as ∞/∞."""
        return _value(_tree(self.text), measures)


def parse(text: str, words: Collection[str]) -> Quantity:
    """words: the metrics that may be named. Raises ValueError that says what is wrong."""
    found = _Names(words)
    found.visit(_tree(text))
    if len({MEASURES[name].search for name in found.functions}) > 1:
        raise ValueError("measures of the search (best, limit, gap) and of report runs do not mix")
    return Quantity(text, frozenset(found.labels), frozenset(found.functions), frozenset(found.words))


def _tree(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"is no expression: {getattr(error, 'msg', error)}") from error


class _Names:
    """Walks an expression, refuses what is not of the language and collects the names in it."""

    def __init__(self, words: Collection[str]) -> None:
        self.allowed = sorted(words)
        self.labels: set[str] = set()
        self.functions: set[str] = set()
        self.words: set[str] = set()

    def visit(self, node: ast.expr) -> None:
        match node:
            case ast.Constant(value=value) if type(value) in (int, float):
                pass
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                self.visit(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                self.visit(left)
                self.visit(right)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in PLAIN:
                fewest, most = PLAIN_TAKES[name]
                _count(name, arguments, fewest, most)
                for argument in arguments:
                    self.visit(argument)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords) if name in MEASURES:
                self.measure(name, arguments, keywords)
            case ast.Call(func=ast.Name(id=name)) if name not in PLAIN:
                raise ValueError(f"{name}: unknown. Allowed: {', '.join([*PLAIN, *MEASURES])}.")
            case _:
                raise ValueError(f"{ast.unparse(node)}: not allowed here; numbers, + - * / and functions are")

    def measure(self, name: str, arguments: Sequence[ast.expr], keywords: Sequence[ast.keyword]) -> None:
        takes = MEASURES[name]
        _count(name, arguments, takes.labels + takes.fewest, takes.labels + takes.most)
        self.functions.add(name)
        self.labels |= {_label(argument) for argument in arguments[: takes.labels]}
        for argument in arguments[takes.labels :]:
            if isinstance(argument, ast.Name):
                if argument.id not in self.allowed:
                    raise ValueError(f"{argument.id}: unknown. Allowed: {', '.join(self.allowed)}.")
                self.words.add(argument.id)
            else:
                self.visit(argument)
        for keyword in keywords:
            if not takes.search or not isinstance(keyword.value, ast.Constant):
                raise ValueError(
                    f"{ast.unparse(keyword)}: not allowed here; best, limit and gap take hyperparameter=value"
                )


def _count(name: str, arguments: Sequence[ast.expr], fewest: int, most: int) -> None:
    if not fewest <= len(arguments) <= most:
        wanted = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        raise ValueError(f"{name} takes {wanted} argument{'s' * (most > 1)}, found {len(arguments)}")


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
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords):
            if name in PLAIN:
                return PLAIN[name](*(_value(argument, measures) for argument in arguments))
            count = MEASURES[name].labels
            labels = [_label(argument) for argument in arguments[:count]]
            rest = [arg.id if isinstance(arg, ast.Name) else _value(arg, measures) for arg in arguments[count:]]
            held = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in keywords}
            return measures[name](*labels, *rest, **held)
    raise AssertionError(ast.dump(node))
