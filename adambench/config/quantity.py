"""The small language for the quantity of a claim: `final(adam) / min(final(nesterov), final(adagrad))`.

It has numbers, + - * /, parentheses, min, max, abs, log10, and MEASURES: functions on the runs of optimizers, which the
caller supplies for the evaluation. An optimizer is named by its label, in quotes if the label is not a plain word. A
measure of report runs may name a problem, `final(adam, problem=deep)`. OVER has functions over all problems.
"""

import ast
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from adambench.config.measures import MEASURES, OF_THE_SEARCH, OPERATORS, OVER, PLAIN
from adambench.errors import unknown

Measure = Callable[..., float]  # (labels, level, metric, **hyperparameters or problem) -> value
OWN, EVERY = "", "*"  # the problem of a claim, and all of them
LONGEST = 2000  # characters
LARGEST = 1e300
MOST = 200  # operations and calls


class Use(NamedTuple):
    """An optimizer that an expression names, with its metric if it names one, on a problem: OWN, EVERY or a name."""

    problem: str
    label: str
    metric: str = ""


@dataclass(frozen=True)
class Held:
    """Labels whose search is restricted to one value of each of some hyper-parameters."""

    labels: tuple[str, ...]
    given: tuple[tuple[str, float | bool], ...]


@dataclass(frozen=True)
class Quantity:
    """A checked expression.

    uses: the optimizers that it names. functions: the measures. held: the restrictions of the search. gaps: the labels
    that are compared setting by setting.
    """

    text: str
    uses: frozenset[Use]
    functions: frozenset[str]
    held: tuple[Held, ...]
    gaps: tuple[tuple[str, ...], ...]

    @property
    def search(self) -> bool:
        """Whether it is computed from the tuning runs."""
        return any(MEASURES[name].search for name in self.functions)

    @property
    def labels(self) -> frozenset[str]:
        return frozenset(use.label for use in self.uses)

    @property
    def metrics(self) -> frozenset[str]:
        return frozenset(use.metric for use in self.uses if use.metric)

    def value(self, measures: Mapping[str, Measure], problems: Sequence[str] = ()) -> float:
        """The number, or nan if it has no value, like ∞/∞. problems: all of them, for OVER.

        A measure of report runs gets `problem` if it is another one than that of the claim.
        """
        return _value(_tree(self.text), measures, problems, OWN)


def parse(text: str, metrics: Collection[str], longest: int | None = LONGEST) -> Quantity:
    """metrics: the allowed ones. longest: in characters. Raises ValueError that says what is wrong."""
    text = " ".join(text.split())
    if "#" in text:
        raise ValueError("must not contain #, which would begin a comment")
    if longest and len(text) > longest:
        raise ValueError(f"must have at most {longest:,} characters, found {len(text):,}")
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
    return Quantity(text, frozenset(found.uses), frozenset(found.functions), tuple(found.held), tuple(found.gaps))


def _tree(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"is not an expression: {getattr(error, 'msg', error)}, found {text[:60]!r}") from error


