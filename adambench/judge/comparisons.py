"""What a claim compares: whether its quantity is a ratio, and of what with which rivals."""

import ast
from collections.abc import Sequence
from typing import Any

from adambench.config import quantity as language
from adambench.config.experiment import Claim
from adambench.config.measures import MEASURES, OVER
from adambench.config.quantity import Quantity
from adambench.curve import COMPARED


def is_ratio(quantity: Quantity) -> bool:
    """Whether the quantity is a division, so that its logarithm is a difference."""
    return isinstance(tree(quantity), ast.BinOp) and isinstance(tree(quantity).op, ast.Div)


def parts(claim: Claim) -> dict[tuple[str, str], Quantity]:
    """`max(W, X) / min(Y, Z)` below a bound as W / Y, W / Z, X / Y and X / Z.

    `min(W, X) / max(Y, Z)` above one likewise. By what is compared: the optimizer above the line, if several stand
    there, and the one below it, if several do. Any other quantity is its only part, also if a term can be negative.
    """
    above, below = {"<": ("max", "min"), ">": ("min", "max")}.get(claim.relation[0], ("", ""))
    match tree(claim.quantity):
        case ast.BinOp(left=top, op=ast.Div(), right=bottom) if _positive(top) and _positive(bottom):
            ones, others = _terms(top, above), _terms(bottom, below)
            found = {
                (_about(one, ones), _about(other, others)): ast.BinOp(one, ast.Div(), other)
                for one in ones
                for other in others
                if ast.unparse(one) != ast.unparse(other)  # whose ratio is 1 by arithmetic
            }
            if found:
                return {key: language.parse(ast.unparse(part), COMPARED) for key, part in found.items()}
    return {("", ""): claim.quantity}


def _terms(node: ast.expr, extreme: str) -> list[ast.expr]:
    """What `min` or `max` is taken of; the node itself if it is something else."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[_, _, *_] as terms) if name == extreme:
            return terms
    return [node]


def _positive(node: ast.expr) -> bool:
    """Whether it cannot be negative: what is measured, and sums, products and extremes of that."""
    match node:
        case ast.Constant(value=number):
            return isinstance(number, int | float) and number > 0
        case ast.Call(func=ast.Name(id=name), args=terms):
            return name in MEASURES or name == "abs" or (name in ("min", "max", *OVER) and all(map(_positive, terms)))
        case ast.BinOp(left=one, op=ast.Add() | ast.Mult() | ast.Div(), right=other):
            return _positive(one) and _positive(other)
    return False


def _about(node: ast.expr, of: Sequence[ast.expr]) -> str:
    """What tells one of several terms from the others: its optimizer, `adagrad` of `final(adagrad)`; else all of it."""
    if len(of) < 2:
        return ""
    label = _label(node)
    return label if [_label(term) for term in of].count(label) == 1 else ast.unparse(node)


def _label(node: ast.expr) -> str:
    match node:
        case ast.Call(args=[ast.Name(id=label) | ast.Constant(value=str(label)), *_], keywords=[]):
            return label
    return ast.unparse(node)


def tree(quantity: Quantity) -> Any:
    return ast.parse(quantity.text, mode="eval").body
