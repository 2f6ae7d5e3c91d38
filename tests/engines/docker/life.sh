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
life__program_killed_from_outside() {
	in_background c1 bb sleep 100
	kill -9 "$(pid_of c1)"
	is code "$(docker wait c1)" 137
}
restart__on_failure() {
	in_background c1 --restart on-failure:2 bb sh -c 'exit 1'
	eventually 20 bash -c "[ \"\$($DOCKER inspect -f '{{.RestartCount}} {{.State.Status}}' c1)\" = '2 exited' ]"
}
restart__always_after_a_kill() {
	in_background c1 --restart always bb sleep 100
	kill -9 "$(pid_of c1)"
	eventually 20 bash -c "[ \"\$($DOCKER inspect -f '{{.RestartCount}} {{.State.Status}}' c1)\" = '1 running' ]"
}
health__becomes_healthy_then_unhealthy() {
	in_background c1 --health-cmd 'test -e /tmp/ok' --health-interval 0.3s --health-retries 2 --health-timeout 5s bb \
		sh -c 'touch /tmp/ok; exec sleep 100'
	eventually 15 bash -c "[ \"\$($DOCKER inspect -f '{{.State.Health.Status}}' c1)\" = healthy ]"
	docker exec c1 rm /tmp/ok
	eventually 15 bash -c "[ \"\$($DOCKER inspect -f '{{.State.Health.Status}}' c1)\" = unhealthy ]"
}
