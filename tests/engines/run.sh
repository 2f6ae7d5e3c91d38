#!/bin/bash
# Runs container engines with a runtime and prints what works.
#
#   run.sh [--runtime NAME=PATH]... [--only PATTERN] [--results DIR] [--keep] [ENGINE...]
#
# Engines are install (what contrib/install-runtime.sh writes), docker, remap (Docker with user
# namespaces), containerd, podman and load (Docker under load, one runtime after the other). Every engine gets its own namespaces, /run,
# network, root directory, socket and cgroup, so that one of the machine is not touched,
# and everything ends with the sandbox. PATTERN is an extended regular expression on
# "group__scenario". The exit status is 1 if the first runtime fails a scenario that the
# second passes (or, with one runtime, any scenario), or if anything stays behind.
set -uo pipefail
source "$(dirname "$0")/lib.sh"

runtimes=() engines=() only=. results= keep=
while (($#)); do
	case $1 in
	--runtime) runtimes+=("$2") && shift ;;
	--only) only=$2 && shift ;;
	--results) results=$2 && shift ;;
	--keep) keep=1 ;;
	-*) die "unknown option $1" ;;
	*) engines+=("$1") ;;
	esac
	shift
done
((${#runtimes[@]})) || die "usage: run.sh --runtime NAME=PATH [--runtime NAME=PATH] [--only PATTERN] [--results DIR] [--keep] [ENGINE...]"
((${#engines[@]})) || engines=(install docker remap containerd podman load)
((EUID == 0)) || die "engines need root"

base=$(mktemp -d /tmp/oe.XXXX)
chmod 755 "$base"
results=${results:-$base/results}
mkdir -p "$results"
export OE_IMAGES=$base/images OE_ROOT=$base

# one_engine ENGINE NAME=PATH: in a subshell of its own
one_engine() (
	local engine=$1 name=${2%%=*} file scenario
	OE_DIR=$base/$engine-$name OE_RUNTIME=$(realpath "${2#*=}") OE_CGROUP=oe-${base##*.}-$engine-$name
	export OE_DIR OE_RUNTIME OE_CGROUP
	local table=$results/$engine.$name.tsv
	: >"$table"
	# shellcheck disable=SC1090
	source "$HERE/$engine.sh"
	trap 'engine_stop; exit 1' INT TERM
	if ! sandbox_start || ! engine_start; then
		printf 'fail\tengine: starts\t0\t%s\n' "$(tail -n 3 "$OE_DIR"/*.log 2>/dev/null | tr '\n\t' '  ')" | tee -a "$table"
	fi
	engine_version >"$results/$engine.version"
	for file in "$HERE/$engine"/*.sh; do
		for scenario in $(scenario_names "$file" | grep -E "$only"); do
			scenario_run "$file" "$scenario" "${SCENARIO_SECONDS:-150}" | tee -a "$table" |
				sed "s/^/$engine\t$name\t/"
		done
	done
	engine_stop || printf 'fail\tteardown: nothing stays behind\t0\tcgroups of %s\n' "$OE_CGROUP" | tee -a "$table"
)

engine_stop() {
	sandbox_stop
	local status=$?
	if declare -F engine_cleanup >/dev/null; then engine_cleanup; fi
	return $status
}

"$HERE/image.sh" "$OE_IMAGES" || die "cannot build the images"
for engine in "${engines[@]}"; do
	[[ -e $HERE/$engine.sh && $engine != lib ]] || die "unknown engine $engine"
	for runtime in "${runtimes[@]}"; do
		one_engine "$engine" "$runtime" &
		[[ $engine != load ]] || wait
	done
	wait
done
names=()
for runtime in "${runtimes[@]}"; do names+=("${runtime%%=*}"); done
"$HERE/table.sh" "$results" "${engines[*]}" "${names[@]}"
status=$?
[[ $keep ]] || rm -rf --one-file-system "$base"
exit $status
