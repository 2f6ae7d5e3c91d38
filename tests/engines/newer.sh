#!/bin/bash
# Runs the engines' scenarios with the engines of a newer Debian, in a root file system of their own.
#
#   newer.sh ROOT BINARY [RUN.SH'S OPTIONS AND ENGINES...]
#
# ROOT is the directory of that root, made once if it is missing (about 1 GB). BINARY is ocirun; that Debian's runc
# runs beside it. An example: newer.sh .cache/engines bin/ocirun --results /tmp/results containerd podman
set -euo pipefail

root=$1 binary=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
packages=(podman buildah containerd docker.io docker-cli docker-buildx docker-compose umoci skopeo iptables containernetworking-plugins
	netavark aardvark-dns slirp4netns passt fuse-overlayfs uidmap tini jq bc iproute2 mount procps kmod wget openssh-client
	util-linux-extra bsdutils perl catatonit)

if [[ ! -d $root ]]; then
	mkdir -p "$(dirname "$root")"
	"$here/../bench/mkroot.sh" "$root.new" "${packages[@]}"
	mv "$root.new" "$root"
fi
root=$(realpath "$root")
work=$(mktemp -d "$root/engines.XXXXXX")
chmod 755 "$work"
trap 'rm -rf --one-file-system "$work"' EXIT
(cd "$here/cri" && CGO_ENABLED=0 go build -trimpath -o "$work/cri" .)
(cd "$here/web" && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$work/web" .)
cp "$binary" "$work/ocirun"
mkdir -p "$work/source/tests"
cp -a "$here/../../contrib" "$work/source/"
cp -a "$here" "$work/source/tests/"
results=
for ((i = 1; i <= $#; i++)); do
	[[ ${!i} != --results ]] || { i=$((i + 1)) && results=${!i}; }
done

# What follows runs in a mount namespace of its own; nothing of it reaches the machine but its results.
enter() {
	local root=$1 results=$2
	shift 2
	mount --bind "$root" "$root"
	mount --rbind /proc "$root/proc"
	mount --rbind /sys "$root/sys"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs -o mode=755 tmpfs "$root/run"
	if [[ $results ]]; then
		mkdir -p "$results" "$root/$results"
		mount --bind "$results" "$root/$results"
	fi
	cd "$root"
	mkdir -p old
	pivot_root . old
	umount -l /old
	rmdir /old
	exec "$@"
}
export -f enter
# shellcheck disable=SC2016 # the inner shell's
unshare --mount --propagation private bash -euo pipefail -c 'enter "$@"' enter "$root" "$results" \
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root CRI="/${work##*/}/cri" WEB="/${work##*/}/web" \
	"/${work##*/}/source/tests/engines/run.sh" --runtime "ocirun=/${work##*/}/ocirun" --runtime runc=/usr/sbin/runc "$@"
