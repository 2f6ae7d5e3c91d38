#!/bin/bash
# Shows where one `run` of /bin/true on the default bundle spends its time.
#
#   profile.sh BINARY [SECTION...]      sections: init counts syscalls slow faults; all of them by default
#
#   init      what the Go packages do before main (GODEBUG=inittrace=1)
#   counts    time, page faults and context switches of 30 runs (perf)
#   syscalls  the number of each system call, for the runtime and for the container's process
#   slow      the 25 system calls after which most time passed, with the gap that followed
#   faults    the instructions that fault most (perf; needs symbols to be of use)
#
# Runs as root in a mount namespace of its own with the pure cgroup v2 view. strace slows everything down several
# times: compare its times with one another only.
set -euo pipefail

if [[ ${1:-} != --inside ]]; then
	if (($# == 0)) || [[ ! -x $1 ]]; then
		sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" >&2
		exit 2
	fi
	exec unshare --mount --propagation private bash "$0" --inside "$(realpath "$0")" "$(realpath "$1")" "${@:2}"
fi

here=$(dirname "$2") binary=$3
shift 3
sections=${*:-init counts syscalls slow faults}
mount -t cgroup2 cgroup2 /sys/fs/cgroup
work=$(mktemp -d)
trap 'umount -q "$work"; rmdir "$work"' EXIT
mount -t tmpfs tmpfs "$work"

rootfs=$work/bundle/rootfs
mkdir -p "$rootfs"/{bin,dev,etc,proc,root,run,sys,tmp} "$work/state"
cp "$(command -v busybox)" "$rootfs/bin/busybox"
ln -s busybox "$rootfs/bin/true"
jq '.process.terminal = false | .process.args = ["/bin/true"]' \
	"$here/../../specconv/testdata/configs/spec-default.json" >"$work/bundle/config.json"

# Every call gets an id of its own: "profile-PID-N".
cat >"$work/run" <<-EOF
	#!/bin/sh
	n=\$(cat "$work/n" 2>/dev/null || echo 0)
	echo \$((n + 1)) >"$work/n"
	exec "$binary" --root "$work/state" run --bundle "$work/bundle" "profile-$$-\$n"
EOF
chmod +x "$work/run"
run=(timeout 30 "$binary" --root "$work/state" run --bundle "$work/bundle" "profile-$$")

section() { printf '\n== %s\n' "$1"; }
have() { command -v "$1" >/dev/null || {
	echo "not shown: $1 is not installed"
	return 1
}; }

show_init() {
	section "Go packages' init, microseconds and bytes allocated"
	GODEBUG=inittrace=1 "${run[@]}" 2>&1 >/dev/null |
		awk '$1 == "init" { us = $5 * 1000; total += us; if (us >= 1) printf "%8.0f %8s  %s\n", us, $8, $2 }
		     END { printf "%8.0f           in total\n", total }' | sort -rn
}

show_counts() {
	section "30 runs"
	have perf || return 0
	perf stat -r 30 -e task-clock,page-faults,minor-faults,context-switches,cpu-migrations "$work/run" 2>&1 >/dev/null |
		grep -E 'task-clock|faults|switches|migrations|elapsed'
	echo "(with a small shell that starts the runtime)"
}

show_syscalls() {
	have strace || return 0
	strace -f -o "$work/trace" "${run[@]}"
	# The container's process is the one that executes the payload; all others are the runtime.
	local payload
	payload=$(awk '/execve\("\/bin\/true"/ { print $1; exit }' "$work/trace")
	for who in runtime container; do
		section "system calls of the $who"
		awk -v payload="$payload" -v who="$who" '
			($1 == payload) == (who == "container") && $2 !~ /^(<|\+|-)/ { sub(/\(.*/, "", $2); count[$2]++; total++ }
			END { for (name in count) printf "%6d  %s\n", count[name], name; printf "%6d  in total\n", total }' "$work/trace" |
			sort -rn | sed -n 1,30p
	done
}

show_slow() {
	section "slowest steps under strace, in microseconds until the same thread's next call"
	have strace || return 0
	strace -f -ttt -o "$work/trace" "${run[@]}"
	awk '{
		pid = $1; at = $2 * 1000000; sub(/^[^ ]+ +[^ ]+ /, "")
		if (pid in last) printf "%8.0f  %s %s\n", at - last[pid], pid, text[pid]
		last[pid] = at; text[pid] = substr($0, 1, 110)
	}' "$work/trace" | grep -vE ' (futex|epoll_p?wait|wait4|waitid|nanosleep)\(|<\.\.\. (futex|epoll_p?wait|wait4|waitid)' | sort -rn | sed -n 1,25p
}

show_faults() {
	section "page faults by symbol"
	have perf || return 0
	if perf record -q -e page-faults -c 1 -o "$work/perf.data" "${run[@]}" >/dev/null 2>&1; then
		perf report -i "$work/perf.data" --stdio --sort comm,dso,symbol 2>/dev/null | grep -E '^ +[0-9]' | sed -n 1,25p
	else
		echo "not shown: perf cannot record page faults here"
	fi
}

for name in $sections; do
	case $name in
	init | counts | syscalls | slow | faults) "show_$name" ;;
	*)
		echo "profile.sh: unknown section $name" >&2
		exit 2
		;;
	esac
done
