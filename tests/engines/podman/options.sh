# shellcheck shell=bash
# Podman as root: what its options ask of the runtime.
source "$HERE/podman/setup.sh"

# cgroup_file CONTAINER V1FILE V2FILE: what the first one that is there says
cgroup_file() {
	local id
	id=$(inspect "$1" '{{.Id}}')
	find /sys/fs/cgroup -path "*libpod-$id*" \( -name "$2" -o -name "$3" \) -exec cat {} + | head -n 1
}

options__namespaces_of_the_host() {
	local kind
	for kind in pid ipc uts; do
		is $kind "$(in_bb "--$kind" host bb readlink "/proc/self/ns/$kind")" "$(readlink "/proc/self/ns/$kind")"
	done
	is cgroup "$(in_bb --cgroupns host bb readlink /proc/self/ns/cgroup)" "$(readlink /proc/self/ns/cgroup)"
	is private "$(in_bb --cgroupns private bb sed -n 's/.*:.*://p' /proc/self/cgroup | sort -u | head -n 1)" /
}
options__namespaces_of_another_container() {
	in_background c1 bb sh -c 'echo shared >/dev/shm/x; exec sleep 1234'
	has processes "$(in_bb --pid container:c1 bb ps)" "sleep 1234"
	in_background c2 --ipc shareable bb sh -c 'echo shared >/dev/shm/x; exec sleep 1000'
	sleep 0.3
	is memory "$(in_bb --ipc container:c2 bb cat /dev/shm/x)" shared
	ip netns add pn
	is path "$(in_bb --net "ns:/run/netns/pn" bb readlink /proc/self/ns/net)" "$(ip netns exec pn readlink /proc/self/ns/net)"
	ip netns del pn
}
options__masked_and_unmasked_paths() {
	is masked "$(in_bb --security-opt mask=/etc/notes bb sh -c 'wc -c </etc/notes')" 0
	is unmasked "$(in_bb --security-opt unmask=/proc/keys bb sh -c '[ $(wc -c </proc/keys) -gt 0 ] && echo text')" text
	is default "$(in_bb bb sh -c 'wc -c </proc/keys')" 0
	has hidden "$(in_bb --security-opt proc-opts=hidepid=2 bb grep ' /proc ' /proc/self/mountinfo)" hidepid
	echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}' >"$OE_DIR/profile.json"
	refused in_bb --security-opt "seccomp=$OE_DIR/profile.json" bb mkdir /x
}
options__mounts() {
	mkdir -p "$OE_DIR/v"
	echo text >"$OE_DIR/v/f"
	is overlay "$(in_bb -v "$OE_DIR/v:/v:O" bb sh -c 'echo changed >/v/f; cat /v/f')" changed
	is below "$(<"$OE_DIR/v/f")" text
	is owner "$(in_bb --user 1000 -v "$OE_DIR/v:/v:U" bb stat -c %u /v/f)" 1000
	is image "$(in_bb --mount type=image,source=localhost/bb:latest,destination=/i bb cat /i/srv/index.html)" "hello from the web"
	refused in_bb -v "$OE_DIR/v:/v:noexec" bb sh -c 'cp /bin/true /v/t && /v/t'
	has size "$(in_bb --shm-size 3m bb df -k /dev/shm)" 3072
	has tmpfs "$(in_bb --mount type=tmpfs,destination=/t,tmpfs-size=2m bb df -k /t)" 2048
	is devpts "$(in_bb --mount type=devpts,destination=/pts bb stat -f -c %T /pts)" devpts
}
options__propagation() {
	local mode at=$OE_DIR/p
	mkdir -p "$at/later"
	mountpoint -q "$at" || mount -t tmpfs p "$at"
	mount --make-shared "$at"
	mkdir -p "$at/later"
	for mode in rprivate rslave rshared; do in_background "c-$mode" -v "$at:/p:$mode" bb sleep 100; done
	mount -t tmpfs later "$at/later"
	is private "$(podman exec c-rprivate grep -c ' /p/later ' /proc/self/mountinfo || true)" 0
	is slave "$(podman exec c-rslave grep -c ' /p/later ' /proc/self/mountinfo)" 1
	is shared "$(podman exec c-rshared grep -c ' /p/later ' /proc/self/mountinfo)" 1
	umount "$at/later"
}
options__limits() {
	in_background c1 --cpu-shares 512 --cpuset-cpus 0 -m 64m --memory-swap 64m --memory-reservation 32m --oom-score-adj 300 --pids-limit 77 bb sleep 100
	is adjusted "$(podman exec c1 cat /proc/1/oom_score_adj)" 300
	is cpuset "$(podman exec c1 awk '/Cpus_allowed_list/{print $2}' /proc/1/status)" 0
	is pids "$(cgroup_file c1 pids.max pids.max)" 77
	is reservation "$(cgroup_file c1 memory.soft_limit_in_bytes memory.low)" $((32 << 20))
	is memory "$(cgroup_file c1 memory.limit_in_bytes memory.max)" $((64 << 20))
}
options__devices() {
	is rule "$(in_bb --device-cgroup-rule 'c 10:229 rwm' --cap-add MKNOD bb sh -c 'mknod /f c 10 229; (: </f) 2>/dev/null && echo opened || echo denied')" opened
	is none "$(in_bb --cap-add MKNOD bb sh -c 'mknod /f c 10 229; (: </f) 2>/dev/null && echo opened || echo denied')" denied
	is mode "$(in_bb --device /dev/fuse:/dev/own:r bb stat -c %t:%T /dev/own)" a:e5
}
options__process() {
	is umask "$(in_bb --umask 0077 bb sh -c umask)" 0077
	is groups "$(in_bb --user 1000 --group-add 29 --group-add 44 bb id -G | xargs -n1 | sort -n | xargs)" "29 44 1000"
	is entry "$(in_bb --entrypoint '["sh","-c"]' bb 'echo $0' x)" x
	is ambient "$(in_bb --user 1000 --cap-add NET_RAW bb awk '/CapEff/{print $2}' /proc/self/status)" 0000000000002000
	is domain "$(in_bb --personality=LINUX32 bb uname -m)" i686
}
options__systemd_mode() {
	is writable "$(in_bb --systemd always bb sh -c 'test -w /sys/fs/cgroup && stat -f -c %T /run')" tmpfs
}
options__timeout() {
	in_background c1 --timeout 1 bb sleep 50
	eventually 8 state_is c1 exited
}
options__hooks() {
	mkdir -p "$OE_DIR/hooks"
	local stage
	for stage in prestart createRuntime createContainer poststart poststop; do
		cat >"$OE_DIR/hooks/$stage.json" <<-EOF
			{"version":"1.0.0","hook":{"path":"/bin/sh","args":["sh","-c","cat >$OE_DIR/hooks/$stage.out"]},"when":{"always":true},"stages":["$stage"]}
		EOF
	done
	rm -f "$OE_DIR"/hooks/*.out
	pm --hooks-dir "$OE_DIR/hooks" run --rm --cgroup-parent "/$OE_CGROUP" --name hooked bb true
	for stage in prestart createRuntime createContainer poststart; do
		has $stage "$(<"$OE_DIR/hooks/$stage.out")" '"id"'
	done
	# The container is removed by a process of its own.
	eventually 5 grep -q stopped "$OE_DIR/hooks/poststop.out"
}
options__global_flags_of_the_runtime() {
	is output "$(pm --runtime-flag debug run --rm --cgroup-parent "/$OE_CGROUP" bb echo hi)" hi
}
options__files_with_process_ids() {
	podman run -d --name c1 --cgroup-parent "/$OE_CGROUP" --pidfile "$OE_DIR/pid" --cidfile "$OE_DIR/cid.$$" bb sleep 100 >/dev/null
	is pid "$(<"$OE_DIR/pid")" "$(pid_of c1)"
	is id "$(<"$OE_DIR/cid.$$")" "$(inspect c1 '{{.Id}}')"
}
options__user_namespaces() {
	is keep "$(in_bb --userns=auto:size=5000 bb awk 'NR==1{print $1, $3}' /proc/self/uid_map)" "0 5000"
	in_background c1 --userns=auto bb sleep 100
	is same "$(in_bb --userns container:c1 bb readlink /proc/self/ns/user)" "$(readlink "/proc/$(pid_of c1)/ns/user")"
	is exec "$(podman exec c1 id -u)" 0
	podman pause c1 >/dev/null
	podman unpause c1 >/dev/null
}
life__exec_with_more_options() {
	in_background c1 bb sleep 100
	is capabilities "$(podman exec --privileged c1 awk '/CapEff/{print $2}' /proc/self/status)" "$(awk '/CapBnd/{print $2}' /proc/self/status)"
	is descriptors "$(podman exec --preserve-fds 1 c1 sh -c 'cat <&3' 3< <(echo passed))" passed
	is mode "$(status_of podman exec c1 /etc/notes)" 126
	local out
	out=$( (sleep 1; printf 'stty size; exit 6\n'; sleep 1) | script -qec "stty cols 91 rows 31; pm exec -it c1 sh; echo status \$?" /dev/null)
	has size "$out" "31 91"
	has status "$out" "status 6"
	podman pause c1 >/dev/null
	refused podman exec c1 true
	podman unpause c1 >/dev/null
}
life__top_and_stats() {
	in_background c1 -m 64m bb sh -c 'sleep 555 & exec sleep 556'
	eventually 5 bash -c 'pm top c1 hpid args | grep -q "sleep 555"'
	has host "$(podman top c1 hpid)" "$(pid_of c1)"
	is stats "$(podman stats --no-stream --format '{{.PIDs}} {{.MemLimit}}' c1)" "2 67108864"
}
life__logs_that_follow() {
	in_background c1 bb sh -c 'for i in 1 2 3; do echo line $i; sleep 0.3; done'
	is lines "$(timeout 10 pm logs -f c1 | wc -l)" 3
}
life__update_changes_limits() {
	in_background c1 -m 64m bb sleep 100
	podman update -m 96m --pids-limit 33 --cpu-shares 300 c1 >/dev/null 2>&1 || podman update -m 96m --cpu-shares 300 c1 >/dev/null
	is memory "$(cgroup_file c1 memory.limit_in_bytes memory.max)" $((96 << 20))
}
life__killed_process_is_noticed() {
	in_background c1 bb sleep 100
	kill -9 "$(pid_of c1)"
	is code "$(podman wait c1)" 137
	podman start c1 >/dev/null
	state_is c1 running
}
life__killed_monitor() {
	in_background c1 bb sleep 100
	local pid id
	pid=$(pid_of c1) id=$(inspect c1 '{{.Id}}')
	kill -9 "$(inspect c1 '{{.State.ConmonPid}}')"
	test -d "/proc/$pid"
	# Podman 4 forgets the container without a word to the runtime, Podman 5 cannot
	# remove it at once. The runtime knows it still.
	podman rm -f -t 0 c1 >/dev/null 2>&1 || true
	"$OE_RUNTIME" delete --force "$id"
	eventually 5 test ! -d "/proc/$pid"
	is cgroups "$(find /sys/fs/cgroup -type d -path "*libpod-$id*")" ""
}
life__checkpoint_and_restore() {
	criu check >/dev/null 2>&1 || skip "no CRIU that works with this kernel"
	in_background c1 bb sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done'
	podman container checkpoint c1 >/dev/null
	state_is c1 exited
	podman container restore c1 >/dev/null
	state_is c1 running
}
# notified COMMAND...: runs it with a socket for its readiness; what came is in $OE_DIR/notified
notified() {
	rm -f "$OE_DIR/notify"
	perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Type => Socket::SOCK_DGRAM(), Local => shift) or die $!;
		$| = 1; alarm 15; while (1) { my $m; defined $s->recv($m, 4096) or last; print "$m\n" }' "$OE_DIR/notify" >"$OE_DIR/notified" &
	LISTENER=$!
	eventually 5 test -S "$OE_DIR/notify"
	NOTIFY_SOCKET=$OE_DIR/notify "$@"
}
# unit_runs KEY: does what the unit $OE_DIR/c1.service has a service manager do
unit_runs() {
	bash -c "$(sed ':a; /\\$/{N; s/\\\n//; ba}' "$OE_DIR/c1.service" | sed -n "s|^$1=||; T; s|%t|$OE_DIR|g; s|%n|c1.service|g; s|/usr/bin/podman|pm|; p")"
}
systemd__unit_that_starts_and_stops() {
	podman create --name c1 --cgroup-parent "/$OE_CGROUP" --label from=unit --stop-signal KILL bb sleep 1000 >/dev/null
	podman generate systemd --new --name c1 >"$OE_DIR/c1.service"
	podman rm c1 >/dev/null
	unit_runs ExecStartPre
	notified unit_runs ExecStart >/dev/null
	eventually 5 grep -q READY=1 "$OE_DIR/notified"
	has monitor "$(<"$OE_DIR/notified")" "MAINPID=$(inspect c1 '{{.State.ConmonPid}}')"
	is label "$(inspect c1 '{{.Config.Labels.from}}')" unit
	unit_runs ExecStop >/dev/null
	unit_runs ExecStopPost >/dev/null
	kill "$LISTENER"
	refused podman container exists c1
}
systemd__readiness_told_by_the_container() {
	notified podman run -d --name c1 --cgroup-parent "/$OE_CGROUP" --sdnotify=container bb sleep 100 >/dev/null
	local pid at
	pid=$(pid_of c1)
	at=$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^NOTIFY_SOCKET=//p')
	[[ $at ]]
	perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Type => Socket::SOCK_DGRAM(), Peer => shift) or die $!; $s->send("READY=1\n") or die $!' \
		"/proc/$pid/root$at"
	eventually 5 grep -q READY=1 "$OE_DIR/notified"
	kill "$LISTENER"
}
