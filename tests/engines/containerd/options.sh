# shellcheck shell=bash
# The ways in which ctr starts containers, and what it tells of them.
source "$HERE/containerd/setup.sh"

limit_of() { # CONTAINER V1FILE V2FILE: what one of them says
	cat "/sys/fs/cgroup/$2" 2>/dev/null || cat "/sys/fs/cgroup/$OE_CGROUP/$1/$3"
}
# listen: writes down containerd's events until the scenario ends, sets LISTENER
listen() {
	(exec ctr -a "$OE_DIR/c.sock" -n "$OE_CGROUP" events) >"$OE_DIR/events" &
	LISTENER=$!
	sleep 0.5
}

ctr__capabilities() {
	is dropped "$(in_bb --cap-drop CAP_CHOWN -- awk '/CapEff/{print $2}' /proc/self/status)" 00000000a80425fa
	is added "$(in_bb --cap-add CAP_SYS_TIME -- awk '/CapEff/{print $2}' /proc/self/status)" 00000000aa0425fb
}
ctr__devices() {
	is device "$(in_bb --device /dev/fuse -- stat -c %t:%T /dev/fuse)" a:e5
	refused in_bb -- sh -c 'mknod /fuse c 10 229 && true </fuse'
}
ctr__environment_from_a_file() {
	printf 'A=1\nB=two words\n' >"$OE_DIR/env"
	is env "$(in_bb --env-file "$OE_DIR/env" -- sh -c 'echo "$A $B"')" "1 two words"
}
ctr__seccomp_profile_of_ones_own() {
	echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":22}]}' >"$OE_DIR/profile"
	has refused "$(in_bb --seccomp --seccomp-profile "$OE_DIR/profile" -- mkdir /x 2>&1 || true)" "Invalid argument"
}
ctr__limits() {
	background b1 --cpus 0.25 --cpu-shares 512 --memory-limit $((32 << 20))
	local quota weight
	quota=$(limit_of b1 "cpu/$OE_CGROUP/b1/cpu.cfs_quota_us" cpu.max)
	is quota "${quota%% *}" 25000
	weight=$(limit_of b1 "cpu/$OE_CGROUP/b1/cpu.shares" cpu.weight)
	[[ $weight == 512 || $weight == 20 || $weight == 59 ]]
	is memory "$(limit_of b1 "memory/$OE_CGROUP/b1/memory.limit_in_bytes" memory.max)" $((32 << 20))
}
ctr__out_of_memory_is_told() {
	listen
	is status "$(status_of launch --rm --memory-limit $((16 << 20)) "$BB" t1 sh -c 'exec tail /dev/zero')" 137
	local told=0
	eventually 5 grep -q '/tasks/oom' "$OE_DIR/events" || told=1
	kill "$LISTENER"
	return $told
}
ctr__user_namespace() {
	is map "$(in_bb --uidmap 0:200000:65536 --gidmap 0:200000:65536 -- sh -c 'cat /proc/self/uid_map; id -u; stat -c %u /etc/notes' | xargs)" "0 200000 65536 0 0"
	local pid
	background b1 --uidmap 0:200000:65536 --gidmap 0:200000:65536
	pid=$(task_pid b1)
	is owner "$(stat -c %u "/proc/$pid")" 200000
	is exec "$(ctr task exec --exec-id e1 b1 id -u)" 0
}
ctr__root_file_system_of_ones_own() {
	is output "$(launch --rm --read-only --rootfs "$OE_IMAGES/rootfs" t1 /bin/cat /srv/index.html)" "hello from the web"
}
ctr__without_pivot_root() { is output "$(in_bb --no-pivot -- cat /srv/index.html)" "hello from the web"; }
ctr__propagation_of_the_root() {
	has shared "$(in_bb --rootfs-propagation shared -- grep ' / / ' /proc/self/mountinfo)" "shared:"
}
ctr__default_cgroup() { is output "$(in_bb --cgroup "" -- echo hi)" hi; }
ctr__configuration_of_ones_own() {
	ctr container create --env A=mine "$BB" made echo
	ctr container info --spec made | jq --arg root "$OE_IMAGES/rootfs" \
		'.root={path:$root,readonly:true} | .process.args=["sh","-c","echo $A; sleep 0.5"]' >"$OE_DIR/spec.json"
	is output "$(launch --rm --config "$OE_DIR/spec.json" t1)" mine
}
ctr__pid_file() {
	background b1 --pid-file "$OE_DIR/pid"
	is pid "$(<"$OE_DIR/pid")" "$(task_pid b1)"
}
ctr__output_to_a_file() {
	launch -d --log-uri "file://$OE_DIR/log" "$BB" b1 sh -c 'echo logged; exec sleep 1000'
	eventually 5 grep -q logged "$OE_DIR/log"
}
ctr__created_then_started() {
	ctr container create "$BB" b1 cat /srv/index.html
	is output "$(ctr task start b1)" "hello from the web"
	ctr container rm b1
}
ctr__attach() {
	launch -d "$BB" b1 sh -c 'while :; do echo tick; sleep 0.2; done'
	timeout -s KILL 2 ctr -a "$OE_DIR/c.sock" -n "$OE_CGROUP" task attach b1 >"$OE_DIR/attached" || true
	has tick "$(<"$OE_DIR/attached")" tick
	status_is b1 RUNNING
}
ctr__attach_to_a_terminal() {
	local out
	printf 'while read -r line; do echo "got $line"; stty size; done' >"$OE_DIR/loop"
	on_terminal "ctr -a $OE_DIR/c.sock -n $OE_CGROUP run -d -t --runc-binary $OE_RUNTIME \
		--mount type=bind,src=$OE_DIR/loop,dst=/loop,options=rbind:ro $BB b1 sh /loop"
	out=$( (sleep 1; printf 'one\n'; sleep 1; printf '\004'; sleep 0.5) |
		script -qec "stty cols 91 rows 31; ctr -a $OE_DIR/c.sock -n $OE_CGROUP task attach b1" /dev/null)
	has input "$out" "got one"
	has size "$out" "31 91"
}
ctr__exec_detached_and_killed() {
	background b1
	ctr task exec -d --exec-id e1 b1 sleep 777
	eventually 5 bash -c "ctr -a $OE_DIR/c.sock -n $OE_CGROUP task exec --exec-id e\$RANDOM b1 ps | grep -q 'sleep 777'"
	ctr task kill --exec-id e1 -s KILL b1
	eventually 5 bash -c "! ctr -a $OE_DIR/c.sock -n $OE_CGROUP task exec --exec-id e\$RANDOM b1 ps | grep -q 'sleep 777'"
	status_is b1 RUNNING
}
ctr__exec_in_a_directory() {
	background b1 --env A=1
	is cwd "$(ctr task exec --exec-id e1 --cwd /tmp b1 sh -c 'pwd; echo $A' | xargs)" "/tmp 1"
}
ctr__killed_process_is_noticed() {
	background b1
	kill -9 "$(task_pid b1)"
	eventually 5 status_is b1 STOPPED
	has status "$(ctr task delete b1 2>&1 || echo "status $?")" 137
}
ctr__kill_while_paused() {
	background b1
	ctr task pause b1
	ctr task kill -s KILL b1
	eventually 5 status_is b1 STOPPED || {
		ctr task resume b1
		return 1
	}
}
ctr__events() {
	local topic
	listen
	is status "$(status_of launch --rm "$BB" t1 sh -c 'exit 3')" 3
	eventually 5 grep -q '/tasks/delete' "$OE_DIR/events" || true
	kill "$LISTENER"
	for topic in create start exit delete; do has event "$(<"$OE_DIR/events")" "/tasks/$topic"; done
	has status "$(grep /tasks/exit "$OE_DIR/events")" '"exit_status":3'
}
ctr__metrics() {
	background b1 --memory-limit $((64 << 20))
	local metrics
	metrics=$(ctr task metrics --format json b1)
	is pids "$(jq '.pids.current' <<<"$metrics")" 1
	is limit "$(jq '.memory.usage.limit // .memory.usage_limit' <<<"$metrics")" $((64 << 20))
}
ctr__shim_of_version_1() { is output "$(ctr run --rm --runtime io.containerd.runc.v1 "$BB" t1 echo hi)" hi; }
ctr__runtime_of_version_1() {
	is output "$(ctr run --rm --runtime io.containerd.runtime.v1.linux "$BB" t1 echo hi)" hi
}
ctr__checkpoint_and_restore() {
	criu check >/dev/null 2>&1 || skip "no CRIU that works with this kernel"
	launch -d "$BB" b1 sh -c 'i=0; while :; do i=$((i+1)); echo $i >/count; sleep 0.1; done'
	eventually 10 ctr task exec --exec-id e1 b1 test -s /count
	ctr task checkpoint --image-path "$OE_DIR/cp" b1
	test -e "$OE_DIR/cp/inventory.img"
	# What runs goes on as another container, from where it was.
	local before after
	before=$(ctr task exec --exec-id e2 b1 cat /count)
	ctr container checkpoint --rw --image --task b1 docker.io/local/saved:1
	ctr task rm -f b1
	ctr container rm b1
	ctr container restore --rw --live b2 docker.io/local/saved:1
	eventually 10 status_is b2 RUNNING
	sleep 1
	after=$(ctr task exec --exec-id e3 b2 cat /count)
	((after > before && after < before + 200))
}
