"""The same losses and activations written with PyTorch's and JAX's own functions, and differentiated by them.

PyTorch answers with its losses (``torch.nn.functional``); JAX with the formula on top of `xpnet.losses`.
"""

from typing import Any

import numpy as np

NAMES = ("torch", "jax")
DELTA, IGNORE_INDEX = 1e-7, -100


def oracle(name: str) -> "Torch | Jax":
    """Return the oracle of that name."""
    return {"torch": Torch, "jax": Jax}[name]()


class Torch:
    """PyTorch in float64."""

    def __init__(self) -> None:
        import torch

        self.torch, self.functional = torch, torch.nn.functional
        self.activations = {
            "sigmoid": torch.sigmoid,
            "tanh": torch.tanh,
            "relu": torch.relu,
            "identity": lambda z: z,
            "gelu": lambda z: self.functional.gelu(z, approximate="tanh"),
            "silu": self.functional.silu,
        }

    def asarray(self, values: Any) -> Any:
        return self.torch.asarray(np.array(values))

    def value_and_gradients(self, function: Any, arrays: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return `function` of the named arrays, and the gradients of its sum with respect to each."""
        leaves = {name: self.asarray(array).double().requires_grad_() for name, array in arrays.items()}
        value = function(**leaves)
        value.sum().backward()
        return value.detach().numpy(), {name: leaf.grad.numpy() for name, leaf in leaves.items()}

    def loss(self, name: str, y: Any, t: Any, reduction: str = "mean", **options: Any) -> Any:
        t = self.asarray(t)
        if name in ("mean_squared_error", "huber", "poisson", "binary_cross_entropy", "multilabel_cross_entropy"):
            losses, divisors = self._elementwise(name, y, t, **options)
        else:
            losses, divisors = self._cross_entropy(name, y, t, **options)
        if reduction == "none":
            return losses
        return losses.sum() if reduction == "sum" else losses.sum() / divisors.sum()

    def _weights(self, y: Any, sample_weight: Any) -> Any:
        return self.asarray(np.ones(y.shape[:-1]) if sample_weight is None else sample_weight)

    def _elementwise(
        self, name: str, y: Any, t: Any, sample_weight: Any = None, scale: str = "half", delta: float = 1.0
    ) -> Any:
        t, functional = t.double(), self.functional
        if name == "mean_squared_error":
            errors = functional.mse_loss(y, t, reduction="none")
            errors = errors / y.shape[-1] if scale == "mean" else errors / 2
        elif name == "huber":
            errors = functional.huber_loss(y, t, reduction="none", delta=delta)
        elif name == "poisson":
            perfect = t - self.torch.special.xlogy(t, t)
            errors = functional.poisson_nll_loss(y, t, reduction="none", eps=0) - perfect
        else:
            errors = functional.binary_cross_entropy_with_logits(y, t, reduction="none")
        weights = self._weights(y, sample_weight)
        return errors.sum(-1) * weights, weights

    def _cross_entropy(
        self,
        name: str,
        y: Any,
        t: Any,
        sample_weight: Any = None,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        ignore_index: int = IGNORE_INDEX,
        delta: float = DELTA,
    ) -> Any:
        weights = self._weights(y, sample_weight)
        classes = y.shape[-1]
        class_weights = None if class_weight is None else self.asarray(class_weight)
        kept = None if t.ndim == y.ndim else t != ignore_index
        one_hot = t if kept is None else self.functional.one_hot(self.torch.where(kept, t, 0), classes).double()
        if name == "softmax_cross_entropy":
            options = {"weight": class_weights, "label_smoothing": label_smoothing, "reduction": "none"}
            if kept is not None:
                options["ignore_index"] = ignore_index
            losses = self.functional.cross_entropy(y, t, **options)
        else:
            log_p = self.torch.log((y if name == "cross_entropy_error" else self.torch.softmax(y, -1)) + delta)
            q = (1 - label_smoothing) * one_hot + label_smoothing / classes
            losses = -((1 if class_weights is None else class_weights) * q * log_p).sum(-1)
        norms = weights if class_weights is None else weights * (class_weights * one_hot).sum(-1)
        if kept is not None:
            losses, norms = losses * kept, norms * kept
        return losses * weights, norms


class Jax:
    """JAX in float64."""

    def __init__(self) -> None:
        import jax

        jax.config.update("jax_enable_x64", True)
        self.jax, self.numpy = jax, jax.numpy
        nn = jax.nn
        self.activations = {
            "sigmoid": nn.sigmoid,
            "tanh": nn.tanh,
            "relu": nn.relu,
            "identity": nn.identity,
            "gelu": lambda z: nn.gelu(z, approximate=True),
            "silu": nn.silu,
        }

        def binary(y: Any, t: Any) -> Any:
            return -t * nn.log_sigmoid(y) - (1 - t) * nn.log_sigmoid(-y)

        def huber(y: Any, t: Any, delta: float) -> Any:
            size = abs(y - t)
            return jax.numpy.where(size < delta, size**2 / 2, delta * size - delta**2 / 2)

        self._elementwise = {
            "mean_squared_error": lambda y, t, scale: (y - t) ** 2 / (y.shape[-1] if scale == "mean" else 2),
            "huber": huber,
            "poisson": lambda y, t: jax.numpy.exp(y) - t - t * y + jax.scipy.special.xlogy(t, t),
            "binary_cross_entropy": binary,
            "multilabel_cross_entropy": binary,
        }

    def asarray(self, values: Any) -> Any:
        return self.numpy.asarray(values)

    def value_and_gradients(self, function: Any, arrays: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Return `function` of the named arrays, and the gradients of its sum with respect to each."""
        leaves = {name: self.numpy.asarray(array, dtype=float) for name, array in arrays.items()}
        gradients = self.jax.grad(lambda leaves: function(**leaves).sum())(leaves)
        return np.asarray(function(**leaves)), {name: np.asarray(gradient) for name, gradient in gradients.items()}

    def loss(
        self,
        name: str,
        y: Any,
        t: Any,
        reduction: str = "mean",
        sample_weight: Any = None,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        ignore_index: int = IGNORE_INDEX,
        delta: float | None = None,
        scale: str = "half",
    ) -> Any:
        t, s = self.asarray(t), self.numpy.ones(y.shape[:-1]) if sample_weight is None else self.asarray(sample_weight)
        if name in self._elementwise:
            options = {"scale": scale} if name == "mean_squared_error" else {}
            options |= {"delta": delta or 1.0} if name == "huber" else {}
            losses = self._elementwise[name](y, t, **options).sum(-1)
            norms = self.numpy.ones(y.shape[:-1])
        else:
            delta = DELTA if delta is None else delta
            log_p = {
                "softmax_cross_entropy": lambda: self.jax.nn.log_softmax(y),
                "cross_entropy_error": lambda: self.numpy.log(y + delta),
                "softmax_cross_entropy_error": lambda: self.numpy.log(self.jax.nn.softmax(y) + delta),
            }[name]()
            classes = y.shape[-1]
            if t.ndim < y.ndim:
                s = s * (t != ignore_index)
                t = self.jax.nn.one_hot(t, classes, dtype=float)
            w = self.numpy.ones(classes) if class_weight is None else self.asarray(class_weight)
            totals = t.sum(-1)
            q = (1 - label_smoothing) * t + label_smoothing / classes * totals[..., None]
            losses = -(w * q * log_p).sum(-1)
            norms = (w * t).sum(-1) / self.numpy.where(totals == 0, 1, totals)
        if reduction == "none":
            return s * losses
        return (s * losses).sum() if reduction == "sum" else (s * losses).sum() / (s * norms).sum()
