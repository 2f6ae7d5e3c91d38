# shellcheck shell=bash
# What the programs of this directory have in common. Sourced.
#
# OE_DIR      the directory of one engine with one runtime: short, because Unix sockets live in it
# OE_RUNTIME  absolute path of the runtime under test
# OE_CGROUP   the cgroup below which the engine puts everything, without a slash in front
# OE_CRIU     a directory with the program criu, if it is not to be the machine's

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export LC_ALL=C
unset XDG_RUNTIME_DIR DOCKER_HOST CONTAINER_HOST DOCKER_CONTEXT

die() {
	echo "$*" >&2
	exit 2
}

# eventually SECONDS COMMAND...: polls until COMMAND succeeds
eventually() {
	local left=$(($1 * 10))
	shift
	until "$@" >/dev/null 2>&1; do
		((left-- > 0)) || {
			echo "never came true: $*" >&2
			return 1
		}
		sleep 0.1
	done
}

## the sandbox: one set of namespaces per engine, ended by killing its pid 1

# sandbox_start: everything that is started in it later dies with it
sandbox_start() {
	mkdir -p "$OE_DIR"/{out,bin}
	ln -sfn "$OE_RUNTIME" "$OE_DIR/bin/runc"
	setsid unshare --mount --net --pid --ipc --uts --fork --kill-child --mount-proc \
		"$HERE/sandbox.sh" "$OE_DIR" </dev/null >"$OE_DIR/sandbox.log" 2>&1 &
	local outer=$!
	if ! eventually 10 test -e "$OE_DIR/ready"; then
		cat "$OE_DIR/sandbox.log" >&2
		return 1
	fi
	local child=$outer
	until [[ $(awk '/^NSpid/{print $NF}' "/proc/$child/status") == 1 ]]; do
		child=$(cut -d' ' -f1 "/proc/$child/task/$child/children")
		[[ $child ]] || die "the sandbox has no first process"
	done
	echo "$child" >"$OE_DIR/sandbox.pid"
}

# inside COMMAND...: runs it in the sandbox
inside() {
	nsenter -t "$(<"$OE_DIR/sandbox.pid")" -m -n -p -i -u -- \
		env OE_DIR="$OE_DIR" OE_RUNTIME="$OE_RUNTIME" OE_CGROUP="$OE_CGROUP" PATH="$OE_DIR/bin:${OE_CRIU:+$OE_CRIU:}$PATH" "$@"
}

# sandbox_stop: ends it and removes its cgroups; fails if some of them stay
sandbox_stop() {
	local pid
	pid=$(cat "$OE_DIR/sandbox.pid" 2>/dev/null) || return 0
	if [[ $(awk '/^NSpid/{print $NF}' "/proc/$pid/status" 2>/dev/null) == 1 ]]; then
		kill -KILL "$pid"
		eventually 20 test ! -d "/proc/$pid"
	fi
	rm -f "$OE_DIR/sandbox.pid"
	eventually 5 cgroups_gone
}

cgroups_gone() {
	local dir
	for dir in /sys/fs/cgroup/*/"${OE_CGROUP:?}"; do
		[[ -d $dir ]] && find "$dir" -depth -type d -exec rmdir {} +
	done
	! compgen -G "/sys/fs/cgroup/*/$OE_CGROUP" >/dev/null
}

## scenarios: functions group__what_must_hold, each run as a process of its own inside the sandbox

# scenario_names FILE...: in the order in which they are written
scenario_names() { sed -nE 's/^([a-z0-9]+__[a-z0-9_]+)\(\) \{.*/\1/p' "$@"; }

# scenario_title NAME: the function's name as words
scenario_title() {
	local words=${1/__/: }
	echo "${words//_/ }"
}

# scenario_run FILE NAME SECONDS: prints "pass|fail|skip<TAB>title<TAB>seconds<TAB>reason<TAB>measured".
# Lines of its output that begin with "note: " are the reason when it passes; one that begins
# with "measured: " has the seconds that are compared between runtimes.
scenario_run() {
	local file=$1 name=$2 limit=$3 log="$OE_DIR/out/$2" begin=$EPOCHREALTIME status verdict reason=
	inside timeout -k 5 "$limit" bash "$HERE/scenario.sh" "$file" "$name" </dev/null >"$log" 2>&1
	status=$?
	case $status in
	0) verdict=pass reason=$(sed -n 's/^note: //p' "$log") ;;
	77) verdict=skip reason=$(sed -n 's/^skip: //p' "$log") ;;
	124 | 137) verdict=fail reason="no end after $limit s: $(scenario_reason "$log")" ;;
	*) verdict=fail reason=$(scenario_reason "$log") ;;
	esac
	printf '%s\t%s\t%.1f\t%s\t%s\n' "$verdict" "$(scenario_title "$name")" \
		"$(bc <<<"$EPOCHREALTIME - $begin")" "$reason" "$(sed -n 's/^measured: //p' "$log" | tail -n 1)"
}

scenario_reason() { grep -v '^$' "$1" | tail -n 4 | tr -s ' \t\n\r' ' ' | cut -c1-600; }
