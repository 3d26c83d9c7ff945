#!/usr/bin/env bash
# Build the images of docker/Dockerfile and check that they keep their promises: scripts/docker_check.sh [cpu] [gpu]
#
# Prints a table and exits with 1 if any of its rows is a MISS. Uses docker, podman or buildah, whichever works here
# (buildah needs root, and unshare runs what it has built). Where no registry can be reached, a stand-in for the base
# image is made of Debian's packages (by root, with debootstrap), and the table says so. Nothing is written but a
# temporary folder and the container store, and all images made here, the stand-in too, are removed at the end.
set -euo pipefail
export LC_ALL=C

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/docker_engine.sh
source "$top/scripts/docker_engine.sh"
misses=0
declare -A limit_mb=([cpu]=200 [gpu]=1600)

# ---- what a build needs of this host ----

# The two secrets of a build: what pip is told here of package indexes, but for folders of this host, and the
# certificates. Both files hold a mark that must not turn up in an image.
write_secrets() {
    local setting certificates
    python3 -m pip config list >"$work/pip.settings" 2>/dev/null || true
    pip_setting() { sed -nE "0,/^[^=]*\.$1=/ s/^[^=]*\.$1='(.*)'$/\1/p" "$work/pip.settings"; }
    echo "# $run_id stays out" | tee "$work/ca.pem" >"$work/pip.conf"
    echo "[global]" >>"$work/pip.conf"
    for setting in index-url extra-index-url trusted-host proxy; do
        pip_setting "$setting" | sed -E 's/\\n/ /g; s,file://[^ ]*,,g; /^ *$/d' | sed "s,^,$setting = ,"
    done >>"$work/pip.conf"
    for certificates in "$(pip_setting cert)" "${REQUESTS_CA_BUNDLE:-}" "${SSL_CERT_FILE:-}" "${CURL_CA_BUNDLE:-}"; do
        [[ -f $certificates ]] || continue
        cat "$certificates" >>"$work/ca.pem"
        echo "cert = /run/secrets/ca_bundle" >>"$work/pip.conf"
        return
    done
}

has_base() {
    if ! has_image "$base" && ! timeout 300 "$engine" pull "$base" >&2; then
        make_stand_in "$base" >&2
    fi
    if is_stand_in; then
        echo "a stand-in of Debian's packages, $(run "$base" python3 --version), $(megabytes "$base") MB"
    else
        echo "the official image, $(megabytes "$base") MB"
    fi
}

is_stand_in() {
    [[ $(image_config "$base" '{{index .Labels "stand-in"}}') == debootstrap ]]
}

# ---- the checks: each prints its figure last, and fails on a miss ----

builds() {
    local start=$EPOCHREALTIME
    build --file "$top/docker/Dockerfile" --target "$target" --tag "$image" \
        --secret "id=pip_conf,src=$work/pip.conf" --secret "id=ca_bundle,src=$work/ca.pem" "$top" >&2
    echo "$(seconds_since "$start") s"
}

is_small() {
    local all added
    all=$(megabytes "$image")
    added=$((all - $(megabytes "$base")))
    echo "adds $added MB, $all MB in all"
    ((added <= limit_mb[$target]))
}

is_consistent() {
    local label version
    run --entrypoint pip "$image" --python /opt/xpnet/bin/python check >&2
    label=$(image_config "$image" '{{index .Labels "org.opencontainers.image.version"}}')
    version=$(run "$image" --version)
    echo "$version, label $label"
    [[ $version == "xpnet $label" ]]
}

lists_devices() {
    local devices
    devices=$(run "$image" devices --json)
    echo "$devices" >&2
    [[ $devices == *'"cpu"'* ]]
    [[ $target == cpu || $devices == *--gpus\ all* ]]
    echo "exit 0 without a GPU, and says what is missing"
}

