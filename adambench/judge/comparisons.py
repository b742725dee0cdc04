"""What a claim compares: whether its quantity is a ratio, and with which rivals."""

import ast
from typing import Any

from adambench.config import quantity as language
from adambench.config.experiment import Claim
from adambench.config.quantity import Quantity
from adambench.curve import COMPARED


def is_ratio(quantity: Quantity) -> bool:
    """Whether the quantity is a division, so that its logarithm is a difference."""
    return isinstance(tree(quantity), ast.BinOp) and isinstance(tree(quantity).op, ast.Div)


def parts(claim: Claim) -> dict[str, Quantity]:
    """`X / min(Y, Z)` below a bound as X / Y and X / Z, by rival, and `X / max(Y, Z)` above one likewise.

    Any other quantity is its only part, without a rival.
    """
    extreme = {"<": "min", "<=": "min", ">": "max", ">=": "max"}.get(claim.relation)
    match tree(claim.quantity):
        case ast.BinOp(left=one, op=ast.Div(), right=ast.Call(func=ast.Name(id=name), args=[_, _, *_] as others)) if (
            name == extreme
        ):
            return {
                _rival(other): language.parse(ast.unparse(ast.BinOp(one, ast.Div(), other)), COMPARED)
                for other in others
            }
    return {"": claim.quantity}


def _rival(node: ast.expr) -> str:
    """The optimizer that a term is about, `adagrad` of `final(adagrad)`; the term itself if it is something else."""
    match node:
        case ast.Call(args=[ast.Name(id=label) | ast.Constant(value=str(label)), *_], keywords=[]):
            return label
    return ast.unparse(node)


def tree(quantity: Quantity) -> Any:
    return ast.parse(quantity.text, mode="eval").body
