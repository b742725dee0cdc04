"""What a claim compares: whether its quantity is a ratio, and of what with which rivals."""

import ast
from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

from adambench.config import quantity as language
from adambench.config.experiment import Claim
from adambench.config.measures import MEASURES, OVER
from adambench.config.quantity import Quantity
from adambench.curve import COMPARED

MOST = 100  # comparisons of a claim


class Part(NamedTuple):
    """A comparison. one: what was chosen where the quantity grows, rival: where it falls; empty if nothing was."""

    one: str
    rival: str
    quantity: Quantity


Key = tuple[str, str, tuple[float, ...]]  # a comparison, the relation and the bound that are claimed of it


class Term(NamedTuple):
    """An expression without the extremes that were taken apart, and what was chosen of each."""

    node: ast.expr
    ones: tuple[str, ...] = ()  # of what the quantity grows with
    rivals: tuple[str, ...] = ()  # of what it falls with


def is_ratio(quantity: Quantity) -> bool:
    """Whether the quantity is a division of what cannot be negative, so that its logarithm is a difference."""
    match tree(quantity):
        case ast.BinOp(left=top, op=ast.Div(), right=bottom):
            return _positive(top) and _positive(bottom)
    return False


def parts(claim: Claim, problems: Sequence[str] = ()) -> list[Part]:
    """`max(W, X) / min(Y, Z)` below a bound as W / Y, W / Z, X / Y and X / Z, which are then all below it.

    Likewise for every `max` that the quantity grows with, every `min` that it falls with, and `worst`, the `max` over
    all problems; above a bound, for every `min` that it grows with and `max` that it falls with. A quantity with
    nothing of that kind is its only part, and so is one with more than MOST.
    """
    whole = [Part("", "", claim.quantity)]
    if claim.relation == "between":
        return whole
    terms = _terms(tree(claim.quantity), True, claim.relation.startswith("<"), problems)
    found = [Part(", ".join(t.ones), ", ".join(t.rivals), _parsed(t.node)) for t in terms]
    constant = [part for part in found if not part.quantity.uses]
    if len(found) > MOST or not all(_holds(part, claim) for part in constant):
        return whole
    return [part for part in found if part not in constant] or whole


def _parsed(node: ast.expr) -> Quantity:
    return language.parse(ast.unparse(node), COMPARED, longest=None)


def _holds(part: Part, claim: Claim) -> bool:
    """Whether a comparison of numbers, as of something with itself, holds by arithmetic."""
    value, (bound,) = part.quantity.value({}), claim.bound
    return {"<": value < bound, "<=": value <= bound, ">": value > bound, ">=": value >= bound}[claim.relation]


def key(part: Part, claim: Claim) -> Key:
    """The same for the same comparison, however two claims have it: every measure with its problem; relation, bound."""
    node = _on(tree(part.quantity), claim.problem) if claim.problem else tree(part.quantity)
    for keyword in ast.walk(node):
        if isinstance(keyword, ast.keyword) and keyword.arg == "problem" and isinstance(keyword.value, ast.Name):
            keyword.value = ast.Constant(keyword.value.id)
    return ast.unparse(node), claim.relation, claim.bound


def biased(quantity: Quantity, problems: Sequence[str] = ()) -> bool:
    """Whether it holds an extreme of several measured values: the least of noisy values is too low, by chance alone.

    An extreme in the level of a measure does not count.
    """

    def of(node: ast.AST) -> bool:
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in MEASURES:
                return False
            case ast.Call(func=ast.Name(id="min" | "max"), args=values) if sum(map(_measured, values)) > 1:
                return True
            case ast.Call(func=ast.Name(id="worst")) if len(problems) > 1:
                return True
            case ast.Call(func=ast.Name(id="abs"), args=[value]) if _measured(value) and not _positive(value):
                return True
        return any(map(of, ast.iter_child_nodes(node)))

    return of(tree(quantity))


def _measured(node: ast.expr) -> bool:
    return any(isinstance(part, ast.Call) and ast.unparse(part.func) in MEASURES for part in ast.walk(node))


