#!/bin/bash
# Runs the scenarios on a newer peer than the machine has: Debian's crun or runc, in a root file system of their own.
#
#   peers.sh ROOT RUNTIME VIEW [FLAG...]
#
# ROOT is the directory of that root, made once if it is missing. RUNTIME is crun, runc, or a static binary of the
# machine; VIEW is v1 (without the unified hierarchy, next to which crun does not run) or v2. Flags go to the test
# binary, such as -test.v or -test.run.
set -euo pipefail

root=$1 runtime=$2 view=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)

if [[ ! -d $root ]]; then
	mkdir -p "$(dirname "$root")"
	rm -rf --one-file-system "$root.new"
	"$here/../bench/mkroot.sh" "$root.new" iproute2 mount procps tmux uidmap
	mv "$root.new" "$root"
fi
root=$(realpath "$root")
work=$(mktemp -d "$root/peers.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
inside=/${work##*/}
(
	cd "$here"
	export CGO_ENABLED=0
	go test -c -trimpath -o "$work/integration.test" .
	go build -trimpath -o "$work/agent" ../../contrib/seccomp-agent
	go build -trimpath -o "$work/notify" ./notify
)
if [[ $runtime == */* ]]; then
	cp "$runtime" "$work/runtime"
	path=$inside/runtime
else
	path=/usr/bin/$runtime
	[[ -e $root$path ]] || path=/usr/sbin/$runtime
fi

# What follows runs in a mount namespace of its own; nothing of it reaches the machine.
enter() {
	local root=$1 view=$2 hierarchy
	shift 2
	mount --bind "$root" "$root"
	mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
	mount -t sysfs -o nosuid,nodev,noexec sysfs "$root/sys"
	mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs "$root/run"
	mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
	mount -t tmpfs -o nosuid,noexec,mode=755 tmpfs "$root/dev"
	mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue" "$root/dev/net"
	mount -t devpts -o nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0 fuse:10:229 net/tun:10:200; do
		IFS=: read -r name major minor <<<"$node"
		mknod -m 666 "$root/dev/$name" c "$major" "$minor"
	done
	if [[ $view == v2 ]]; then
		mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
	else
		mount -t tmpfs -o nosuid,nodev,noexec,mode=755 tmpfs "$root/sys/fs/cgroup"
		while read -r _ hierarchy kind _; do
			[[ $kind == cgroup && $hierarchy == /sys/fs/cgroup/* ]] || continue
			mkdir "$root$hierarchy"
			mount --bind "$hierarchy" "$root$hierarchy"
		done </proc/self/mounts
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
unshare --mount --propagation private bash -euo pipefail -c 'enter "$@"' enter "$root" "$view" \
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TMPDIR=/tmp OCIRUN_TEST_CGROUP="${view/v1/host}" OCIRUN_TEST_KILL_STEPS=5 \
	RUNTIME="$path" OCIRUN_TEST_AGENT="$inside/agent" OCIRUN_TEST_NOTIFY="$inside/notify" "$inside/integration.test" -test.timeout 15m "$@"
