# shellcheck shell=bash
# Docker: exec and terminals.
source "$HERE/docker/setup.sh"

exec__output_and_status() {
	in_background c1 bb sleep 100
	is output "$(docker exec c1 echo hi)" hi
	is status "$(status_of docker exec c1 sh -c 'exit 42')" 42
	is signal "$(status_of docker exec c1 sh -c 'kill -9 $$')" 137
}
exec__missing_program() {
	in_background c1 bb sleep 100
	local program
	for program in nosuch /no/such; do
		# Docker 20.10 says 126, later ones 127.
		has $program "126 127" "$(status_of docker exec c1 $program)"
	done
	is not_executable "$(status_of docker exec c1 /etc/notes)" 126
}
exec__user_environment_directory() {
	in_background c1 -e BASE=1 bb sleep 100
	is user "$(docker exec -u 12:34 c1 sh -c 'id -u; id -g' | xargs)" "12 34"
	is name "$(docker exec -u u c1 id -un)" u
	is env "$(docker exec -e MORE=2 c1 sh -c 'echo $BASE$MORE')" 12
	is cwd "$(docker exec -w /tmp c1 pwd)" /tmp
}
exec__standard_input() {
	in_background c1 bb sleep 100
	is output "$(seq 100 | docker exec -i c1 wc -l)" 100
	is much "$(docker exec c1 head -c 3000000 /dev/zero | wc -c)" 3000000
}
exec__detached() {
	in_background c1 bb sleep 100
	docker exec -d c1 sh -c 'echo done >/tmp/mark'
	eventually 5 docker exec c1 test -e /tmp/mark
}
exec__same_namespaces_and_cgroup() {
	in_background c1 bb sleep 100
	local pid kind
	pid=$(pid_of c1)
	for kind in pid mnt net ipc uts; do
		is $kind "$(docker exec c1 readlink /proc/self/ns/$kind)" "$(readlink "/proc/$pid/ns/$kind")"
	done
	is cgroup "$(docker exec c1 cat /proc/self/cgroup)" "$(docker exec c1 cat /proc/1/cgroup)"
}
exec__same_confinement() {
	in_background c1 --cap-drop ALL --cap-add CHOWN --security-opt no-new-privileges bb sleep 100
	local fields='NoNewPrivs|CapPrm|CapEff|CapBnd|Seccomp:'
	is status "$(docker exec c1 grep -E "$fields" /proc/self/status)" "$(docker exec c1 grep -E "$fields" /proc/1/status)"
	is bounding "$(docker exec c1 awk '/CapBnd/{print $2}' /proc/self/status)" 0000000000000001
}
exec__limits_of_resources() {
	in_background c1 --ulimit nofile=123:456 bb sleep 100
	is soft "$(docker exec c1 sh -c 'ulimit -n')" 123
	is hard "$(docker exec c1 sh -c 'ulimit -Hn')" 456
}
exec__many_at_once() {
	in_background c1 bb sleep 100
	local i
	for i in $(seq 30); do docker exec c1 echo "line $i" & done >"$OE_DIR/many"
	wait
	is lines "$(sort -u "$OE_DIR/many" | wc -l)" 30
}
exec__ends_with_the_container() {
	in_background c1 bb sleep 100
	docker exec c1 sleep 100 &
	sleep 1
	docker kill c1 >/dev/null
	local status=0
	wait $! || status=$?
	is status $status 137
}
exec__leaves_background_processes() {
	in_background c1 bb sleep 100
	docker exec c1 sh -c 'sleep 77 >/dev/null 2>&1 & echo ok'
	has top "$(docker top c1)" "sleep 77"
}
exec__terminal() {
	in_background c1 bb sleep 100
	has tty "$(on_terminal "$DOCKER exec -it c1 tty")" /dev/pts/
	is size "$(on_terminal "$DOCKER exec -it c1 sh -c 'sleep 1; stty size'" | tail -n 1)" "30 100"
	is status "$(status_of docker exec -t c1 sh -c 'exit 6')" 6
}
terminal__size_and_echo() {
	has tty "$(on_terminal "$DOCKER run --rm -it bb tty")" /dev/pts/
	# The size arrives shortly after the start: the client asks for it then.
	is size "$(on_terminal "$DOCKER run --rm -it bb sh -c 'sleep 1; stty size'" | tail -n 1)" "30 100"
	has return "$(docker run --rm -t bb echo x | od -c)" '\r  \n'
}
terminal__resize() {
	is sizes "$(on_terminal "(sleep 2.5; stty cols 77 rows 11 </dev/tty) & $DOCKER run --rm -it bb sh -c 'sleep 1.5; stty size; sleep 3; stty size'" |
		grep -E '^[0-9]+ [0-9]+$' | xargs)" "30 100 11 77"
}
terminal__interrupt_character() {
	local out
	out=$( (sleep 2; printf '\003'; sleep 1) | script -qec "$DOCKER run --rm -it bb sh -c 'trap \"echo interrupted; exit 4\" INT; sleep 10'; echo status \$?" /dev/null)
	has trap "$out" interrupted
	has status "$out" "status 4"
}
terminal__shell_with_job_control() {
	local out
	out=$( (sleep 1; echo 'echo $((6*7)); tty'; sleep 1; echo 'exit 3'; sleep 0.5) | script -qec "$DOCKER run --rm -it bb sh; echo status \$?" /dev/null)
	has sum "$out" 42
	lacks job_control "$out" "job control turned off"
	has status "$out" "status 3"
}
terminal__without_input() { has crlf "$(docker run --rm -t bb sh -c 'test -t 1 && echo yes')" yes; }
terminal__detach_and_attach() {
	local out
	out=$( (sleep 1.5; printf '\020\021'; sleep 0.5) | script -qec "$DOCKER run --name c1 -it bb sh -c 'read x; echo got \$x'" /dev/null)
	is running "$(inspect c1 '{{.State.Running}}')" true
	out=$( (sleep 1; echo word; sleep 1) | script -qec "$DOCKER attach c1" /dev/null)
	has attached "$out" "got word"
}
