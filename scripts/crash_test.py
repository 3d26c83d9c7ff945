"""Break runs in every way, resume them, and compare their ends with that of a run that nothing happened to.

    python scripts/crash_test.py --kills 50

kills so many trainings with SIGKILL at random moments, stops others with signals, fills the disk, and flips bits of
checkpoints. It prints a table and exits with 1 if a run was not recovered, or came to another end.
"""

import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from xpnet.checkpoint import DamagedError, load_checkpoint

EVERY = 3
OPTIONS = ["--epochs", "45", "--optimizer", "adam", "--validation", "0.2", "--quiet", "--device", "cpu"]
OPTIONS += ["--checkpoint-every", str(EVERY), "--keep", "2"]
XPNET = [sys.executable, "-m", "xpnet", "train"]
# One thread: sums are the same however busy the machine is.
ENVIRONMENT = os.environ | {"OPENBLAS_NUM_THREADS": "1"}


@dataclass
class Row:
    """What came of a kind of fault."""

    fault: str
    tried: int = 0
    right: int = 0
    """Ended or detected as promised."""
    recovered: int = 0
    lost: int = 0
    """Most epochs whose metrics were there, and which had to be trained again."""
    slowest: float = 0.0
    """Seconds from the fault to the end of the process."""

    @property
    def passed(self) -> bool:
        """Whether every promise was kept: lost is what came after the last checkpoint, and one on its way."""
        return self.tried == self.right == self.recovered and self.lost <= 2 * EVERY


