#!/usr/bin/env bash
# Check xpnet on this machine's GPU: scripts/gpu_check.sh [OPTIONS] [train] [time] [test] [-- ARGUMENTS OF PYTEST]
#
#   train   Train on the GPU, with no kernels compiled (cold) and again (warm), and on the CPU, from one seed.
#   time    Measure the time of a step on the GPU and the CPU, at several widths and numbers of members, and beside
#           PyTorch and JAX where they are installed.
#   test    Run the tests with CuPy required, on all cores.
#
#   --python PYTHON   Has xpnet's dependencies: pip install ".[test,gpu]".  [default: .venv/bin/python, else python3]
#   --out DIR         Keep all figures and logs there.
#   --seconds N       End within so many: what is left of them is what the tests may take.  [default: 570]
#
# Does all three, in that order, if none is named. Needs no network. Exit codes: 0; 1 if a test or a run failed or took
# too long; 2 if no GPU works here, or an option is wrong.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2

refuse() {
    echo "scripts/gpu_check.sh: $*" >&2
    exit 2
}

python=python3 out='' limit=570 parts=()
[[ -x .venv/bin/python ]] && python=.venv/bin/python
while (($#)); do
    case $1 in
    --python | --out | --seconds)
        (($# > 1)) || refuse "$1 needs a value"
        case $1 in --python) python=$2 ;; --out) out=$2 ;; *) limit=$2 ;; esac
        shift 2
        ;;
    train | time | test) parts+=("$1") && shift ;;
    --) shift && break ;;
    *) refuse "unknown option or part '$1': train, time or test was expected" ;;
    esac
done
((${#parts[@]})) || parts=(train time test)
[[ $limit =~ ^[0-9]+$ ]] || refuse "--seconds must be a whole number, got '$limit'"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
out=${out:-$scratch/results}
mkdir -p "$out" || refuse "cannot write to $out"

# The tests' JAX stays off the GPU, of which it would take three quarters of the memory; BLAS threads contend for cores.
export JAX_PLATFORMS=cpu OPENBLAS_NUM_THREADS=1 PYTHONUNBUFFERED=1
# Empty, so that what comes first compiles what it needs.
export CUPY_CACHE_DIR=$scratch/kernels
"$python" -c 'import xpnet' 2>/dev/null || export PYTHONPATH=$PWD/src${PYTHONPATH:+:$PYTHONPATH}

"$python" - <<'PY' || exit 2
import sys
from xpnet import list_devices

gpus = [report for report in list_devices() if report.name != "cpu"]
for gpu in gpus:
    print(f"{gpu.name}: {gpu.problem or gpu.description}", file=sys.stderr if gpu.problem else sys.stdout)
if gpus[0].problem is not None:
    sys.exit("scripts/gpu_check.sh: no GPU to check")
PY

failed=()

# Run "$@" as part $1 of the log, in what is left of the time.
run() {
    local name=$1 left=$((limit - SECONDS))
    shift
    ((left > 0)) && timeout "$left" "$@" || failed+=("$name (exit code $?)")
}

train() {
    local data device folder=$scratch/runs
    for data in digits mnist; do
        if ! "$python" -m xpnet data path "$data" >"$scratch/where" 2>&1; then
            cat "$scratch/where"
            continue
        fi
        for device in gpu-cold gpu-warm cpu; do
            echo "training on $data, $device"
            run "train $data $device" "$python" -m xpnet train --data "$data" --device "${device%-*}" --seed 0 --quiet \
                --out "$folder/$data/$device"
        done
    done
    run "comparison" "$python" - "$folder" "$out/training.json" <<'PY'
import json
import sys
from pathlib import Path

row = "{:<8}{:>10}{:>8}{:>10}{:>16}{:>16}{:>26}".format
print(row("data", "device", "epochs", "accuracy", "s, all epochs", "s, first epoch", "largest loss difference"))
figures = []
for data in sorted(Path(sys.argv[1]).iterdir()):
    lines = {path.parent.name: path.read_text().splitlines() for path in data.glob("*/metrics.jsonl")}
    runs = {device: [json.loads(line) for line in run] for device, run in lines.items()}
    for device, records in sorted(runs.items(), reverse=True):
        difference = max(
            abs(one[loss] - other[loss])
            for one, other in zip(records, runs["cpu"], strict=True)
            for loss in ("train_loss", "test_loss")
        )
        seconds = records[-1]["seconds"], records[0]["seconds"]
        accuracy = records[-1]["test_accuracy"]
        print(row(data.name, device, len(records), f"{accuracy:.2%}", *(f"{s:.2f}" for s in seconds), f"{difference:.1e}"))
        figures.append({"data": data.name, "device": device, "difference": difference, "records": records})
Path(sys.argv[2]).write_text(json.dumps(figures) + "\n")
PY
}

time_steps() {
    run "time members" "$python" - "$out/members.json" <<'PY'
import json
import sys
from pathlib import Path

import numpy as np
import xpnet

row = "{:<18}{:>8}{:>7}{:>14}{:>14}".format
print(row("shape", "members", "rule", "us/step gpu", "us/step cpu"))
figures, rng = [], np.random.default_rng(0)
for features, hidden, batch in ((64, 50, 32), (784, 50, 100), (784, 256, 128), (784, 1024, 512)):
    for members in (1, 8, 64, 512):
        if members * features * hidden > 6e7:
            continue
        steps = 20 if members * hidden > 5000 else 100
        x, t = rng.random((steps * batch, features), "float32"), rng.integers(0, 10, steps * batch)
        for rule in (xpnet.SGD(), xpnet.Adam()):
            times = {}
            for device in ("gpu", "cpu"):
                if device == "cpu" and members * features * hidden > 3e6:
                    continue  # Seconds for each step.
                many = {"members": members} if members > 1 else {}
                net = xpnet.TwoLayerNet(features, hidden, 10, device=device, **many)
                epochs = list(xpnet.fit_epochs(net, x, t, optimizer=rule, batch_size=batch, epochs=4))
                times[device] = min(1e6 * batch / epoch.samples_per_second for epoch in epochs[1:])
            shape = f"{features}-{hidden}-10@{batch}"
            print(row(shape, members, rule.name, *(f"{times.get(place, np.nan):.0f}" for place in ("gpu", "cpu"))))
            figures.append({"shape": shape, "members": members, "rule": rule.name, **times})
            Path(sys.argv[1]).write_text(json.dumps(figures) + "\n")
PY
    # Its peers are to have the GPU.
    run "time steps" env -u JAX_PLATFORMS "$python" scripts/benchmark_training.py --device gpu --rounds 5 \
        --json "$out/steps.json"
}

run_tests() {
    local parallel=()
    "$python" -c 'import xdist' 2>/dev/null && parallel=(--numprocesses auto)
    XPNET_REQUIRE_BACKENDS=${XPNET_REQUIRE_BACKENDS:+$XPNET_REQUIRE_BACKENDS,}cupy \
        run tests "$python" -m pytest -p no:cacheprovider "${parallel[@]}" --junitxml "$out/tests.xml" "$@"
}

{
    for part in "${parts[@]}"; do
        echo "==== $part (after $SECONDS s)"
        case $part in train) train ;; time) time_steps ;; test) run_tests "$@" ;; esac
    done
    if ((${#failed[@]})); then
        printf 'failed: %s\n' "${failed[@]}"
    else
        echo "all is well (after $SECONDS s)"
    fi
} > >(tee "$out/log.txt") 2>&1
sleep 0.1 # Lets tee write its last lines.
((${#failed[@]} == 0)) || exit 1
