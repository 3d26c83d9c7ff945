"""``xpnet train``."""

from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from xpnet.cli import options
from xpnet.cli.job import Job
from xpnet.cli.logs import LOGS, check_log
from xpnet.cli.printing import say
from xpnet.cli.progress import reporter
from xpnet.cli.resume import check_begun_with, is_finished, resumed_settings
from xpnet.cli.run_folder import RunFolder, check_new, newest_checkpoint
from xpnet.cli.signals import StopSignals
from xpnet.cli.together import processes
from xpnet.training import Processes


@click.command
@options.from_settings()
@click.option("--config", type=options.PATH, metavar="FILE.toml", help="Read options from a file; those given win.")
@click.option("--out", type=options.PATH, metavar="DIR", help="New folder for the run.  [default: runs/<data>-<time>]")
@click.option("--resume", type=options.PATH, metavar="RUN", help="Go on with the run of this folder, by its options.")
@click.option(
    "--parallel",
    type=click.Choice(["mpi"]),
    help="Share the work with all processes that mpiexec started, best with OPENBLAS_NUM_THREADS=1.",
)
@click.option("--plot", is_flag=True, help="Also draw curves, mistakes and first-layer weights, as .png files.")
@click.option(
    "--log", metavar="NAME", shell_complete=options.completing(LOGS), help="tensorboard: also write its files."
)
@click.option("--quiet", is_flag=True, help="Print nothing.")
@options.as_json
def train(
    config: Path | None,
    out: Path | None,
    resume: Path | None,
    parallel: str | None,
    plot: bool,
    log: str | None,
    quiet: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Train a network and keep the run in a folder.

    The network is evaluated on the test set after every epoch. With --validation it is a part of the training set that
    is evaluated, and the test set at the end only.

    Whatever ends a run, --resume goes on from its last checkpoint, and comes to the same end. Of options it takes only
    those of length, place and checkpoints: with --epochs it trains on where the run had ended.
    """
    if plot and find_spec("matplotlib") is None:
        raise ValueError('--plot needs matplotlib, which is not installed: pip install "xpnet[plot]"')
    check_log(log)
    if resume is not None:
        if config is not None or out is not None:
            raise ValueError(
                "--resume goes on with the options and in the folder of its run: leave --config and --out out"
            )
        _resume(resume, given, processes(parallel), plot=plot, log=log, quiet=quiet, as_json=as_json)
        return
    settings = options.read_settings(given, config)
    if settings.members is not None:
        raise ValueError(f"train takes one network, got numbers for {settings.members}: give one number of each kind")
    team = processes(parallel)
    if out is not None:
        team.from_first(lambda: check_new(out))
    job = Job.of(settings, team, quiet=quiet)
    with StopSignals(team) as signals:
        if team.rank:
            job.follow(signals)
            return
        report = reporter(job.epochs, job.other, quiet=quiet, as_json=as_json)
        with RunFolder.create(out, job.dataset.name, job.settings) as folder:
            job.run(folder, signals, report, plot=plot, log=log)


def _resume(
    run: Path, given: dict[str, Any], team: Processes, *, plot: bool, log: str | None, quiet: bool, as_json: bool
) -> None:
    settings = team.from_first(lambda: resumed_settings(run, given))
    with nullcontext() if team.rank else RunFolder(run) as folder:
        checkpoint = team.from_first(lambda: newest_checkpoint(run))
        state = None if checkpoint is None else check_begun_with(checkpoint, settings, run)
        if is_finished(settings, state) and team.from_first((run / "model.safetensors").exists):
            if not (quiet or as_json):
                say(
                    "finished",
                    f"{run} has come to its end: larger --epochs (or --patience, where that was it) train on",
                )
            return
        job = Job.of(settings, team, checkpoint, run, quiet=quiet)
        with StopSignals(team) as signals:
            if folder is None:
                job.follow(signals)
                return
            report = reporter(job.epochs, job.other, quiet=quiet, as_json=as_json)
            last = folder.go_back(job.settings, state)
            job.run(folder, signals, report, plot=plot, log=log, last=last)
