"""A folder as the Hugging Face Hub has them."""

import json
from pathlib import Path

from xpnet._files import write_atomically
from xpnet._text import listed
from xpnet._version import __version__
from xpnet.checkpoint import packed
from xpnet.model import Model

_CARD = """---
library_name: xpnet
tags:
- xpnet
- {task}
pipeline_tag: {task}
---

# {name}

A two-layer network that takes {takes} and says {says}.

| | |
| --- | --- |
| network | {shape}, {activation}, {dtype} |
| loss | {loss} |
| trained on | {data} |
| written by | xpnet {version} |

## Use

```python
import xpnet

model = xpnet.load_model("model.safetensors")
model.predict(x)  # raw features, shape (n, {features}){columns}
```

`model.safetensors` is read by every reader of safetensors; `config.json` says what its tensors are of.
"""


def write_folder(model: Model, path: Path) -> None:
    """Make a folder with ``README.md``, the model card, ``config.json`` and ``model.safetensors``; needs no network."""
    net, origin = model.net, model.origin
    names = () if origin is None else origin.class_names
    columns = () if origin is None else origin.columns
    says = f"{len(names)} classes ({listed(names, 5)})" if names else f"{net.output_size} numbers"
    facts = {
        "library_name": "xpnet",
        "model_type": "two-layer-network",
        "version": __version__,
        "input_size": net.input_size,
        "hidden_size": net.hidden_size,
        "output_size": net.output_size,
        "activation": net.activation.name,
        "loss": net.loss_function.name,
        "dtype": net.dtype,
        "class_names": names,
        "columns": columns,
    }
    card = _CARD.format(
        task="tabular-classification" if "accuracy" in net.loss_function.task.metrics else "tabular-regression",
        name=path.name,
        takes=f"{net.input_size} features",
        says=says,
        shape=f"{net.input_size}-{net.hidden_size}-{net.output_size}",
        activation=net.activation.name,
        dtype=net.dtype,
        loss=net.loss_function.name,
        data="unknown data" if origin is None else Path(origin.data).name,
        version=__version__,
        features=net.input_size,
        columns=f", or a frame with the columns {listed(columns, 5)}" if columns else "",
    )
    path.mkdir(parents=True)
    write_atomically(path / "README.md", card.encode())
    write_atomically(path / "config.json", (json.dumps(facts, indent=2) + "\n").encode())
    write_atomically(path / "model.safetensors", packed(net, origin=origin))
