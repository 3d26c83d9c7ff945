"""What ``--log`` writes for other programs, while a run is trained."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from xpnet._checks import check_choice

LOGS = ("tensorboard",)
_SECONDS = 5


def check_log(name: str | None) -> None:
    """Refuse an unknown log, and one whose library is missing."""
    if name is None:
        return
    check_choice(name, "--log", LOGS)
    if find_spec("tensorboardX") is None:
        raise ValueError('--log tensorboard needs tensorboardX, which is missing: pip install "xpnet[tensorboard]"')


@contextmanager
def open_log(name: str | None, run: Path, step: int) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Give what writes a line of ``metrics.jsonl`` to the log of a run that has done `step` mini-batches.

    For TensorBoard, the folder ``tensorboard`` gets ``accuracy/train``, ``accuracy/test`` and the like; what a run that
    was stopped had written after that step is taken back.
    """
    if name is None:
        yield lambda line: None
        return
    from tensorboardX import SummaryWriter

    with SummaryWriter(str(run / name), purge_step=step + 1 if step else None, flush_secs=_SECONDS) as writer:

        def write(line: Mapping[str, Any]) -> None:
            for key, value in line.items():
                part, _, measure = key.partition("_")
                if part in ("train", "validation", "test"):
                    writer.add_scalar(f"{measure}/{part}", value, line["step"])

        yield write
