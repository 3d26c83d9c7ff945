#!/usr/bin/env bash
# Check xpnet on this machine's GPU: scripts/gpu_check.sh [PYTHON]
#
# PYTHON (.venv/bin/python) is one with xpnet installed: pip install ".[test,gpu]". Runs the whole test suite with CuPy
# required, then trains on the GPU and on the CPU from one seed and prints how far they are apart. Exit codes: 0; 1 if a
# test or a run failed; 2 if no GPU works here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${1:-.venv/bin/python}

"$python" - <<'PY'
import sys
from xpnet import list_devices

gpus = [report for report in list_devices() if report.name != "cpu"]
for gpu in gpus:
    print(f"{gpu.name}: {gpu.problem or gpu.description}", file=sys.stderr if gpu.problem else sys.stdout)
if gpus[0].problem is not None:
    print("scripts/gpu_check.sh: no GPU to check", file=sys.stderr)
    sys.exit(2)
PY

runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
tests=passed
XPNET_REQUIRE_BACKENDS=${XPNET_REQUIRE_BACKENDS:+$XPNET_REQUIRE_BACKENDS,}cupy "$python" -m pytest || tests=failed

for data in digits mnist; do
    if "$python" -m xpnet data path "$data" >"$runs/where" 2>&1; then
        for device in gpu cpu; do
            "$python" -m xpnet train --data "$data" --device "$device" --seed 0 --json --out "$runs/$data/$device" >/dev/null
        done
    else
        cat "$runs/where"
    fi
done

"$python" - "$runs" <<'PY'
import json
import sys
from pathlib import Path

row = "{:<8}{:>8}{:>14}{:>14}{:>24}{:>10}{:>10}".format
print(row("data", "epochs", "accuracy gpu", "accuracy cpu", "largest loss difference", "s gpu", "s cpu"))
for run in sorted(path for path in Path(sys.argv[1]).iterdir() if path.is_dir()):
    gpu, cpu = (
        [json.loads(line) for line in (run / device / "metrics.jsonl").read_text().splitlines()]
        for device in ("gpu", "cpu")
    )
    difference = max(
        abs(g[loss] - c[loss]) for g, c in zip(gpu, cpu, strict=True) for loss in ("train_loss", "test_loss")
    )
    accuracies = (f"{records[-1]['test_accuracy']:.2%}" for records in (gpu, cpu))
    seconds = (f"{records[-1]['seconds']:.1f}" for records in (gpu, cpu))
    print(row(run.name, len(gpu), *accuracies, f"{difference:.1e}", *seconds))
PY

echo "tests: $tests"
[ "$tests" = passed ]
