"""From settings to the command line that means them."""

import shlex
from typing import Any

from xpnet.settings.options import DEFAULTS
from xpnet.settings.settings import Settings


def minimal(settings: Settings) -> dict[str, Any]:
    """Return the values that say all: without those that the preset, the optimizer or a default gives.

    Examples
    --------
    >>> from xpnet.settings import Settings, minimal
    >>> minimal(Settings(data="flowers.csv", hidden=200, optimizer="sgd"))
    {'data': 'flowers.csv', 'optimizer': 'sgd'}
    """
    told = {name: value for name, value in settings.as_dict().items() if value != DEFAULTS[name]}
    wanted = _whole(told)
    for name in list(told):
        rest = {other: value for other, value in told.items() if other != name}
        try:
            if _whole(rest) == wanted and name not in ("device", "epochs"):
                told = rest
        except ValueError:
            pass  # Other options need this one.
    return told


def training_command(settings: Settings, config: str = "config.json") -> str:
    """Return the command that trains by these settings; for numbers that no option can hold, by their file `config`.

    Examples
    --------
    >>> from xpnet.settings import Settings, training_command
    >>> training_command(Settings(hidden=20, nesterov=True, optimizer="momentum"))
    'xpnet train --hidden 20 --optimizer momentum --nesterov'
    """
    told = minimal(settings)
    if any(isinstance(value, list) for value in told.values()):
        return shlex.join(["xpnet", "train", "--config", config])
    words = ["xpnet", "train"]
    for name, value in told.items():
        flag = name.replace("_", "-")
        words += [f"--{flag}" if value else f"--no-{flag}"] if isinstance(value, bool) else [f"--{flag}", str(value)]
    return shlex.join(words)


def _whole(values: dict[str, Any]) -> Settings:
    return Settings.of(values).completed(epochs=1, device="cpu")
