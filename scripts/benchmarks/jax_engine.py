"""JAX: an epoch is one compiled program, a scan over its mini-batches."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.engine import Engine
from benchmarks.work import BETA1, BETA2, EPSILON, LEARNING_RATES, Arrays, Work


class JaxEngine(Engine):
    """`jit` of `lax.scan`, with parameters and what the optimizer remembers given away, so that they are reused."""

    def __init__(self, work: Work, device: str, threads: int) -> None:
        super().__init__(work, device, threads)
        jax.config.update("jax_platforms", "cuda" if device == "gpu" else "cpu")
        jax.config.update("jax_default_matmul_precision", "highest")
        self.x, self.t = jnp.asarray(work.x), jnp.asarray(work.t.astype(np.int32))
        weights = {name: jnp.asarray(w) for name, w in work.params.items()}
        zeros = [jax.tree.map(jnp.zeros_like, weights) for _ in range(2)]
        self.state: Any = (weights, *zeros, jnp.zeros((), jnp.float32))
        self.scan = jax.jit(partial(scan_epoch, work.case.optimizer), donate_argnums=0)

    def train(self, order: np.ndarray) -> object:
        batches = jnp.asarray(order.astype(np.int32).reshape(self.work.steps, -1))
        self.state, losses = self.scan(self.state, self.x, self.t, batches)
        return np.asarray(losses)

    def params(self) -> Arrays:
        return {name: np.array(w) for name, w in self.state[0].items()}

    def about(self) -> str:
        return f"JAX {jax.__version__}"


class JaxVmap(JaxEngine):
    """The same program for many networks, by `vmap` over all that a network has."""

    def __init__(self, work: Work, device: str, threads: int) -> None:
        super().__init__(work, device, threads)
        self.state = jax.tree.map(lambda w: jnp.stack([w] * work.members), self.state)
        program = jax.vmap(partial(scan_epoch, work.case.optimizer), in_axes=(0, None, None, None))
        self.scan = jax.jit(program, donate_argnums=0)

    def params(self) -> Arrays:
        return {name: w[-1] for name, w in super().params().items()}


def scan_epoch(optimizer: str, state: Any, x: Any, t: Any, batches: Any) -> Any:
    """Do a step for each mini-batch, and return the state after them and the losses before each."""

    def loss_of(weights: Any, rows: Any) -> Any:
        hidden = jax.nn.sigmoid(x[rows] @ weights["W1"] + weights["b1"])
        outputs = jax.nn.log_softmax(hidden @ weights["W2"] + weights["b2"])
        return -jnp.mean(jnp.take_along_axis(outputs, t[rows][:, None], axis=1))

    def step(state: Any, rows: Any) -> Any:
        weights, m, v, count = state
        loss, g = jax.value_and_grad(loss_of)(weights, rows)
        count += 1
        if optimizer == "adam":
            m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, m, g)
            v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, v, g)
            first, second = 1 - BETA1**count, 1 - BETA2**count
            g = jax.tree.map(lambda m, v: m / first / (jnp.sqrt(v / second) + EPSILON), m, v)
        weights = jax.tree.map(lambda w, g: w - LEARNING_RATES[optimizer] * g, weights, g)
        return (weights, m, v, count), loss

    return jax.lax.scan(step, state, batches)
