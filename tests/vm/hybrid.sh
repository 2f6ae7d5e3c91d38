#!/bin/bash
# Runs the scenarios of the systemd driver on cgroup version 1: under a systemd of their own, pid 1 of namespaces of this
# machine, which must have hybrid cgroups. Prints what `go test -json` would.
#
# Environment: TESTS=PATTERN runs only the tests of that name (Systemd); VM_CACHE=DIR keeps the image (.cache/vm).
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
GO=${GO:-go}
CGROUPS=/sys/fs/cgroup
say() { printf 'test-hybrid: %s\n' "$*" >&2; }
die() { say "$*" && exit 1; }

main() {
	((EUID == 0)) || die "needs root"
	[[ -d $CGROUPS/systemd && -d $CGROUPS/memory && -d $CGROUPS/unified ]] || die "$CGROUPS is not hybrid: test-vm has version 2"
	local image limit=600
	image=${VM_CACHE:-$TOP/.cache/vm}/$(cat "$HERE/image.sh" "$HERE"/guest/* | sha256sum | head -c 16)
	"$HERE/image.sh" "$image" uml
	work=$(mktemp -d "${TMPDIR:-/tmp}/ocirun-hybrid.XXXXXX") name=ocirun-hybrid-$$ child=
	trap finish EXIT
	mkdir "$work"/{image,layers,root,share}
	mount -o loop,ro "$image/root.ext4" "$work/image"
	make --silent -C "$TOP" build GO="$GO" BIN="$work/share" >&2
	(cd "$TOP" && CGO_ENABLED=0 "$GO" test -c -o "$work/share/tests" ./tests/integration)
	make_cgroups
	start >"$work/log" 2>&1 &
	child=$!
	while ((limit-- > 0)) && kill -0 "$child" 2>/dev/null && [[ ! -e $work/share/status ]]; do
		sleep 1
	done
	[[ -e $work/share/status ]] || { say "systemd did not come to an end; its last words:" && tail "$work/log" "$work/share/out" >&2; }
	"$GO" tool test2json -p "github.com/ocirun/ocirun/tests/integration (hybrid)" <"$work/share/out"
	[[ $(<"$work/share/status") == 0 ]]
}

# hierarchies lists the directories of the hierarchies, not the links to them.
hierarchies() { find $CGROUPS -mindepth 1 -maxdepth 1 -type d; }

# make_cgroups makes the cgroups that systemd takes for the roots of the machine: it must not touch others.
make_cgroups() {
	local hierarchy
	while read -r hierarchy; do
		mkdir "$hierarchy/$name"
		[[ ! -e $hierarchy/cpuset.cpus ]] || cat "$hierarchy/cpuset.cpus" >"$hierarchy/$name/cpuset.cpus"
		[[ ! -e $hierarchy/cpuset.mems ]] || cat "$hierarchy/cpuset.mems" >"$hierarchy/$name/cpuset.mems"
	done < <(hierarchies)
}

# start becomes systemd's parent. The cgroups come first: they are the roots of the cgroup namespace.
start() {
	local hierarchy
	while read -r hierarchy; do
		echo "$BASHPID" >"$hierarchy/$name/cgroup.procs"
	done < <(hierarchies)
	exec unshare --cgroup --mount --pid --fork --kill-child --uts --ipc --net "$HERE/hybrid.sh" inside "$work"
}

# finish ends systemd, and with it its pid namespace, and removes what was made.
finish() {
	[[ ! $child ]] || kill -KILL "$child" 2>/dev/null || true
	{ wait; } 2>/dev/null # bash would tell that it was killed
	local hierarchy tries
	while read -r hierarchy; do
		for ((tries = 0; tries < 50; tries++)); do
			[[ -d $hierarchy/$name ]] || break
			find "$hierarchy/$name" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
		done
	done < <(hierarchies)
	umount "$work/image" || true
	rm -rf --one-file-system "$work"
}

# inside makes the machine that systemd sees, and becomes it.
inside() {
	local work=$1 root=$1/root
	mount --make-rprivate /
	mount -t tmpfs layers "$work/layers"
	mkdir "$work"/layers/{upper,work}
	mount -t overlay -o "lowerdir=$work/image,upperdir=$work/layers/upper,workdir=$work/layers/work" overlay "$root"
	mount -t proc proc "$root/proc"
	mount -t sysfs -o ro sysfs "$root/sys"
	mount -t tmpfs tmpfs "$root/run"
	mount -t tmpfs tmpfs "$root/tmp"
	devices "$root/dev"
	hierarchies_of "$root$CGROUPS"
	mkdir -p "$root/lane"
	mount --bind "$work/share" "$root/lane"
	cat >"$root/etc/systemd/system/lane.service" <<-END
		[Unit]
		DefaultDependencies=no
		[Service]
		Delegate=yes
		Environment=HOME=/root TMPDIR=/tmp RUNTIME=/lane/ocirun OCIRUN_TEST_HAS=systemd
		ExecStart=/bin/bash -c '/lane/tests -test.v=test2json -test.run "${TESTS:-Systemd}" >/lane/out 2>&1; echo \$? >/lane/ended; mv /lane/ended /lane/status'
	END
	cd "$root"
	mkdir -p old
	pivot_root . old
	umount -l old
	exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=lane.service --log-target=null --show-status=0
}

devices() {
	local device
	mount -t tmpfs -o mode=755 tmpfs "$1"
	for device in null zero full random urandom tty; do
		touch "$1/$device"
		mount --bind "/dev/$device" "$1/$device"
	done
	mkdir "$1/pts" "$1/shm"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/pts"
	ln -s pts/ptmx "$1/ptmx"
	ln -s /proc/self/fd "$1/fd"
}

# hierarchies_of mounts the hierarchies with the private cgroups as their roots.
hierarchies_of() {
	local entry name
	mount -t tmpfs -o mode=755 tmpfs "$1"
	for entry in "$CGROUPS"/*; do
		name=${entry##*/}
		if [[ -L $entry ]]; then
			ln -s "$(readlink "$entry")" "$1/$name"
			continue
		fi
		mkdir "$1/$name"
		case $name in
		unified) mount -t cgroup2 cgroup2 "$1/$name" ;;
		systemd) mount -t cgroup -o none,name=systemd cgroup "$1/$name" ;;
		*) mount -t cgroup -o "$name" cgroup "$1/$name" ;;
		esac
	done
}

if [[ ${1:-} == inside ]]; then
	inside "$2"
else
	main
fi