has_cuda_libraries() {
    run --entrypoint python "$image" -c "
from pathlib import Path
import cupy
from cuda.pathfinder import find_nvidia_header_directory, load_nvidia_dynamic_lib
from cupy.cuda import nvrtc
load_nvidia_dynamic_lib('cublas')
source = '''#include <cupy/complex.cuh>
#include <cuda_fp16.h>
extern \"C\" __global__ void f(complex<float>* z, __half* h) { h[0] = __float2half(abs(z[0])); }'''
program = nvrtc.createProgram(source, 'f.cu', [], [])
cupy_headers = Path(cupy.__file__).parent / '_core/include'
headers = [cupy_headers, *cupy_headers.glob('cupy/_cccl/*'), find_nvidia_header_directory('cudart')]
nvrtc.compileProgram(program, ['--gpu-architecture=compute_90', *(f'-I{folder}' for folder in headers)])
print('CuPy', cupy.__version__, 'with NVRTC %d.%d' % nvrtc.getVersion())
"
}

trains() {
    local start=$EPOCHREALTIME
    run "$image" >&2
    echo "$(seconds_since "$start") s from start to end"
}

serves_any_user() {
    local folder uid gid options=()
    folder=$(mktemp -d "$work/mounted-XXXX")
    uid=$(id -u) gid=$(id -g)
    if ((uid == 0)); then
        uid=4242 gid=4343
        chown "$uid:$gid" "$folder"
    elif [[ $engine == podman ]]; then
        options=(--userns keep-id)
    fi
    run --user "$uid:$gid" "${options[@]}" --volume "$folder:/work" "$image" train --epochs 2 >&2
    [[ $(stat --format %u:%g "$folder"/runs/*/{config.json,metrics.jsonl,model.safetensors} | uniq) == "$uid:$gid" ]]
    echo "the run's files belong to $uid:$gid"
}

serves_read_only() {
    local folder
    folder=$(mktemp -d "$work/mounted-XXXX")
    chmod 777 "$folder"
    run --read-only --volume "$folder:/work" "$image" train --epochs 2 --plot >&2
    [[ -s $(echo "$folder"/runs/*/curves.png) ]]
    echo "train --plot has drawn its curves"
}

stops() {
    local start=$EPOCHREALTIME status=0 first
    run --name "$run_id-stops" "$image" train --device cpu --epochs 1000000 --json >"$work/epochs-$target" &
    wait_until 60 test -s "$work/epochs-$target"
    first=$(seconds_since "$start")
    start=$EPOCHREALTIME
    terminate "$run_id-stops" >&2
    wait_until 6 has_ended $! || terminate "$run_id-stops" KILL >&2
    wait $! || status=$?
    echo "first epoch $first s after start, exit $status $(seconds_since "$start") s after SIGTERM"
    ((status == 143 && $(seconds_since "$start" | tr -d .) <= 50))
}

wait_until() {  # wait_until SECONDS COMMAND...
    local deadline=$((SECONDS + $1))
    until "${@:2}"; do
        ((SECONDS < deadline)) && sleep 0.02 || return 1
    done
}

has_ended() {
    ! kill -0 "$1" 2>/dev/null
}

has_no_root_process() {
    local status
    status=$(run --entrypoint sh "$image" -c 'cat /proc/[0-9]*/status')
    [[ $(grep -E '^(Uid|CapEff):' <<<"$status" | sort --unique | tr -s '\t\n' ' ') == \
        "CapEff: 0000000000000000 Uid: 1000 1000 1000 1000 " ]]
    echo "user 1000, no capabilities"
}

has_nothing_world_writable() {
    local found
    found=$(run --user 0:0 --entrypoint find "$image" \
        / -xdev \( -type f -perm -002 -o -type d -perm -002 ! -perm -1000 \) -print)
    echo "${found:-none}"
    [[ -z $found ]]
}

