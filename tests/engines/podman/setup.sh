# shellcheck shell=bash
# What the scenarios of Podman have in common. Sourced by them.
PM=${PM:-pm}
podman() { "$PM" "$@"; }
in_bb() { podman run --rm --cgroup-parent "/$OE_CGROUP" "$@"; }
in_background() {
	local name=$1
	shift
	podman run -d --name "$name" --cgroup-parent "/$OE_CGROUP" "$@" >/dev/null
}
inspect() { podman inspect -f "$2" "$1"; }
state_is() { [[ $(inspect "$1" '{{.State.Status}}') == "$2" ]]; }
pid_of() { inspect "$1" '{{.State.Pid}}'; }
engine_reset() {
	podman pod rm -fa -t 0 >/dev/null 2>&1 || true
	podman rm -fa -t 0 >/dev/null 2>&1 || true
	podman volume prune -f >/dev/null 2>&1 || true
}
