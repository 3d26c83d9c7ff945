"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Folder with the files of mnist or fashion-mnist; else $XPNET_DATA_DIR, else the cache."
    ),
]
DeviceName = Annotated[
    str,
    typer.Option("--device", metavar="NAME", help="auto, cpu, gpu or gpu:N (N = 0, 1, ...); auto takes a working GPU."),
]
Label = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|INDEX", help="Label column of a table; by default its 'label', 'target' or 'class', or the last."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Model = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A model.safetensors, or the folder of a run.", show_default=False)
]


def model_file(path: Path) -> Path:
    """Return the model file of a run's folder, or the path itself."""
    return path / "model.safetensors" if path.is_dir() else path
