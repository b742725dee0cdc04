"""The small language for the quantity of a claim: `final(adam) / min(final(nesterov), final(adagrad))`.

It has numbers, + - * /, parentheses, min, max, abs, log10, and MEASURES: functions on the runs of optimizers, which the
caller supplies for the evaluation. An optimizer is named by its label, in quotes if the label is not a plain word.
"""

import ast
import math
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from adambench.errors import unknown

Measure = Callable[..., float]  # (labels, level, metric, **hyperparameters) -> value
LONGEST = 2000  # characters
LARGEST = 1e300
MOST = 200  # operations and calls


@dataclass(frozen=True)
class Takes:
    """The arguments of a measure: labels of optimizers, then a level if it needs one, then an optional metric.

    search: whether it is computed from the tuning runs and can be restricted to some of them, as in
    `best(adam, beta1=0.9)`. Otherwise it is computed from the report runs, seed by seed.
    """

    labels: int = 1
    level: bool = False
    metric: bool = False
    search: bool = False


MEASURES = {
    "final": Takes(metric=True),
    "epochs": Takes(level=True, metric=True),
    "seconds": Takes(level=True, metric=True),
    "best": Takes(search=True),
    "limit": Takes(level=True, search=True),
    "gap": Takes(labels=2, search=True),
}
OF_THE_SEARCH = ", ".join(name for name, takes in MEASURES.items() if takes.search)


def _extreme(choose: Callable[..., float]) -> Callable[..., float]:
    """Min or max; nan if any of the values is nan."""
    return lambda *values: math.nan if any(map(math.isnan, values)) else choose(values)


def _log10(value: float) -> float:
    return math.log10(value) if value > 0 else math.nan if value != 0 else -math.inf


class Plain(NamedTuple):
    """A function that takes only values."""

    apply: Callable[..., float]
    most: float  # arguments, at least one


PLAIN: Mapping[str, Plain] = {
    "min": Plain(_extreme(min), math.inf),
    "max": Plain(_extreme(max), math.inf),
    "abs": Plain(abs, 1),
    "log10": Plain(_log10, 1),
}


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
class Held:
    """Labels whose search is restricted to one value of a hyper-parameter."""

    labels: tuple[str, ...]
    name: str
    value: float | bool


@dataclass(frozen=True)
class Quantity:
    """A checked expression.

    labels, functions, metrics: the optimizers, measures and metrics that it names. held: the restrictions of the
    search. gaps: the labels that are compared setting by setting.
    """

    text: str
    labels: frozenset[str]
    functions: frozenset[str]
    metrics: frozenset[str]
    held: tuple[Held, ...]
    gaps: tuple[tuple[str, ...], ...]

    @property
    def search(self) -> bool:
        """Whether it is computed from the tuning runs."""
        return any(MEASURES[name].search for name in self.functions)

    def value(self, measures: Mapping[str, Measure]) -> float:
        """The number, or nan if it has no value, like ∞/∞."""
        return _value(_tree(self.text), measures)


def parse(text: str, metrics: Collection[str]) -> Quantity:
    """metrics: the allowed ones. Raises ValueError that says what is wrong."""
    text = " ".join(text.split())
    if len(text) > LONGEST:
        raise ValueError(f"must have at most {LONGEST:,} characters, found {len(text):,}")
    found = _Names(metrics)
    try:
        tree = _tree(text)
        if sum(isinstance(node, ast.BinOp | ast.UnaryOp | ast.Call) for node in ast.walk(tree)) > MOST:
            raise ValueError(f"must have at most {MOST} operations")
        found.visit(tree)
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
    if len({MEASURES[name].search for name in found.functions}) > 1:
        raise ValueError(f"must not combine measures of the search ({OF_THE_SEARCH}) with those of report runs")
    names = (frozenset(found.labels), frozenset(found.functions), frozenset(found.metrics))
    return Quantity(text, *names, tuple(found.held), tuple(found.gaps))


def _tree(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"is not an expression: {getattr(error, 'msg', error)}, found {text[:60]!r}") from error


