"""An ONNX graph."""

import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpnet._files import write_atomically
from xpnet._version import __version__
from xpnet.export.parts import Parts
from xpnet.losses.tasks import Binary, Classification, Probabilistic, Rates
from xpnet.model import Model

_OPSET, _IR_VERSION = 17, 8
"""Of 2022: every runtime of today reads them."""


def write_graph(model: Model, path: Path) -> None:
    """Write an ``.onnx`` file that takes raw ``features``, double (n, features), as the data have them.

    It gives ``probabilities`` (n, classes) and ``label``, the name of the class (n,); of labels of which any may hold
    ``probabilities`` (n, labels) and ``labels``, 0 or 1 (n, labels); else ``predictions``, double (n, outputs), in
    their units.
    """
    if find_spec("onnx") is None:
        raise ImportError('format onnx needs onnx, which is not installed: pip install "xpnet[onnx]"')
    write_atomically(path, _Graph(model).model().SerializeToString())


class _Graph:
    """A graph in the making: nodes one after another, each with an output of its own."""

    def __init__(self, model: Model) -> None:
        import onnx

        self.onnx, self.parts, self.net = onnx, Parts.of(model), model.net
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def model(self) -> Any:
        """Return the whole model."""
        onnx, parts = self.onnx, self.parts
        helper, kinds = onnx.helper, onnx.TensorProto
        outputs = self.say(self.outputs("features"))
        features = helper.make_tensor_value_info("features", kinds.DOUBLE, ["n", len(parts.offset)])
        graph = helper.make_graph(self.nodes, "xpnet", [features], outputs, self.constants)
        made = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
            producer_name="xpnet",
            producer_version=__version__,
        )
        names = {"classes": "\n".join(parts.class_names), "columns": "\n".join(parts.columns)}
        helper.set_model_props(made, {name: text for name, text in names.items() if text})
        onnx.checker.check_model(made, full_check=True)
        return made

    def outputs(self, features: str) -> str:
        """Add what the network does, in its dtype, with features that are scaled as `Scaling.apply` does it."""
        parts, number = self.parts, self.number
        x = self.add("Mul", self.add("Sub", features, number(parts.offset)), number(parts.factor))
        x = self.cast(self.cast(x, np.dtype("float32")), parts.W1.dtype)
        hidden = self.add("Add", self.add("MatMul", x, number(parts.W1)), number(parts.b1))
        values = self.activate(hidden)
        return self.add("Add", self.add("MatMul", values, number(parts.W2)), number(parts.b2))

    def activate(self, z: str) -> str:
        """Add the activation."""
        add, name = self.add, self.net.activation.name
        dtype = self.parts.W1.dtype

        def scalar(value: float) -> str:
            return self.number(np.asarray(value, dtype))

        if name == "gelu":  # z / 2 (1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3)))
            cubes = add("Mul", add("Mul", add("Mul", z, z), z), scalar(0.044715))
            inner = add("Mul", add("Add", z, cubes), scalar(math.sqrt(2 / math.pi)))
            return add("Mul", add("Mul", z, scalar(0.5)), add("Add", add("Tanh", inner), scalar(1.0)))
        if name == "silu":  # z / (1 + exp(-z)): of z sigmoid(z) onnxruntime makes a kernel that it has in float only.
            return add("Div", z, add("Add", add("Exp", add("Neg", z)), scalar(1.0)))
        node = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "identity": "Identity"}.get(name)
        if node is None:
            raise ValueError(f"format onnx knows the activations of this library, got {name}: take format npz")
        return add(node, z)

    def say(self, y: str) -> list[Any]:
        """Add what the outputs mean, and return the infos of what the graph gives."""
        parts, task, kinds = self.parts, self.net.loss_function.task, self.onnx.TensorProto
        info, size = self.onnx.helper.make_tensor_value_info, self.net.output_size
        if not isinstance(task, Probabilistic):
            numbers = self.cast(self.add("Exp", y) if isinstance(task, Rates) else y, np.dtype("float64"))
            numbers = self.add("Div", numbers, self.number(parts.target_factor))
            self.add("Add", numbers, self.number(parts.target_offset), output="predictions")
            return [info("predictions", kinds.DOUBLE, ["n", size])]
        kind = self.onnx.helper.np_dtype_to_tensor_dtype(parts.W1.dtype)
        given = "probabilities"
        if isinstance(task, Binary):
            both = [self.add("Sigmoid", self.add("Neg", y)), self.add("Sigmoid", y)]
            self.add("Concat", *both, output=given, axis=1)
        else:
            node: Any = ("Softmax", {"axis": -1}) if isinstance(task, Classification) else ("Sigmoid", {})
            self.add(node[0], y, output=given, **node[1])
        probabilities = info(given, kind, ["n", task.classes(size)])
        if not task.classification:
            above = self.add("Greater", given, self.number(np.asarray(0.5, parts.W1.dtype)))
            self.add("Cast", above, output="labels", to=kinds.INT64)
            return [probabilities, info("labels", kinds.INT64, ["n", size])]
        best = self.add("ArgMax", given, axis=1, keepdims=0)
        names = parts.class_names or tuple(map(str, range(task.classes(size))))
        self.add("Gather", self.number(np.asarray(names, dtype=object)), best, output="label")
        return [probabilities, info("label", kinds.STRING, ["n"])]

    def add(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node, and return the name of its output."""
        output = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def number(self, values: NDArray[Any]) -> str:
        """Add constants, and return their name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(values, name))
        return name

    def cast(self, values: str, dtype: np.dtype[Any]) -> str:
        """Add a conversion."""
        return self.add("Cast", values, to=self.onnx.helper.np_dtype_to_tensor_dtype(dtype))
