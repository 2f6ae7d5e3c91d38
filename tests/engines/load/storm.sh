# shellcheck shell=bash
# Many containers with Docker: none fails, nothing stays, and how long it takes.
source "$HERE/docker/setup.sh"

# What there is of containers: cgroups, mounts, state, processes, shims.
remains() {
	find /sys/fs/cgroup -mindepth 2 -type d -path "*/$OE_CGROUP/*" | wc -l
	grep -cE "$OE_DIR/(data|exec)/.*(overlay2|netns|shm|rootfs)" /proc/self/mountinfo
	find /run/docker/runtime-runc "$OE_DIR/exec/runtime-"* /var/run/docker/runtime-* -mindepth 2 -maxdepth 2 2>/dev/null | wc -l
	pgrep -c containerd-shim
	find "$OE_DIR/exec" -path '*io.containerd.runtime*' -mindepth 5 2>/dev/null | wc -l
}
# in_turns ROUNDS COMMAND...: runs it so often, in turns with the other runtime if there is one, so that both meet
# the same machine; says how long it took alone, which the table compares
in_turns() {
	local round begin took=0 turn
	for round in $(seq "$1"); do
		exec {turn}>"$OE_ROOT/turn"
		flock "$turn"
		begin=$EPOCHREALTIME
		"${@:2}"
		took=$(bc <<<"$took + $EPOCHREALTIME - $begin")
		exec {turn}>&-
		sleep 0.5 # the other's turn
	done
	echo "measured: $took"
}
one() { docker run --rm "$@" bb true || echo "container failed" >>"$OE_DIR/failures"; }
one_after_the_other() {
	local i
	for i in $(seq "$1"); do one "${@:2}"; done
}
at_once() {
	local i
	for i in $(seq "$1"); do one "${@:2}" & done
	wait
}
storm() {
	local before
	: >"$OE_DIR/failures"
	docker run --rm bb true
	before=$(remains)
	in_turns "$@"
	is failures "$(wc -l <"$OE_DIR/failures")" 0
	eventually 20 eval '[[ $(remains) == "'"$before"'" ]]' || is remains "$(remains | xargs)" "$(xargs <<<"$before")"
}

storm__200_containers_one_after_the_other() { storm 10 one_after_the_other 20; }
storm__100_without_a_network_one_after_the_other() { storm 5 one_after_the_other 20 --net none; }
storm__100_containers_at_once() { storm 2 at_once 100; }
storm__100_without_a_network_at_once() { storm 2 at_once 100 --net none; }
storm__200_exec_one_after_the_other() {
	in_background c1 bb sleep 1000
	in_turns 10 exec_often 20
}
exec_often() {
	local i
	for i in $(seq "$1"); do docker exec c1 true; done
}
