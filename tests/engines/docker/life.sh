# shellcheck shell=bash
# Docker: the life of a container.
source "$HERE/docker/setup.sh"

run__prints_and_ends() { is output "$(in_bb bb echo hi)" hi; }
run__exit_status() { is status "$(status_of docker run --rm bb sh -c 'exit 42')" 42; }
run__status_of_a_signal() { is status "$(status_of docker run --rm --init bb sh -c 'kill -9 $$')" 137; }
run__missing_program_is_127() {
	is absolute "$(status_of docker run --rm bb /no/such)" 127
	is on_path "$(status_of docker run --rm bb nosuch)" 127
}
run__not_executable_is_126() {
	is file "$(status_of docker run --rm bb /etc/notes)" 126
	is directory "$(status_of docker run --rm bb /etc)" 126
}
run__standard_input() { is output "$(seq 1000 | docker run -i --rm bb wc -l)" 1000; }
run__much_output() { is bytes "$(in_bb bb head -c 5000000 /dev/zero | wc -c)" 5000000; }
run__stdout_and_stderr_apart() {
	is stdout "$(in_bb bb sh -c 'echo out; echo err >&2' 2>/dev/null)" out
	is stderr "$(in_bb bb sh -c 'echo out; echo err >&2' 2>&1 >/dev/null)" err
}
run__environment_and_directory() {
	is env "$(in_bb -e A=1 bb sh -c 'echo $A')" 1
	is cwd "$(in_bb -w /new/dir bb pwd)" /new/dir
	is hostname "$(in_bb -h box bb hostname)" box
}
run__user_and_groups() {
	is name "$(in_bb -u u bb id -un)" u
	is numbers "$(in_bb -u 12:34 --group-add 56 bb sh -c 'id -u; id -g; id -G' | xargs)" "12 34 34 56"
}
run__init_process() {
	is reaper "$(in_bb --init bb cat /proc/1/comm)" docker-init
	is none "$(in_bb bb cat /proc/1/comm)" cat
}
run__removes_itself() {
	in_bb --name gone bb true
	refused docker inspect gone
}
life__create_start_wait_logs_rm() {
	docker create --name c1 bb sh -c 'echo one; exit 3' >/dev/null
	is created "$(inspect c1 '{{.State.Status}}')" created
	docker start c1 >/dev/null
	is wait "$(docker wait c1)" 3
	is logs "$(docker logs c1)" one
	docker rm c1 >/dev/null
	refused docker inspect c1
}
life__start_again() {
	docker run --name c1 bb sh -c 'echo x >>/log; wc -l </log'
	is second "$(docker start -a c1)" 2
}
life__start_attached_with_input() {
	docker create -i --name c1 bb cat >/dev/null
	is output "$(echo text | docker start -ai c1)" text
}
life__stop_by_term() {
	in_background c1 bb sh -c 'trap "exit 5" TERM; while :; do sleep 0.1; done'
	sleep 0.5
	docker stop -t 10 c1 >/dev/null
	is code "$(inspect c1 '{{.State.ExitCode}}')" 5
}
life__stop_by_kill_after_timeout() {
	in_background c1 bb sh -c 'trap "" TERM; while :; do sleep 0.1; done'
	docker stop -t 1 c1 >/dev/null
	is code "$(inspect c1 '{{.State.ExitCode}}')" 137
}
life__kill_with_signal() {
	in_background c1 bb sh -c 'trap "echo usr" USR1; trap "exit 7" INT; while :; do sleep 0.1; done'
	sleep 0.5
	docker kill -s USR1 c1 >/dev/null
	eventually 5 bash -c "$DOCKER logs c1 | grep -q usr"
	docker kill -s INT c1 >/dev/null
	is code "$(docker wait c1)" 7
	refused docker kill c1
}
life__restart() {
	in_background c1 bb sh -c 'echo up; exec sleep 100'
	docker restart -t 1 c1 >/dev/null
	is running "$(inspect c1 '{{.State.Running}}')" true
	eventually 3 bash -c "[ \$($DOCKER logs c1 | wc -l) = 2 ]"
}
life__pause_and_unpause() {
	in_background c1 bb sh -c 'while :; do date +%s%N; sleep 0.1; done'
	docker pause c1 >/dev/null
	is status "$(inspect c1 '{{.State.Status}}')" paused
	local lines
	lines=$(docker logs c1 | wc -l)
	sleep 0.5
	is frozen "$(docker logs c1 | wc -l)" "$lines"
	refused docker exec c1 true
	docker unpause c1 >/dev/null
	sleep 0.5
	(($(docker logs c1 | wc -l) > lines))
}
life__remove_by_force_while_paused() {
	in_background c1 bb sleep 100
	docker pause c1 >/dev/null
	docker rm -f c1 >/dev/null
	refused docker inspect c1
}
life__rename_top_stats_events() {
	local since
	since=$(date +%s)
	in_background c1 bb sleep 100
	docker rename c1 c2
	has top "$(docker top c2)" "sleep 100"
	has stats "$(docker stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' c2)" "c2 1 "
	docker rm -f c2 >/dev/null
	local events
	events=$(docker events --since "$since" --until "$(($(date +%s) + 1))" --format '{{.Action}}')
	has events "$events" start
	has events "$events" die
	has events "$events" destroy
}
life__attach_gets_output_and_signals() {
	in_background c1 bb sh -c 'trap "echo term; exit 9" TERM; while :; do echo tick; sleep 0.2; done'
	local status=0
	timeout -s TERM 2 "$DOCKER" attach c1 >"$OE_DIR/attach" || status=$?
	has output "$(<"$OE_DIR/attach")" tick
	eventually 5 state_is c1 exited
	is code "$(inspect c1 '{{.State.ExitCode}}')" 9
}
life__copy_diff_commit_export() {
	in_background c1 bb sleep 100
	echo data >"$OE_DIR/file"
	docker cp "$OE_DIR/file" c1:/tmp/file
	is inside "$(docker exec c1 cat /tmp/file)" data
	docker exec c1 sh -c 'echo changed >/etc/passwd.new'
	is back "$(docker cp c1:/etc/passwd.new - | tar -xO)" changed
	has diff "$(docker diff c1)" "A /etc/passwd.new"
	docker commit c1 copy >/dev/null
	is committed "$(in_bb copy cat /etc/passwd.new)" changed
	has export "$(docker export c1 | tar -t)" tmp/file
	docker rm -f c1 >/dev/null
	docker rmi copy >/dev/null
}
life__update_limits() {
	in_background c1 -m 64m bb sleep 100
	docker update -m 128m --memory-swap 128m --pids-limit 77 --cpu-shares 512 c1 >/dev/null
	is memory "$(cgroup_value c1 memory memory.limit_in_bytes memory.max)" $((128 << 20))
	is pids "$(cgroup_value c1 pids pids.max pids.max)" 77
	is running "$(docker exec c1 echo ok)" ok
}
life__update_processors_and_restart_policy() {
	in_background c1 bb sleep 100
	docker update --cpus 0.5 --cpuset-cpus 0 --restart always c1 >/dev/null
	is quota "$(cgroup_value c1 cpu cpu.cfs_quota_us cpu.max)" 50000
	is set "$(cgroup_value c1 cpuset cpuset.cpus cpuset.cpus)" 0
	is seen "$(docker exec c1 nproc)" 1
	kill -9 "$(pid_of c1)"
	eventually 20 restarted c1 1
	is kept "$(cgroup_value c1 cpu cpu.cfs_quota_us cpu.max)" 50000
}
life__stop_signal_of_the_container() {
	in_background c1 --stop-signal USR2 bb sh -c 'trap "exit 12" USR2; while :; do sleep 0.1; done'
	sleep 0.5
	docker stop -t 10 c1 >/dev/null
	is code "$(inspect c1 '{{.State.ExitCode}}')" 12
}
life__logs_are_followed() {
	in_background c1 bb sh -c 'for i in 1 2 3 4; do echo $i; sleep 0.3; done; echo error >&2'
	is all "$(docker logs -f c1 2>&1 | xargs)" "1 2 3 4 error"
	is tail "$(docker logs --tail 1 c1 2>&1)" error
}
life__events_of_exec_and_of_no_memory() {
	local since
	since=$(date +%s)
	docker run --name c1 -m 16m --memory-swap 16m bb sh -c 'head -c 100000000 /dev/zero | tail | wc -c' >/dev/null 2>&1 || true
	in_background c2 bb sleep 100
	status_of docker exec c2 sh -c 'exit 4' >/dev/null
	local events
	events=$(docker events --since "$since" --until "$(($(date +%s) + 1))" --format '{{.Action}} {{.Actor.Attributes.exitCode}}')
	has memory "$events" "oom "
	has exec "$events" "exec_die 4"
}
life__stats_of_memory_and_processes() {
	in_background c1 -m 64m --pids-limit 50 bb sh -c 'sleep 90 & sleep 91 & wait'
	eventually 10 stats_are c1 "3 64MiB"
}
stats_are() { [[ $(docker stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' "$1" | sed -E 's,[0-9.]+[kKM]i?B / ,,') == "$2" ]]; }
life__inspect_names_runtime_and_process() {
	in_background c1 bb sleep 100
	is runtime "$(inspect c1 '{{.HostConfig.Runtime}}')" oci
	is program "$(tr '\0' ' ' <"/proc/$(pid_of c1)/cmdline")" "sleep 100 "
	docker run --name c2 --runtime other bb true
	is other "$(inspect c2 '{{.HostConfig.Runtime}}')" other
}
life__copy_while_paused() {
	in_background c1 bb sleep 100
	docker pause c1 >/dev/null
	docker cp c1:/etc/notes - | tar -xO >"$OE_DIR/copied"
	docker unpause c1 >/dev/null
	is copied "$(<"$OE_DIR/copied")" "not a program"
}
life__many_attached_at_once() {
	in_background c1 bb sh -c 'sleep 2; echo together'
	local i
	for i in 1 2 3; do docker attach c1 & done >"$OE_DIR/attached"
	wait
	is lines "$(grep -c together "$OE_DIR/attached")" 3
}
life__program_killed_from_outside() {
	in_background c1 bb sleep 100
	kill -9 "$(pid_of c1)"
	is code "$(docker wait c1)" 137
}
restart__no() {
	in_background c1 bb sleep 100
	kill -9 "$(pid_of c1)"
	eventually 10 state_is c1 exited
	sleep 0.5
	is count "$(inspect c1 '{{.RestartCount}} {{.State.Status}}')" "0 exited"
}
restart__unless_stopped() {
	in_background c1 --restart unless-stopped bb sleep 100
	kill -9 "$(pid_of c1)"
	eventually 20 restarted c1 1
	docker stop -t 1 c1 >/dev/null
	sleep 0.5
	is stopped "$(inspect c1 '{{.State.Status}}')" exited
}
restart__on_failure() {
	in_background c1 --restart on-failure:2 bb sh -c 'exit 1'
	eventually 20 bash -c "[ \"\$($DOCKER inspect -f '{{.RestartCount}} {{.State.Status}}' c1)\" = '2 exited' ]"
}
restart__always_after_a_kill() {
	in_background c1 --restart always bb sleep 100
	kill -9 "$(pid_of c1)"
	eventually 20 restarted c1 1
}
health__becomes_healthy_then_unhealthy() {
	in_background c1 --health-cmd 'test -e /tmp/ok' --health-interval 0.3s --health-retries 2 --health-timeout 5s bb \
		sh -c 'touch /tmp/ok; exec sleep 100'
	eventually 15 health_is c1 healthy
	docker exec c1 rm /tmp/ok
	eventually 15 health_is c1 unhealthy
}
life__checkpoint_and_restore() {
	criu check >/dev/null 2>&1 || skip "no CRIU that works with this kernel"
	in_background c1 bb sh -c 'i=0; while :; do i=$((i+1)); echo $i >/count; sleep 0.1; done'
	docker checkpoint create c1 one >/dev/null
	is state "$(inspect c1 '{{.State.Status}}')" exited
	docker start --checkpoint one c1
	is state "$(inspect c1 '{{.State.Status}}')" running
	local before
	before=$(docker exec c1 cat /count)
	sleep 1
	(($(docker exec c1 cat /count) > before))
}
