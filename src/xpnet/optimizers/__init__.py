"""Optimizers: how a step turns gradients into new parameters.

An optimizer is a set of numbers and keeps nothing. What it must remember is data, made by ``initial_state(params)``
and updated by ``update(params, gradients, state)`` together with the parameters, in place where the array library
can. All formulas are PyTorch's, so results agree step by step; g is the gradient, w a parameter, r the learning rate,
and ``weight_decay`` d adds d w to g (L2), except in `AdamW`.
"""

from xpnet.optimizers.clipping import clip_gradient_norm
from xpnet.optimizers.optimizer import Optimizer, OptimizerState, Rule
from xpnet.optimizers.rules import OPTIMIZERS, SGD, AdaGrad, Adam, AdamW, Momentum, RMSProp

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Momentum",
    "Optimizer",
    "OptimizerState",
    "RMSProp",
    "Rule",
    "clip_gradient_norm",
]
