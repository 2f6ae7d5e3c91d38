# shellcheck shell=bash
# What the scenarios of ctr have in common. Sourced by them.
# The containerd namespace becomes the parent of the containers' cgroups.
BB=docker.io/local/bb:latest
ctr() { command ctr -a "$OE_DIR/c.sock" -n "$OE_CGROUP" "$@"; }
launch() { ctr run --runc-binary "$OE_RUNTIME" --runc-root "$OE_DIR/ctr-root" "$@"; }
in_bb() { # [OPTIONS...] -- COMMAND...
	local options=()
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	launch --rm "${options[@]}" "$BB" "t$RANDOM" "$@"
}
background() { launch -d "${@:2}" "$BB" "$1" sleep 1000; }
status_is() { ctr task ls | grep -qE "^$1 .* $2\$"; }
task_pid() { ctr task ls | awk -v id="$1" '$1==id{print $2}'; }
engine_reset() {
	local id
	for id in $(ctr task ls -q); do ctr task rm -f "$id" >/dev/null 2>&1 || true; done
	for id in $(ctr container ls -q); do ctr container rm "$id" >/dev/null 2>&1 || true; done
}
# containerd_stops [-9]: waits until it is gone
containerd_stops() {
	local old
	old=$(<"$OE_DIR/containerd.pid")
	kill "$@" "$old"
	eventually 20 test ! -d "/proc/$old"
}
containerd_starts() {
	setsid -f start-containerd </dev/null >/dev/null 2>&1
	eventually 40 ctr version
}
shim_of() { awk '/^PPid/{print $2}' "/proc/$(task_pid "$1")/status"; }