def _terms(  # noqa: PLR0911  # a case for each form
    node: ast.expr, grows: bool, below: bool, problems: Sequence[str]
) -> list[Term]:
    """The terms that a node is the extreme of, on the side that decides.

    grows: whether the quantity grows with the node, else it falls. below: whether the claim is that it is below a
    bound. The node itself if it is no extreme.
    """
    match node:
        case ast.Call(func=ast.Name(id="min" | "max" as name), args=[_, _, *_] as values):
            if (name == "max") == (grows == below):
                return [
                    _chosen(term, _about(value, values), grows)
                    for value in values
                    for term in _terms(value, grows, below, problems)
                ]
        case ast.Call(func=ast.Name(id="worst"), args=[value]) if grows == below and problems:
            terms = _terms(value, grows, below, problems)
            return [
                _chosen(term._replace(node=_on(term.node, name)), name, grows) for name in problems for term in terms
            ]
        case ast.Call(func=ast.Name(id="log10") as name, args=[value]):
            return [t._replace(node=ast.Call(name, [t.node], [])) for t in _terms(value, grows, below, problems)]
        case ast.UnaryOp(op=op, operand=operand):
            return [t._replace(node=ast.UnaryOp(op, t.node)) for t in _terms(operand, not grows, below, problems)]
        case ast.BinOp(left=left, op=ast.Mult() as op, right=right) if _positive(left) and not _positive(right):
            return _both(op, [Term(left)], _terms(right, grows, below, problems))
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            same = isinstance(op, ast.Add)
            return _both(op, _terms(left, grows, below, problems), _terms(right, grows == same, below, problems))
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div() as op, right=right) if _positive(right):
            same = isinstance(op, ast.Mult)
            others = _terms(right, grows == same, below, problems) if _positive(left) else [Term(right)]
            return _both(op, _terms(left, grows, below, problems), others)
    return [Term(node)]


def _both(op: ast.operator, lefts: Iterable[Term], rights: Sequence[Term]) -> list[Term]:
    return [
        Term(_joined(one.node, op, other.node), one.ones + other.ones, one.rivals + other.rivals)
        for one in lefts
        for other in rights
    ][: MOST + 1]  # of too many, as many as show it


def _joined(one: ast.expr, op: ast.operator, other: ast.expr) -> ast.expr:
    """X / x is 1, and x − x is 0, whatever the runs are."""
    if isinstance(op, ast.Div | ast.Sub) and _measured(one) and ast.unparse(one) == ast.unparse(other):
        return ast.Constant(int(isinstance(op, ast.Div)))
    return ast.BinOp(one, op, other)


def _chosen(term: Term, name: str, grows: bool) -> Term:
    return term._replace(ones=(name, *term.ones)) if grows else term._replace(rivals=(name, *term.rivals))


def _on(node: ast.expr, problem: str) -> ast.expr:
    """A copy, with the problem in every measure that names none."""
    copy = deepcopy(node)
    for part in ast.walk(copy):
        if isinstance(part, ast.Call) and ast.unparse(part.func) in MEASURES and not part.keywords:
            part.keywords = [ast.keyword("problem", ast.Constant(problem))]
    return copy


def _positive(node: ast.expr) -> bool:
    """Whether it cannot be negative: what is measured, and sums, products and extremes of that."""
    match node:
        case ast.Constant(value=number):
            return isinstance(number, int | float) and number >= 0
        case ast.Call(func=ast.Name(id=name), args=terms):
            return name in MEASURES or name == "abs" or (name in ("min", "max", *OVER) and all(map(_positive, terms)))
        case ast.BinOp(left=one, op=ast.Add() | ast.Mult() | ast.Div(), right=other):
            return _positive(one) and _positive(other)
    return False


def _about(node: ast.expr, of: Sequence[ast.expr]) -> str:
    """What tells one of several terms from the others: its optimizer, `adagrad` of `final(adagrad)`; else all of it."""
    label = _label(node)
    return label if [_label(term) for term in of].count(label) == 1 else ast.unparse(node)


def _label(node: ast.expr) -> str:
    match node:
        case ast.Call(args=[ast.Name(id=label) | ast.Constant(value=str(label)), *_], keywords=[]):
            return label
    return ast.unparse(node)


def tree(quantity: Quantity) -> Any:
    return ast.parse(quantity.text, mode="eval").body
