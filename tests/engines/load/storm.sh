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
timed() { # COMMAND...: runs it and says how long it took, which is compared in the table
	local begin=$EPOCHREALTIME
	"$@"
	echo "measured: $(bc <<<"scale=2; ($EPOCHREALTIME - $begin)/1")"
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
	timed "$@"
	is failures "$(wc -l <"$OE_DIR/failures")" 0
	eventually 20 eval '[[ $(remains) == "'"$before"'" ]]' || is remains "$(remains | xargs)" "$(xargs <<<"$before")"
}

storm__200_containers_one_after_the_other() { storm one_after_the_other 200; }
storm__200_without_a_network_one_after_the_other() { storm one_after_the_other 200 --net none; }
storm__100_containers_at_once() { storm at_once 100; }
storm__100_without_a_network_at_once() { storm at_once 100 --net none; }
storm__200_exec_one_after_the_other() {
	in_background c1 bb sleep 1000
	timed exec_often 200
}
exec_often() {
	local i
	for i in $(seq "$1"); do docker exec c1 true; done
}