class _Names:
    """Walks an expression, refuses what the language does not have, and collects names."""

    def __init__(self, metrics: Collection[str]) -> None:
        self.allowed = sorted(metrics)
        self.uses: set[Use] = set()
        self.functions: set[str] = set()
        self.problem = OWN
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
            case ast.Call(func=ast.Name(id=name), args=arguments) if name in OVER:
                self.over(node, name, arguments)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords) if name in MEASURES:
                self.measure(name, arguments, keywords)
            case ast.Call(func=ast.Name(id=name)):
                raise ValueError(f"{name}: {unknown(name, [*PLAIN, *OVER, *MEASURES])}")
            case _:
                raise ValueError(f"{ast.unparse(node)}: not allowed here. Allowed: numbers, + - * / and functions.")

    def over(self, node: ast.Call, name: str, arguments: Sequence[ast.expr]) -> None:
        _count(name, arguments, 1, 1)
        if node.keywords or self.problem == EVERY:
            raise ValueError(f"{ast.unparse(node)}: {name} takes one expression that has no {' or '.join(OVER)} in it")
        self.problem = EVERY
        self.visit(arguments[0])
        self.problem = OWN

    def measure(self, name: str, arguments: Sequence[ast.expr], keywords: Sequence[ast.keyword]) -> None:
        takes = MEASURES[name]
        needed = takes.labels + takes.level
        _count(name, arguments, needed, needed + takes.metric)
        self.functions.add(name)
        labels = tuple(_label(argument) for argument in arguments[: takes.labels])
        named = [] if takes.search else [keyword for keyword in keywords if keyword.arg == "problem"]
        problem = _label(named[0].value, "problem") if named else self.problem
        if takes.search and self.problem == EVERY:
            raise ValueError(f"{name}: not allowed here; {', '.join(OVER)} take measures of report runs")
        if takes.labels > 1:
            self.gaps.append(labels)
        if takes.level:
            self.visit(arguments[takes.labels])
        metric = "".join(map(ast.unparse, arguments[needed:]))
        if metric and metric not in self.allowed:
            raise ValueError(f"{metric}: {unknown(metric, self.allowed)}")
        self.uses.update(Use(problem, label, metric) for label in labels)
        restricted: list[tuple[str, float | bool]] = []
        for keyword in keywords:
            if keyword in named:
                continue
            value = _setting(keyword.value)
            if not takes.search or keyword.arg is None or value is None:
                allowed = f"only {OF_THE_SEARCH} take KEY=VALUE, with a number, true or false"
                if takes.search and keyword.arg == "problem":
                    allowed = "the search is that of the claim's own problem; name it under the claim's key problem"
                raise ValueError(f"{ast.unparse(keyword)}: not allowed here; {allowed}")
            restricted.append((keyword.arg, value))
        if restricted:
            self.held.append(Held(labels, tuple(restricted)))
        if len({keyword.arg for keyword in keywords}) < len(keywords):
            given = ", ".join(map(ast.unparse, keywords))
            raise ValueError(f"{name}: a hyper-parameter is given twice, found {given}")


def _count(name: str, arguments: Sequence[ast.expr], fewest: int, most: float) -> None:
    if not fewest <= len(arguments) <= most:
        wanted = f"{fewest}" if fewest == most else f"{fewest} or more" if most == math.inf else f"{fewest} to {most}"
        raise ValueError(f"{name} takes {wanted} {'arguments' if most > 1 else 'argument'}, found {len(arguments)}")


def _label(node: ast.expr, kind: str = "optimizer") -> str:
    match node:
        case ast.Name(id=label):
            return label
        case ast.Constant(value=str(label)):
            return label
    wanted = "the label of an optimizer, e.g. adam" if kind == "optimizer" else "the name of a problem"
    text = ast.unparse(node)
    quotes = f", in quotes if it is no plain word: {text.replace(' ', '')!r}" if isinstance(node, ast.BinOp) else ""
    raise ValueError(f"{text}: must be {wanted}{quotes}")


def _setting(node: ast.expr) -> float | bool | None:
    """The value of a hyper-parameter, written as in YAML; None if it is not a value."""
    match node:
        case ast.Constant(value=bool(value) | int(value) | float(value)):
            return value
        case ast.Name(id="true" | "false" as word):
            return word == "true"
    return None


def _value(node: ast.expr, measures: Mapping[str, Measure], problems: Sequence[str], problem: str) -> float:
    """The value of an expression that `parse` accepted. problem: where measures are taken that name none."""

    def of(part: ast.expr) -> float:
        return _value(part, measures, problems, problem)

    match node:
        case ast.Constant(value=value):
            return float(value)  # type: ignore[arg-type]  # a number, as checked
        case ast.UnaryOp(operand=operand):
            return -of(operand)
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](of(left), of(right))
        case ast.Call(func=ast.Name(id=name), args=[argument]) if name in OVER:
            return OVER[name](*(_value(argument, measures, problems, each) for each in problems))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords):
            if name in PLAIN:
                return PLAIN[name].apply(*map(of, arguments))
            takes = MEASURES[name]
            needed = takes.labels + takes.level
            labels = [_label(argument) for argument in arguments[: takes.labels]]
            level = [of(argument) for argument in arguments[takes.labels : needed]]
            metric = [argument.id for argument in arguments[needed:] if isinstance(argument, ast.Name)]
            if takes.search:
                given: dict[str, Any] = {str(keyword.arg): _setting(keyword.value) for keyword in keywords}
            else:
                where = next((_label(keyword.value) for keyword in keywords), problem)
                given = {"problem": where} if where else {}
            return measures[name](*labels, *level, *metric, **given)
    raise AssertionError(ast.dump(node))