has_nothing_left() {
    local found
    # shellcheck disable=SC2016  # expanded in the container
    found=$(run --user 0:0 --entrypoint sh "$image" -c '
        ls -d /root/.cache /cache/* /etc/pip.conf /src /wheels /requirements-* 2>/dev/null
        find /opt/xpnet -name "*.whl" -o -type d -name tests
        for tool in cc gcc g++ clang ld make nvcc; do command -v $tool; done
        find / -xdev -type f -exec grep --fixed-strings --files-with-matches "$0" {} +
        true' "$run_id stays out")
    echo "${found:-none}"
    [[ -z $found ]]
}

repeats_outside() {
    local outside=$work/outside arguments=(train --device cpu --seed 7 --epochs 20 --json)
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "needs Python 3.11 here" && return 77; }
    [[ -d $outside ]] || { python3 -m venv "$outside" && "$outside/bin/pip" install --quiet "$top" >&2; }
    "$outside/bin/xpnet" "${arguments[@]}" --out "$work/run-$target" >"$work/outside.jsonl"
    run "$image" "${arguments[@]}" >"$work/inside.jsonl"
    "$outside/bin/python" - "$work/inside.jsonl" "$work/outside.jsonl" <<'PYTHON'
import json, sys

inside, outside = ([json.loads(line) for line in open(path)] for path in sys.argv[1:])
names = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
difference = max(abs(a[name] - b[name]) for a, b in zip(inside, outside, strict=True) for name in names)
print(f"accuracy {inside[-1]['test_accuracy']:.2%} after {len(inside)} epochs, largest difference {difference:.0e}")
sys.exit(difference > 1e-3)
PYTHON
}

megabytes() {  # megabytes IMAGE
    run --user 0:0 --entrypoint du "$1" -s --one-file-system --apparent-size --block-size=MB / | sed 's/MB.*//'
}

seconds_since() {
    local tenths=$(((${EPOCHREALTIME/./} - ${1/./} + 50000) / 100000))
    echo "$((tenths / 10)).$((tenths % 10))"
}

# ---- the table ----

check() {  # check TITLE FUNCTION: its last line is the figure of the row, its status 77 says that it was skipped
    local figure status verdict=MISS
    set +e
    figure=$(set -e && "$2" 2>"$work/errors")
    status=$?
    set -e
    ((status == 0)) && verdict=ok
    ((status == 77)) && verdict=skip
    printf '%-4s  %-4s  %-50s  %s\n' "$verdict" "$target" "$1" "${figure##*$'\n'}"
    [[ $verdict != MISS ]] && return
    { echo "$figure" && tail -n 20 "$work/errors"; } | sed 's/^/      | /'
    misses=$((misses + 1))
}

check_image() {
    image=xpnet:$run_id-$target
    check "builds" builds
    has_image "$image" || return 0
    check "adds at most ${limit_mb[$target]} MB to its base" is_small
    check "requirements met, version as labelled" is_consistent
    check "xpnet devices" lists_devices
    [[ $target == cpu ]] || check "cuBLAS loads, NVRTC compiles" has_cuda_libraries
    check "trains by default, without a network" trains
    check "any user id, with a mounted folder" serves_any_user
    check "read-only root file system" serves_read_only
    check "SIGTERM in the middle of a run, within 5 s" stops
    check "no root process" has_no_root_process
    check "nothing world-writable but sticky folders" has_nothing_world_writable
    check "no caches, tests, compilers, settings of this host" has_nothing_left
    check "same metrics as outside with the same seed" repeats_outside
}

clean_up() {
    local images=("xpnet:$run_id-cpu" "xpnet:$run_id-gpu")
    set +e
    is_stand_in && images+=("$base")
    clean_up_engine "${images[@]}"
} >/dev/null 2>&1

(($#)) || set -- cpu gpu
for target in "$@"; do
    [[ -v limit_mb[$target] ]] || { echo "no target '$target': cpu or gpu was expected" >&2 && exit 2; }
done
trap clean_up EXIT
trap 'exit 130' INT TERM
find_engine
base=$(sed -n 's/^ARG BASE=//p' "$top/docker/Dockerfile")
write_secrets
"$engine" --version
target=base
check "$base" has_base
has_image "$base" || exit 1
for target in "$@"; do
    check_image
done
((misses == 0)) || { echo "$misses missed" && exit 1; }