class _Names:
    """Walks an expression, refuses what the language does not have, and collects names."""

    def __init__(self, metrics: Collection[str]) -> None:
        self.allowed = sorted(metrics)
        self.labels: set[str] = set()
        self.functions: set[str] = set()
        self.metrics: set[str] = set()
        self.held: list[Held] = []
        self.gaps: list[tuple[str, ...]] = []

    def visit(self, node: ast.expr) -> None:
        match node:
            case ast.Constant(value=int(value) | float(value)) if type(value) is not bool:
                if not abs(value) < LARGEST:
                    raise ValueError(f"{str(value)[:20]}: must be less than {LARGEST:g}")
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                self.visit(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                self.visit(left)
                self.visit(right)
            case ast.Call(func=ast.Name(id=name), keywords=[keyword, *_]) if name in PLAIN:
                raise ValueError(f"{ast.unparse(keyword)}: not allowed here; {name} takes only values")
            case ast.Call(func=ast.Name(id=name), args=arguments) if name in PLAIN:
                _count(name, arguments, 1, PLAIN[name].most)
                for argument in arguments:
                    self.visit(argument)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords) if name in MEASURES:
                self.measure(name, arguments, keywords)
            case ast.Call(func=ast.Name(id=name)):
                raise ValueError(f"{name}: {unknown(name, [*PLAIN, *MEASURES])}")
            case _:
                raise ValueError(f"{ast.unparse(node)}: not allowed here. Allowed: numbers, + - * / and functions.")

    def measure(self, name: str, arguments: Sequence[ast.expr], keywords: Sequence[ast.keyword]) -> None:
        takes = MEASURES[name]
        needed = takes.labels + takes.level
        _count(name, arguments, needed, needed + takes.metric)
        self.functions.add(name)
        labels = tuple(_label(argument) for argument in arguments[: takes.labels])
        self.labels.update(labels)
        if takes.labels > 1:
            self.gaps.append(labels)
        if takes.level:
            self.visit(arguments[takes.labels])
        for argument in arguments[needed:]:
            metric = argument.id if isinstance(argument, ast.Name) else ast.unparse(argument)
            if metric not in self.allowed:
                raise ValueError(f"{metric}: {unknown(metric, self.allowed)}")
            self.metrics.add(metric)
        for keyword in keywords:
            value = _setting(keyword.value)
            if not takes.search or keyword.arg is None or value is None:
                allowed = f"only {OF_THE_SEARCH} take KEY=VALUE, with a number, true or false"
                raise ValueError(f"{ast.unparse(keyword)}: not allowed here; {allowed}")
            self.held.append(Held(labels, keyword.arg, value))
        if len({keyword.arg for keyword in keywords}) < len(keywords):
            given = ", ".join(map(ast.unparse, keywords))
            raise ValueError(f"{name}: a hyper-parameter is given twice, found {given}")


def _count(name: str, arguments: Sequence[ast.expr], fewest: int, most: float) -> None:
    if not fewest <= len(arguments) <= most:
        wanted = f"{fewest}" if fewest == most else f"{fewest} or more" if most == math.inf else f"{fewest} to {most}"
        raise ValueError(f"{name} takes {wanted} {'arguments' if most > 1 else 'argument'}, found {len(arguments)}")


def _label(node: ast.expr) -> str:
    match node:
        case ast.Name(id=label):
            return label
        case ast.Constant(value=str(label)):
            return label
    raise ValueError(f"{ast.unparse(node)}: must be the label of an optimizer, e.g. adam")


def _setting(node: ast.expr) -> float | bool | None:
    """The value of a hyper-parameter, written as in YAML; None if it is not a value."""
    match node:
        case ast.Constant(value=bool(value) | int(value) | float(value)):
            return value
        case ast.Name(id="true" | "false" as word):
            return word == "true"
    return None


def _value(node: ast.expr, measures: Mapping[str, Measure]) -> float:
    """The value of an expression that `parse` accepted."""
    match node:
        case ast.Constant(value=value):
            return float(value)  # type: ignore[arg-type]  # a number, as checked
        case ast.UnaryOp(operand=operand):
            return -_value(operand, measures)
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](_value(left, measures), _value(right, measures))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords):
            if name in PLAIN:
                return PLAIN[name].apply(*(_value(argument, measures) for argument in arguments))
            takes = MEASURES[name]
            needed = takes.labels + takes.level
            labels = [_label(argument) for argument in arguments[: takes.labels]]
            level = [_value(argument, measures) for argument in arguments[takes.labels : needed]]
            metric = [argument.id for argument in arguments[needed:] if isinstance(argument, ast.Name)]
            held = {str(keyword.arg): _setting(keyword.value) for keyword in keywords}
            return measures[name](*labels, *level, *metric, **held)
    raise AssertionError(ast.dump(node))
