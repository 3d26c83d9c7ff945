"""Arrays of NumPy."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from xpnet._files import write_atomically
from xpnet.export.parts import Parts
from xpnet.model import Model


def write_arrays(model: Model, path: Path) -> None:
    """Write a ``.npz`` file of the `Parts` of a model by name, and the names of its activation and loss.

    ``f((raw - offset) * factor @ W1 + b1) @ W2 + b2`` are its outputs; numbers among them are
    ``outputs / target_factor + target_offset``.
    """
    names = {"activation": model.net.activation.name, "loss": model.net.loss_function.name}
    arrays: dict[str, Any] = {name: np.asarray(value) for name, value in (Parts.of(model)._asdict() | names).items()}
    for name in ("class_names", "columns"):
        arrays[name] = arrays[name].astype(str)
    content = BytesIO()
    np.savez(content, **arrays)
    write_atomically(path, content.getvalue())
