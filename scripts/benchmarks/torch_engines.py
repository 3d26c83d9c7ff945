"""PyTorch: step by step, compiled, and as a CUDA graph."""

from typing import Any

import numpy as np
import torch

from benchmarks.engine import Engine
from benchmarks.work import BETA1, BETA2, EPSILON, LEARNING_RATES, Arrays, Work

cross_entropy = torch.nn.functional.cross_entropy


class Eager(Engine):
    """Two linear layers, autograd, and PyTorch's optimizers, in their fused form."""

    capturable = False

    def __init__(self, work: Work, device: str, threads: int) -> None:
        super().__init__(work, device, threads)
        torch.set_num_threads(threads)
        torch.backends.cuda.matmul.allow_tf32 = False
        case = work.case
        self.place = torch.device("cuda" if device == "gpu" else "cpu")
        self.x, self.t = (torch.from_numpy(array).to(self.place) for array in (work.x, work.t))
        self.net: Any = torch.nn.Sequential(
            torch.nn.Linear(case.features, case.hidden), torch.nn.Sigmoid(), torch.nn.Linear(case.hidden, case.classes)
        ).to(self.place)
        with torch.no_grad():
            for layer, number in ((self.net[0], "1"), (self.net[2], "2")):
                layer.weight.copy_(torch.from_numpy(work.params["W" + number].T.copy()))
                layer.bias.copy_(torch.from_numpy(work.params["b" + number]))
        self.optimizer = self.rule(list(self.net.parameters()))

    def rule(self, params: list[Any]) -> Any:
        """Return the optimizer."""
        rate = LEARNING_RATES[self.work.case.optimizer]
        if self.work.case.optimizer == "sgd":
            return torch.optim.SGD(params, lr=rate, fused=True)
        return torch.optim.Adam(
            params, lr=rate, betas=(BETA1, BETA2), eps=EPSILON, fused=True, capturable=self.capturable
        )

    def train(self, order: np.ndarray) -> object:
        batches = torch.from_numpy(order.reshape(self.work.steps, -1)).to(self.place)
        return torch.stack([self.step(rows) for rows in batches]).cpu()

    def step(self, rows: Any) -> Any:
        """Do one step and return the loss before it."""
        loss = cross_entropy(self.net(self.x[rows]), self.t[rows])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def params(self) -> Arrays:
        (w1, b1), (w2, b2) = ((layer.weight, layer.bias) for layer in (self.net[0], self.net[2]))
        host = [array.detach().cpu().numpy().copy() for array in (w1.T, b1, w2.T, b2)]
        return dict(zip(("W1", "b1", "W2", "b2"), host, strict=True))

    def about(self) -> str:
        return f"PyTorch {torch.__version__}"


class Compiled(Eager):
    """The whole step, gathering and update included, as one compiled function."""

    def __init__(self, work: Work, device: str, threads: int) -> None:
        super().__init__(work, device, threads)
        self.weights = [w.detach() for w in self.net.parameters()]
        self.slots = [torch.zeros_like(w) for w in self.weights + self.weights]
        self.count = torch.zeros((), device=self.place)
        self.compiled = torch.compile(self.whole_step, fullgraph=True, dynamic=False)
        self.compiled(
            self.weights, self.slots, self.count, self.x, self.t, torch.arange(work.case.batch).to(self.place)
        )
        fresh = Eager(work, device, threads)
        for mine, other in zip(self.weights, fresh.net.parameters(), strict=True):
            mine.copy_(other.detach())
        for slot in (*self.slots, self.count):
            slot.zero_()

    def step(self, rows: Any) -> Any:
        return self.compiled(self.weights, self.slots, self.count, self.x, self.t, rows)

    def whole_step(self, weights: Any, slots: Any, count: Any, x: Any, t: Any, rows: Any) -> Any:
        """Do one step, by PyTorch's functional gradient."""

        def loss_of(weights: Any) -> Any:
            w1, b1, w2, b2 = weights
            return cross_entropy(torch.sigmoid(x[rows] @ w1.T + b1) @ w2.T + b2, t[rows])

        gradients, loss = torch.func.grad_and_value(loss_of)(weights)
        rate, half = LEARNING_RATES[self.work.case.optimizer], len(weights)
        count.add_(1)
        for w, g, m, v in zip(weights, gradients, slots[:half], slots[half:], strict=True):
            if self.work.case.optimizer == "adam":
                m.mul_(BETA1).add_(g, alpha=1 - BETA1)
                v.mul_(BETA2).add_(g * g, alpha=1 - BETA2)
                g = m / (1 - BETA1**count) / (torch.sqrt(v / (1 - BETA2**count)) + EPSILON)
            w.sub_(rate * g)
        return loss


class Graph(Eager):
    """The eager step, recorded once as a CUDA graph and replayed."""

    capturable = True

    def __init__(self, work: Work, device: str, threads: int) -> None:
        super().__init__(work, device, threads)
        start = {name: w.clone() for name, w in self.net.state_dict().items()}
        self.batch, self.labels = self.x[: work.case.batch].clone(), self.t[: work.case.batch].clone()
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):  # A few steps make all arrays before the recording, on a stream aside.
            for _ in range(3):
                self.static_step()
        torch.cuda.current_stream().wait_stream(stream)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.loss = self.static_step()
        self.net.load_state_dict(start)
        for slots in self.optimizer.state.values():
            for slot in slots.values():
                if torch.is_tensor(slot):
                    slot.zero_()

    def static_step(self) -> Any:
        """Do one step on the batch that is in place."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = cross_entropy(self.net(self.batch), self.labels)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def step(self, rows: Any) -> Any:
        torch.index_select(self.x, 0, rows, out=self.batch)
        torch.index_select(self.t, 0, rows, out=self.labels)
        self.graph.replay()
        return self.loss.clone()


class Vmap(Eager):
    """Many networks by `vmap` over the gradient of a function, and the optimizers' formulas by hand."""

    def __init__(self, work: Work, device: str, threads: int) -> None:
        super().__init__(work, device, threads)
        arrays = {name: torch.from_numpy(w).to(self.place) for name, w in work.params.items()}
        self.weights = {name: torch.stack([w] * work.members) for name, w in arrays.items()}
        self.m, self.v = ({name: torch.zeros_like(w) for name, w in self.weights.items()} for _ in range(2))
        self.count = 0
        self.differentiate = torch.func.vmap(torch.func.grad_and_value(_loss), in_dims=(0, None, None))

    @torch.no_grad()
    def step(self, rows: Any) -> Any:
        gradients, losses = self.differentiate(self.weights, self.x[rows], self.t[rows])
        rate, self.count = LEARNING_RATES[self.work.case.optimizer], self.count + 1
        for name, g in gradients.items():
            if self.work.case.optimizer == "adam":
                m, v = self.m[name], self.v[name]
                m.mul_(BETA1).add_(g, alpha=1 - BETA1)
                v.mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
                root = (v / (1 - BETA2**self.count)).sqrt_().add_(EPSILON)
                self.weights[name].addcdiv_(m, root, value=-rate / (1 - BETA1**self.count))
            else:
                self.weights[name].add_(g, alpha=-rate)
        return losses

    def params(self) -> Arrays:
        return {name: w[-1].cpu().numpy().copy() for name, w in self.weights.items()}


def _loss(weights: dict[str, Any], x: Any, t: Any) -> Any:
    hidden = torch.sigmoid(x @ weights["W1"] + weights["b1"])
    return cross_entropy(hidden @ weights["W2"] + weights["b2"], t)
