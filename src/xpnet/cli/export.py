"""``xpnet export``."""

from pathlib import Path

import click

from xpnet._checks import check_choice
from xpnet.cli import options
from xpnet.cli.printing import say
from xpnet.cli.run_folder import load_trained
from xpnet.model import Model


@click.command
@options.model_argument
@click.option("--format", metavar="NAME", required=True, help="onnx, npz, sklearn, or hub.")
@click.option("--out", type=Path, metavar="PATH", help="New file or folder.  [default: <model>.<format>, here]")
def export(model: Path, format: str, out: Path | None) -> None:
    """Write a model for other tools.

    onnx is a graph for every runtime, npz has the arrays, sklearn is a fitted pipeline of scikit-learn, and hub a
    folder for the Hugging Face Hub. All take raw features and say what the model says.
    """
    from xpnet.export import FORMATS, export_model  # imported here, since no other command needs it

    check_choice(format, "--format", FORMATS)
    trained = Model(*load_trained(model, "cpu"))
    name = model.resolve().parent.name if model.name == "model.safetensors" else model.resolve().stem
    out = Path(name + FORMATS[format].suffix) if out is None else out
    export_model(trained, out, format=format)
    say("saved", f"{out}, which takes {trained.net.input_size} raw features")
