# shellcheck shell=bash
# docker, podman or buildah behind one set of functions, and a stand-in for a base image that no registry gives.
# To be sourced; whoever does so calls clean_up_engine at the end.

work=$(mktemp -d)
run_id=check-$$  # the first part of the names of all containers and images made here

find_engine() {
    for engine in docker podman buildah; do
        "$engine" info >"$work/engine.log" 2>&1 && return
    done
    echo "docker, podman or buildah is needed, and none of them works here" >&2
    return 1
}

image_config() {  # image_config IMAGE TEMPLATE: the template is Go's and is given the image's configuration
    if [[ $engine == buildah ]]; then
        buildah inspect --type image --format "{{with .OCIv1.Config}}$2{{end}}" "$1"
    else
        "$engine" image inspect --format "{{with .Config}}$2{{end}}" "$1"
    fi
}

has_image() {
    image_config "$1" '{{.User}}' >/dev/null 2>&1
}

build() {  # build [OPTION...] CONTEXT, as `docker build` has it
    case $engine in
        docker) DOCKER_BUILDKIT=1 docker build "$@" ;;
        podman) podman build --layers=false "$@" ;;
        buildah) buildah build --isolation "${BUILDAH_ISOLATION:-chroot}" "$@" ;;
    esac
}

# run [--name N] [--user UID:GID] [--read-only] [--volume FOLDER:PATH] [--entrypoint COMMAND] IMAGE [ARGUMENT...],
# as `docker run` has it, and without a network.
run() {
    if [[ $engine == buildah ]]; then
        run_unshared "$@"
    else
        "$engine" run --rm --network none "$@"
    fi
}

terminate() {  # terminate NAME [SIGNAL]: send SIGTERM to process 1 of that container, as `docker stop` does
    local pid
    if [[ $engine == buildah ]]; then
        pid=$(<"$work/$1.pid")
        kill -"${2:-TERM}" "$(<"/proc/$pid/task/$pid/children")"
    else
        "$engine" kill --signal "${2:-TERM}" "$1"
    fi
}

# `run` for buildah, which has no read-only root file system and, where its isolation is chroot, no namespaces.
run_unshared() {
    local name=$run_id-run user='' mode=rw entrypoint='' mounts=()
    while [[ $1 == --* ]]; do
        case $1 in
            --name) name=$2 && shift ;;
            --user) user=$2 && shift ;;
            --read-only) mode=ro ;;
            --volume) mounts+=("$2") && shift ;;
            --entrypoint) entrypoint=$2 && shift ;;
        esac
        shift
    done
    local image=$1 command=() environment folder container root volume status=0
    shift
    entries() { image_config "$image" "{{range .$1}}{{println .}}{{end}}"; }
    if [[ $entrypoint ]]; then
        command=("$entrypoint")
    else
        mapfile -t command < <(entries Entrypoint)
        (($#)) || mapfile -t -O ${#command[@]} command < <(entries Cmd)
    fi
    mapfile -t environment < <(entries Env)
    user=${user:-$(image_config "$image" '{{.User}}')}
    folder=$(image_config "$image" '{{.WorkingDir}}')

    container=$(buildah from --pull-never --name "$name" "$image")
    root=$(buildah mount "$container")
    # shellcheck disable=SC2016  # the dollars are the template's
    while read -r volume; do
        mkdir -p "$work/$name.volumes$volume"
        chmod --reference="$root$volume" "$work/$name.volumes$volume"
        mounts+=("$work/$name.volumes$volume:$volume")
    done < <(image_config "$image" '{{range $volume, $_ := .Volumes}}{{println $volume}}{{end}}')
    # shellcheck disable=SC2016  # expanded in the new namespaces
    unshare --mount --pid --net --ipc --uts --fork --kill-child bash -euc '
        root=$1 mode=$2 && shift 2
        mount --bind "$root" "$root"
        mount -o "remount,bind,$mode" "$root"
        mount -t proc proc "$root/proc"
        mount -t tmpfs -o mode=755 tmpfs "$root/dev"
        for device in null zero random urandom; do
            touch "$root/dev/$device"
            mount --bind "/dev/$device" "$root/dev/$device"
        done
        while [[ $1 != -- ]]; do
            mount --bind "${1%%:*}" "$root${1#*:}"
            shift
        done
        shift
        exec chroot "$@"
    ' bash "$root" "$mode" "${mounts[@]}" -- --userspec="${user:-0:0}" --groups='' "$root" \
        /usr/bin/env --ignore-environment --chdir="${folder:-/}" "${environment[@]}" "${command[@]}" "$@" &
    echo $! >"$work/$name.pid"
    wait $! || status=$?
    rm -r "$work/$name.pid" "$work/$name.volumes"*
    buildah rm "$container" >/dev/null
    return "$status"
}

# Make IMAGE, an official Python image, of the Debian release and the Python that its tag names: Debian's own packages,
# with `python` and `pip` where the official image has them.
make_stand_in() {  # make_stand_in IMAGE
    local root=$work/stand-in tag=${1##*:} search_path=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
    local container
    unshare --mount debootstrap --variant=minbase --include=python3,python3-pip,ca-certificates,netbase,tzdata \
        "${tag##*-}" "$root"
    [[ $(chroot "$root" python3 --version) == "Python ${tag%.*}."* ]]
    ln -s /usr/bin/python3 "$root/usr/local/bin/python3"
    ln -s python3 "$root/usr/local/bin/python"
    ln -s /usr/bin/pip3 "$root/usr/local/bin/pip"
    rm "$root"/usr/lib/python3*/EXTERNALLY-MANAGED
    rm -r "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*
    find "$root" -name __pycache__ -prune -exec rm -r {} +
    if [[ $engine == buildah ]]; then
        container=$(buildah from --name "$run_id-stand-in" scratch)
        buildah add --quiet "$container" "$root" /
        buildah config --env "PATH=$search_path" --cmd python3 --label stand-in=debootstrap "$container"
        buildah commit --quiet --rm "$container" "$1"
    else
        tar --create --directory "$root" . | "$engine" import --change "ENV PATH=$search_path" \
            --change 'CMD ["python3"]' --change "LABEL stand-in=debootstrap" - "$1"
    fi
    rm -r --one-file-system "$root"
}

clean_up_engine() {  # clean_up_engine IMAGE...: remove these images if they are there, and all else that is left
    local file image containers
    for file in "$work"/*.pid; do
        [[ -f $file ]] && kill -KILL "$(<"$file")"
    done
    case $engine in
        buildah) mapfile -t containers < <(buildah containers --all --quiet --filter "name=$run_id-") ;;
        *) mapfile -t containers < <("$engine" ps --all --quiet --filter "name=$run_id-") ;;
    esac
    ((${#containers[@]})) && "$engine" rm "${containers[@]}"
    for image in "$@"; do
        has_image "$image" && "$engine" rmi "$image"
    done
    rm -rf --one-file-system "$work"
}
