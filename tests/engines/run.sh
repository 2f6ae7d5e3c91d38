#!/bin/bash
# Runs container engines with a runtime and prints what works.
#
#   run.sh [--runtime NAME=PATH]... [--only PATTERN] [--quick] [--results DIR] [--write FILE] [--keep] [ENGINE...]
#
# Engines are install (what contrib/install-runtime.sh writes), docker, remap (Docker with user
# namespaces), nodes (a swarm of two), containerd, podman and load (Docker under load,
# the runtimes in turns). Every engine gets its own namespaces, /run, network, root directory, socket and
# cgroup, so that one of the machine is not touched, and everything ends with the sandbox. PATTERN is
# an extended regular expression on "group__scenario"; --quick runs what the file "quick" lists.
# The exit status is 1 if the first runtime fails a scenario that the second passes (or, with one
# runtime, any that "differences" does not explain), or if anything stays behind. FILE gets the
# tables as a page, if nothing in them is left unexplained.
set -uo pipefail
source "$(dirname "$0")/lib.sh"

runtimes=() engines=() only=(-e .) results= page= keep=
while (($#)); do
	case $1 in
	--runtime) runtimes+=("$2") && shift ;;
	--only) only=(-e "$2") && shift ;;
	--quick) only=(-f "$HERE/quick") ;;
	--results) results=$2 && shift ;;
	--write) page=$2 && shift ;;
	--keep) keep=1 ;;
	-*) die "unknown option $1" ;;
	*) engines+=("$1") ;;
	esac
	shift
done
((${#runtimes[@]})) || die "usage: run.sh --runtime NAME=PATH [--runtime NAME=PATH] [--only PATTERN | --quick] [--results DIR] [--write FILE] [--keep] [ENGINE...]"
((${#engines[@]})) || engines=(docker remap nodes load containerd podman install)
((EUID == 0)) || die "engines need root"

base=$(mktemp -d /tmp/oe.XXXX)
chmod 755 "$base"
results=${results:-$base/results}
mkdir -p "$results"
export OE_IMAGES=$base/images OE_ROOT=$base

# scenarios_of ENGINE: prints "FILE NAME" of those that were asked for
scenarios_of() {
	local file scenario
	for file in "$HERE/$1"/*.sh; do
		for scenario in $(scenario_names "$file" | grep -E "${only[@]}"); do
			echo "$file $scenario"
		done
	done
}

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
	engine_version >"$results/$engine.version"
	if sandbox_start && engine_start; then
		while read -r file scenario; do
			scenario_run "$file" "$scenario" "${SCENARIO_SECONDS:-300}" | tee -a "$table" |
				sed "s/^/$engine\t$name\t/"
		done < <(scenarios_of "$engine")
	else
		printf 'fail\tengine: starts\t0\t%s\n' "$(tail -qn 3 "$OE_DIR"/*.log 2>/dev/null | tr '\n\t' '  ')" | tee -a "$table"
	fi
	engine_stop || printf 'fail\tteardown: nothing stays behind\t0\tcgroups of %s\n' "$OE_CGROUP" | tee -a "$table"
)

engine_stop() {
	sandbox_stop
	local status=$?
	if declare -F engine_cleanup >/dev/null; then engine_cleanup; fi
	return $status
}

asked=()
for engine in "${engines[@]}"; do
	[[ -d $HERE/$engine && -e $HERE/$engine.sh ]] || die "unknown engine $engine"
	[[ -z $(scenarios_of "$engine") ]] || asked+=("$engine")
done
((${#asked[@]})) || die "no scenario has such a name"
"$HERE/image.sh" "$OE_IMAGES" "$([[ " ${asked[*]} " != *" docker "* ]] || scenarios_of docker | grep -oim 1 debian)" || die "cannot build the images"
for engine in "${asked[@]}"; do
	for runtime in "${runtimes[@]}"; do
		one_engine "$engine" "$runtime" &
	done
	wait
done
names=()
for runtime in "${runtimes[@]}"; do names+=("${runtime%%=*}"); done
"$HERE/table.sh" "$results" "${asked[*]}" "${names[@]}" | tee "$base/page"
status=${PIPESTATUS[0]}
if [[ $page ]]; then
	if ((status == 0)); then cp "$base/page" "$page"; else echo "not written, see above: $page" >&2; fi
fi
[[ $keep ]] || rm -rf --one-file-system "$base"
exit "$status"