class Trials:
    """Runs in a scratch folder, and the digest that each has to come to."""

    def __init__(self, scratch: Path, seed: int) -> None:
        self.scratch = scratch
        self.random = random.Random(seed)
        start = time.monotonic()
        subprocess.run([*XPNET, "--out", str(scratch / "whole"), *OPTIONS], env=ENVIRONMENT, check=True)
        self.seconds = time.monotonic() - start
        self.digest = digest(scratch / "whole")

    def start(self, folder: Path, limit: Callable[[], None] | None = None) -> subprocess.Popen[str]:
        """Start the run of all trials in a new folder."""
        shutil.rmtree(folder, ignore_errors=True)
        command = [*XPNET, "--out", str(folder), *OPTIONS]
        return subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, preexec_fn=limit)

    def resume(self, row: Row, folder: Path) -> None:
        """Resume a run and count it as recovered if its end is the right one."""
        done = checkpoint_epoch(folder)
        row.lost = max(row.lost, len(lines(folder)) - done)
        # Killed before there was a folder: nothing was trained, nothing is lost.
        how = (
            ["--resume", str(folder), "--quiet"]
            if (folder / "config.json").exists()
            else ["--out", str(folder), *OPTIONS]
        )
        ended = subprocess.run([*XPNET, *how], env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
        row.recovered += ended.returncode == 0 and digest(folder) == self.digest
        if ended.returncode:
            print(ended.stderr, end="", file=sys.stderr)

    def signals(self, fault: str, numbers: list[signal.Signals], codes: set[int], count: int) -> Row:
        """Send signals at random moments of the run's time, its start and its end included."""
        row, folder = Row(fault), self.scratch / "run"
        for _ in range(count):
            process = self.start(folder)
            time.sleep(self.random.uniform(0, self.seconds))
            start = time.monotonic()
            for number in numbers:
                process.send_signal(number)
                time.sleep(0.002)
            error = process.communicate()[1]
            row.slowest = max(row.slowest, time.monotonic() - start)
            row.tried += 1
            code, right = process.returncode, row.right
            if (folder / "model.safetensors").exists():  # All was done.
                row.right += code in codes | {0, -numbers[0]}
            elif (folder / "config.json").exists():
                told = code != 128 + numbers[0] or len(numbers) > 1 or "--resume" in error  # A second may cut it off.
                row.right += code in codes and told
            else:  # The interpreter was still starting, and knew of no promise.
                row.right += code != 0
            if row.right == right:
                print(f"{fault}: exit code {code}, {error!r}", file=sys.stderr)
            self.resume(row, folder)
        return row

    def full_disk(self, disk: Path, size: int, count: int) -> Row:
        """Fill the disk up to a few kilobytes, and make room again before the run is resumed."""
        row, folder, filler = Row(f"full disk ({size // 1024} kB tmpfs)"), disk / "run", disk / "filler"
        for _ in range(count):
            shutil.rmtree(folder, ignore_errors=True)
            usable = self.random.randrange(8, 400, 4)
            filler.write_bytes(bytes(size - 1024 * usable))
            self._fill(row, self.start(folder), folder, filler.unlink)
        return row

    def limited_files(self, count: int) -> Row:
        """As a full disk, where no disk can be made: no file may get longer than a few kilobytes."""
        row, folder = Row("files too large"), self.scratch / "run"
        for _ in range(count):
            size = self.random.randrange(1024, 10 * 1024)
            process = self.start(folder, lambda size=size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
            self._fill(row, process, folder, lambda: None)
        return row

    def _fill(self, row: Row, process: subprocess.Popen[str], folder: Path, make_room: Callable[[], None]) -> None:
        error = process.communicate()[1]
        make_room()
        row.tried += 1
        whole = all(line.endswith(b"\n") for line in lines(folder))
        row.right += process.returncode == 0 or (process.returncode == 2 and error.count("\n") == 1 and whole)
        self.resume(row, folder)

    def bit_flips(self, count: int, resumed: int) -> Row:
        """Flip random bits of the newest checkpoint; for some of them, resume the run from the one before."""
        row, folder, kept = Row("flipped bits"), self.scratch / "run", self.scratch / "kept"
        process = self.start(kept)
        while checkpoint_epoch(kept) < 4 * EVERY:
            time.sleep(0.01)
        process.kill()
        process.communicate()
        newest = checkpoints(kept)[-1]
        content = newest.read_bytes()
        for trial in range(count):
            bit = self.random.randrange(8 * len(content))
            flipped = bytearray(content)
            flipped[bit // 8] ^= 1 << bit % 8
            newest.write_bytes(flipped)
            row.tried += 1
            try:
                load_checkpoint(newest)
            except DamagedError:
                row.right += 1
            if trial < resumed:
                shutil.rmtree(folder, ignore_errors=True)
                shutil.copytree(kept, folder)
                before, row.lost = row.lost, 0
                self.resume(row, folder)
                row.lost = max(before, row.lost)
            else:
                row.recovered += 1
        return row


def lines(folder: Path) -> list[bytes]:
    """Return the lines of metrics of a run."""
    metrics = folder / "metrics.jsonl"
    return metrics.read_bytes().splitlines(keepends=True) if metrics.exists() else []


def checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of a run, the newest last."""
    return sorted((folder / "checkpoints").glob("epoch-*.safetensors"))


def checkpoint_epoch(folder: Path) -> int:
    """Return the epoch of the newest checkpoint."""
    found = checkpoints(folder)
    return int(found[-1].stem.partition("-")[2]) if found else 0


def digest(folder: Path) -> str:
    """Return the digest of what a run leaves, but for the times in its metrics."""
    result = hashlib.sha256()
    for path in (folder / "model.safetensors", checkpoints(folder)[-1]):
        result.update(path.read_bytes())
    for line in lines(folder):
        numbers = json.loads(line)
        del numbers["seconds"], numbers["samples_per_second"]
        result.update(json.dumps(numbers).encode())
    return result.hexdigest()


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path | None]:
    """Give a disk of so many bytes in memory, or None to who may not mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def show(rows: list[Row]) -> None:
    """Print the table."""
    table = Table("fault", "tried", "as promised", "recovered, same digest", "most epochs lost", "slowest end")
    for row in rows:
        end = f"{row.slowest:.2f} s" if row.slowest else ""
        style = "green" if row.passed else "red"
        numbers = [f"{row.tried}", f"{row.right} of {row.tried}", f"{row.recovered} of {row.tried}", f"{row.lost}", end]
        table.add_row(row.fault, *numbers, style=style)
    Console(width=100).print(table)


def main() -> int:
    """Try all faults."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=50, help="trainings to kill  [50]")
    parser.add_argument("--flips", type=int, default=200, help="bits to flip  [200]")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments and bits  [0]")
    options = parser.parse_args()
    few = max(2, options.kills // 5)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        trials = Trials(scratch, options.seed)
        print(f"a run of {OPTIONS[1]} epochs, a checkpoint every {EVERY}: {trials.seconds:.1f} s, {trials.digest[:16]}")
        rows = [trials.signals("SIGKILL", [signal.SIGKILL], {-signal.SIGKILL}, options.kills)]
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            rows.append(trials.signals(number.name, [number], {128 + number}, few))
        twice = {128 + signal.SIGINT, -signal.SIGINT}
        rows.append(trials.signals("SIGINT twice", [signal.SIGINT] * 2, twice, few))
        size = 1024 * 1024
        with small_disk(scratch / "disk", size) as disk:
            rows.append(trials.limited_files(few) if disk is None else trials.full_disk(disk, size, few))
        rows.append(trials.bit_flips(options.flips, few))
    show(rows)
    return 0 if all(row.passed for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
