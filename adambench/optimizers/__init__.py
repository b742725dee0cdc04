"""The update rules by name, in order of invention. To add a rule, write a file and register it here."""

from adambench.optimizers.adabelief import AdaBelief
from adambench.optimizers.adadelta import AdaDelta
from adambench.optimizers.adagrad import AdaGrad
from adambench.optimizers.adam import Adam
from adambench.optimizers.adam_eps_hat import AdamEpsHat
from adambench.optimizers.adamax import AdaMax
from adambench.optimizers.adamw import AdamW
from adambench.optimizers.adan import Adan
from adambench.optimizers.amsgrad import AMSGrad
from adambench.optimizers.base import Layout, MatrixOptimizer, Optimizer, State, WholeOptimizer
from adambench.optimizers.lamb import LAMB
from adambench.optimizers.lion import Lion
from adambench.optimizers.momentum import Momentum
from adambench.optimizers.muon import Muon
from adambench.optimizers.nadam import NAdam
from adambench.optimizers.nesterov import Nesterov
from adambench.optimizers.radam import RAdam
from adambench.optimizers.rmsprop import RMSProp
from adambench.optimizers.rprop import Rprop
from adambench.optimizers.schedule_free_adamw import ScheduleFreeAdamW
from adambench.optimizers.schedule_free_sgd import ScheduleFreeSGD
from adambench.optimizers.sgd import SGD
from adambench.optimizers.sgdw import SGDW
from adambench.optimizers.yogi import Yogi

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "rprop": Rprop,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adadelta": AdaDelta,
    "adam": Adam,
    "adam_eps_hat": AdamEpsHat,
    "adamax": AdaMax,
    "nadam": NAdam,
    "sgdw": SGDW,
    "adamw": AdamW,
    "amsgrad": AMSGrad,
    "yogi": Yogi,
    "radam": RAdam,
    "lamb": LAMB,
    "adabelief": AdaBelief,
    "adan": Adan,
    "lion": Lion,
    "schedule_free_sgd": ScheduleFreeSGD,
    "schedule_free_adamw": ScheduleFreeAdamW,
    "muon": Muon,
}

__all__ = [
    "LAMB",
    "OPTIMIZERS",
    "SGD",
    "SGDW",
    "AMSGrad",
    "AdaBelief",
    "AdaDelta",
    "AdaGrad",
    "AdaMax",
    "Adam",
    "AdamEpsHat",
    "AdamW",
    "Adan",
    "Layout",
    "Lion",
    "MatrixOptimizer",
    "Momentum",
    "Muon",
    "NAdam",
    "Nesterov",
    "Optimizer",
    "RAdam",
    "RMSProp",
    "Rprop",
    "ScheduleFreeAdamW",
    "ScheduleFreeSGD",
    "State",
    "WholeOptimizer",
    "Yogi",
]
