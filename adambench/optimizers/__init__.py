"""The update rules by name, in order of invention. To add a rule, write a file and register it here."""

from adambench.optimizers.adadelta import AdaDelta
from adambench.optimizers.adagrad import AdaGrad
from adambench.optimizers.adam import Adam
from adambench.optimizers.adam_eps_hat import AdamEpsHat
from adambench.optimizers.adamax import AdaMax
from adambench.optimizers.base import Optimizer, State
from adambench.optimizers.momentum import Momentum
from adambench.optimizers.nesterov import Nesterov
from adambench.optimizers.rmsprop import RMSProp
from adambench.optimizers.sgd import SGD

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adadelta": AdaDelta,
    "adam": Adam,
    "adam_eps_hat": AdamEpsHat,
    "adamax": AdaMax,
}

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "AdaDelta",
    "AdaGrad",
    "AdaMax",
    "Adam",
    "AdamEpsHat",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSProp",
    "State",
]
