# shellcheck shell=bash
# What Docker's scenarios have in common. Sourced by them.
export DOCKER_HOST=unix://$OE_DIR/docker.sock DOCKER_SCAN_SUGGEST=false
DOCKER=${DOCKER:-/usr/bin/docker}
docker() { "$DOCKER" "$@"; }
# in_bb ARGUMENTS...: options and command of a container that is removed afterwards
in_bb() { docker run --rm "$@"; }
# in_background NAME ARGUMENTS...
in_background() {
	local name=$1
	shift
	docker run -d --name "$name" "$@" >/dev/null
}
inspect() { docker inspect -f "$2" "$1"; }
state_is() { [[ $(inspect "$1" '{{.State.Status}}') == "$2" ]]; }
# restarted NAME TIMES: it runs again, after so many restarts by the daemon
restarted() { [[ $(inspect "$1" '{{.RestartCount}} {{.State.Status}}') == "$2 running" ]]; }
health_is() { [[ $(inspect "$1" '{{.State.Health.Status}}') == "$2" ]]; }
pid_of() { inspect "$1" '{{.State.Pid}}'; }
engine_reset() {
	local all
	all=$(docker ps -aq)
	# shellcheck disable=SC2086
	[[ -z $all ]] || docker rm -fv $all >/dev/null 2>&1 || true
	docker network prune -f >/dev/null 2>&1 || true
	docker volume prune -f >/dev/null 2>&1 || true
	! live_restore_is true || live_restore false
}
# docker_before VERSION: dockerd is older than that
docker_before() { [[ $(printf '%s\n' "$1" "$(docker version -f '{{.Server.Version}}')" | sort -V | head -n 1) != "$1" ]]; }
# no_process COMMANDLINE
no_process() { ! pgrep -xf "$1"; }
# The value of a cgroup file of a container, whatever the version: cgroup_file NAME V1CONTROLLER V1FILE V2FILE
cgroup_value() {
	local id dir
	id=$(inspect "$1" '{{.Id}}')
	for dir in "/sys/fs/cgroup/$2/$OE_CGROUP/$id/$3" "/sys/fs/cgroup/$OE_CGROUP/$id/$4"; do
		[[ -e $dir ]] && cat "$dir" && return
	done
	echo "no file for $2 $3" >&2
	return 1
}

## the daemon

# restart_daemon SIGNAL
restart_daemon() {
	local pid
	pid=$(<"$OE_DIR/docker.pid")
	kill "-$1" "$pid"
	eventually 40 test ! -d "/proc/$pid"
	setsid -f start-dockerd </dev/null >/dev/null 2>&1
	eventually 60 docker version
}
live_restore_is() { [[ $(docker info -f '{{.LiveRestoreEnabled}}') == "$1" ]]; }
live_restore() {
	echo "{\"live-restore\": $1}" >"$OE_DIR/daemon.json"
	kill -HUP "$(<"$OE_DIR/docker.pid")"
	eventually 10 live_restore_is "$1"
}
