r"""Losses of the output `y` of a network against targets `t`, each with its gradient.

All losses share one formula. With s_n the weight of sample n (0 where its label is ignored), l_n its loss and v_n the
weight of its class,

    none: s_n l_n        sum: sum_n s_n l_n        mean: sum_n s_n l_n / sum_n s_n v_n   (0 where the divisor is 0)

    squared error    l_n = 1/2 sum_c (y_nc - t_nc)^2,              v_n = 1
    Huber            l_n = sum_c H(y_nc - t_nc),                   v_n = 1
    Poisson          l_n = sum_c exp(y_nc) - t_nc - t_nc (y_nc - log t_nc),            v_n = 1
    binary, labels   l_n = sum_c log(1 + exp(y_nc)) - t_nc y_nc,   v_n = 1
    cross-entropy    l_n = - sum_c w_c q_nc log p_nc,              v_n = sum_c w_c t_nc / sum_c t_nc
                     q_nc = (1 - e) t_nc + (e / C) sum_k t_nk      (e: label smoothing, w: class weights)

A label c is the target with t_nc = 1 and zeros elsewhere, so that for labels v_n is the weight of the label's class.

Shapes: `y` is (C,), one sample; (N, C), a mini-batch; or (M, N, C), the outputs of M networks, and gives one loss per
network. `t` is either as large as `y`, or integer labels with one axis less; both may lack the member axis M. Integers
with fewer axes than `y` are always labels, so integer one-hot targets must not lack it.
"""

from xpnet.losses.binary_cross_entropy import BinaryCrossEntropy
from xpnet.losses.cross_entropy import CrossEntropyError, SoftmaxCrossEntropy, SoftmaxCrossEntropyError
from xpnet.losses.huber import HuberLoss
from xpnet.losses.loss import Loss, Terms
from xpnet.losses.multilabel_cross_entropy import MultiLabelCrossEntropy
from xpnet.losses.poisson import PoissonLoss
from xpnet.losses.squared_error import MeanSquaredError

mean_squared_error = MeanSquaredError()
huber_loss = HuberLoss()
poisson_loss = PoissonLoss()
cross_entropy_error = CrossEntropyError()
softmax_cross_entropy = SoftmaxCrossEntropy()
binary_cross_entropy = BinaryCrossEntropy()
multilabel_cross_entropy = MultiLabelCrossEntropy()

LOSSES: dict[str, type[Loss]] = {
    loss.name: loss
    for loss in (
        SoftmaxCrossEntropy,
        SoftmaxCrossEntropyError,
        BinaryCrossEntropy,
        MultiLabelCrossEntropy,
        MeanSquaredError,
        HuberLoss,
        PoissonLoss,
    )
}
"""The losses of a network's raw outputs, by name."""

__all__ = [
    "LOSSES",
    "BinaryCrossEntropy",
    "CrossEntropyError",
    "HuberLoss",
    "Loss",
    "MeanSquaredError",
    "MultiLabelCrossEntropy",
    "PoissonLoss",
    "SoftmaxCrossEntropy",
    "SoftmaxCrossEntropyError",
    "Terms",
    "binary_cross_entropy",
    "cross_entropy_error",
    "huber_loss",
    "mean_squared_error",
    "multilabel_cross_entropy",
    "poisson_loss",
    "softmax_cross_entropy",
]
