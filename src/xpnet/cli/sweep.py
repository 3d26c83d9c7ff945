"""``xpnet sweep``."""

import shlex
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from pathlib import Path

import click

from xpnet import sweeps
from xpnet.cli import options
from xpnet.cli.loading import load
from xpnet.cli.printing import warn
from xpnet.cli.run_folder import check_new, new_folder
from xpnet.cli.sweep_options import VALIDATION, planned, read_asked
from xpnet.cli.sweep_progress import reporter, tell
from xpnet.sweeps.folder import PICTURE, PLAN
from xpnet.sweeps.picture import plot_sweep
from xpnet.sweeps.work import remember


@click.command
@options.axes_from_settings(validation=VALIDATION)
@click.option("--random", type=int, metavar="N", help="Draw N combinations instead of taking all.")
@click.option("--halving", metavar="EPOCHS", help="After each of these epochs (5,10,20), go on with the better half.")
@click.option("--workers", type=int, metavar="N", help="Train in N processes.")
@click.option("--scheduler", metavar="ADDRESS", help="Train on the Dask cluster with this scheduler.")
@click.option("--config", type=Path, metavar="FILE.toml", help="Read options from a file; those given here win.")
@click.option("--out", type=Path, metavar="DIR", help="New folder for the sweep.  [default: runs/<data>-sweep-<time>]")
@click.option("--resume", type=Path, metavar="DIR", help="Go on with the sweep of this folder, by its own options.")
@click.option("--plot", is_flag=True, help="Also draw sweep.png.")
@click.option("--quiet", is_flag=True, help="Print nothing.")
@options.as_json
def sweep(
    random: int | None,
    halving: str | None,
    workers: int | None,
    scheduler: str | None,
    config: Path | None,
    out: Path | None,
    resume: Path | None,
    plot: bool,
    quiet: bool,
    as_json: bool,
    **given: tuple[str, ...],
) -> None:
    """Train combinations of options side by side, find the best.

    It is the best by validation. Every option may have several values: A,B,C, all integers of a range 0..7, or the same
    option again; and with --random an interval 0.001..0.1. Networks that differ in their seed alone are compared by
    their mean. Those of one shape train side by side.

    Whatever ends a sweep, --resume goes on with it, and trains nothing twice.
    """
    if plot and find_spec("matplotlib") is None:
        raise ValueError('--plot needs matplotlib, which is not installed: pip install "xpnet[plot]"')
    if workers is not None and scheduler is not None:
        raise ValueError("--workers and --scheduler are two places to train in: leave one out")
    if resume is None:
        asked = read_asked(given, config, random, halving)
        if out is not None:
            check_new(out)
            _check_no_sweep(out)
    else:
        others = {"random": random, "halving": halving, "config": config, "out": out, **given}
        if extra := [name for name, value in others.items() if value]:
            raise ValueError(
                f"--resume goes on with the options and in the folder of its sweep: leave {options.flag(extra[0])} out"
            )
        asked = planned(resume)
    dataset = load(asked.settings, quiet=quiet or as_json)
    remember(asked.settings, dataset)
    folder = resume or out or new_folder(f"{dataset.name}-sweep")
    report = reporter(quiet=quiet or as_json)
    try:
        with _executor(workers, scheduler) as executor, report:
            found = sweeps.sweep(
                *asked[:2],
                random=asked.random,
                halving=asked.halving,
                folder=folder,
                executor=executor,
                report=report.show,
                spelling=options.flag,
            )
    except (KeyboardInterrupt, SystemExit):
        warn(f"stopped; to go on: {shlex.join(['xpnet', 'sweep', '--resume', str(folder)])}")
        raise
    if plot:
        plot_sweep(found.rows, folder / PICTURE, title=f"{dataset.name}: {len(found.rows)} candidates")
    if not quiet:
        tell(found, dataset, folder, as_json=as_json)


def _check_no_sweep(folder: Path) -> None:
    if (folder / PLAN).exists():
        raise ValueError(
            f"--out: {folder} already holds a sweep: choose another folder, or go on with --resume {folder}"
        )


def _executor(workers: int | None, scheduler: str | None) -> AbstractContextManager[Executor | None]:
    if scheduler is not None:
        return sweeps.dask_cluster(scheduler)
    return nullcontext() if workers is None else sweeps.Workers(workers)
