# shellcheck shell=bash
# containerd through ctr and the runc.v2 shim.
source "$HERE/containerd/setup.sh"

ctr__run_output_and_status() {
	is output "$(in_bb -- echo hi)" hi
	is status "$(status_of launch --rm "$BB" t1 sh -c 'exit 42')" 42
}
ctr__missing_program() {
	has message "$(in_bb -- nosuch 2>&1 || true)" 'executable file not found in $PATH'
	is tasks "$(ctr task ls -q)" ""
}
ctr__runtime_from_the_search_path() { is output "$(ctr run --rm "$BB" t1 echo hi)" hi; }
ctr__options_of_the_process() {
	is cwd "$(in_bb --cwd /tmp -- pwd)" /tmp
	is env "$(in_bb --env A=1 -- sh -c 'echo $A')" 1
}
ctr__privileged() {
	is capabilities "$(in_bb --privileged -- awk '/CapEff/{print $2}' /proc/self/status)" \
		"$(awk '/CapBnd/{print $2}' /proc/self/status)"
	in_bb --privileged -- mount -t tmpfs x /mnt
}
ctr__read_only_and_mounts() {
	refused in_bb --read-only -- touch /x
	echo text >"$OE_DIR/f"
	is bind "$(in_bb --mount "type=bind,src=$OE_DIR/f,dst=/etc/extra,options=rbind:ro" -- cat /etc/extra)" text
}
ctr__host_network_and_limits() {
	is net "$(in_bb --net-host -- readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
	background b1 --memory-limit $((64 << 20)) --cpu-quota 20000 --cpu-period 50000
	local dir
	for dir in "/sys/fs/cgroup/memory/$OE_CGROUP/b1/memory.limit_in_bytes" "/sys/fs/cgroup/$OE_CGROUP/b1/memory.max"; do
		[[ ! -e $dir ]] || is memory "$(<"$dir")" $((64 << 20))
	done
}
ctr__seccomp_and_no_new_privileges() {
	is seccomp "$(in_bb --seccomp -- awk '/^Seccomp:/{print $2}' /proc/self/status)" 2
	is privileges "$(in_bb --allow-new-privs -- awk '/NoNewPrivs/{print $2}' /proc/self/status)" 0
	is none "$(in_bb -- awk '/NoNewPrivs/{print $2}' /proc/self/status)" 1
}
ctr__joined_namespaces() {
	background b1
	is net "$(in_bb --with-ns "network:/proc/$(task_pid b1)/ns/net" -- readlink /proc/self/ns/net)" \
		"$(readlink "/proc/$(task_pid b1)/ns/net")"
	has pid "$(in_bb --with-ns "pid:/proc/$(task_pid b1)/ns/pid" -- ps)" "sleep 1000"
}
ctr__terminal() {
	local out
	out=$( (sleep 1.5; printf 'tty; stty size; exit 3\n'; sleep 1) |
		script -qec "stty cols 100 rows 30; ctr -a $OE_DIR/c.sock -n $OE_CGROUP run --rm -t --runc-binary $OE_RUNTIME $BB t1 sh; echo status \$?" /dev/null)
	has tty "$out" /dev/pts/0
	has size "$out" "30 100"
	has status "$out" "status 3"
}
ctr__exec() {
	background b1
	is output "$(ctr task exec --exec-id e1 b1 echo hi)" hi
	is status "$(status_of ctr task exec --exec-id e2 b1 sh -c 'exit 7')" 7
	is user "$(ctr task exec --exec-id e3 --user 12 b1 id -u)" 12
	is input "$(seq 9 | ctr task exec --exec-id e4 b1 wc -l)" 9
	has missing "$(ctr task exec --exec-id e5 b1 nosuch 2>&1 || true)" 'executable file not found in $PATH'
	has terminal "$(on_terminal "ctr -a $OE_DIR/c.sock -n $OE_CGROUP task exec -t --exec-id e6 b1 tty")" /dev/pts/
}
ctr__pause_and_resume() {
	background b1
	ctr task pause b1
	status_is b1 PAUSED
	ctr task resume b1
	status_is b1 RUNNING
}
ctr__kill_and_delete() {
	background b1
	ctr task kill -s KILL b1
	eventually 5 status_is b1 STOPPED
	ctr task delete b1 || true
	is tasks "$(ctr task ls -q)" ""
	has again "$(ctr task kill b1 2>&1 || true)" "not found"
}
ctr__kill_all() {
	launch -d "$BB" b1 sh -c 'sleep 1111 & sleep 1112'
	ctr task kill -a -s KILL b1
	eventually 5 status_is b1 STOPPED
	refused pgrep -xf 'sleep 1111'
}
ctr__processes_and_metrics() {
	background b1
	has ps "$(ctr task ps b1)" "$(task_pid b1)"
	has metrics "$(ctr task metrics b1)" pids
}
ctr__update_through_the_task_service() {
	background b1 --memory-limit $((64 << 20))
	# ctr has no command for it, so the runtime is called as the shim does.
	echo '{"pids":{"limit":55}}' | "$OE_RUNTIME" --root "$OE_DIR/ctr-root/$OE_CGROUP" --log /dev/null --log-format json update --resources=- b1
	is pids "$(cat "/sys/fs/cgroup/pids/$OE_CGROUP/b1/pids.max" "/sys/fs/cgroup/$OE_CGROUP/b1/pids.max" 2>/dev/null)" 55
}
ctr__killed_shim_leaves_nothing() {
	background b1
	local pid
	pid=$(task_pid b1)
	kill -9 "$(shim_of b1)"
	eventually 10 test ! -d "/proc/$pid"
	eventually 10 bash -c "! ls $OE_DIR/ctr-root/$OE_CGROUP 2>/dev/null | grep -q ."
}
ctr__restart_of_containerd_while_running() {
	background b1
	local pid
	pid=$(task_pid b1)
	containerd_stops
	containerd_starts
	is same "$(task_pid b1)" "$pid"
	is exec "$(ctr task exec --exec-id e1 b1 echo ok)" ok
}
ctr__killed_containerd_finds_its_containers() {
	background b1
	local pid
	pid=$(task_pid b1)
	containerd_stops -9
	is exec "$(nsenter -t "$pid" -m -p echo alive)" alive
	containerd_starts
	is same "$(task_pid b1)" "$pid"
	# ctr loses what a process wrote that ends before ctr has opened its output.
	is exec "$(ctr task exec --exec-id e1 b1 sh -c 'echo ok; sleep 0.5')" ok
	ctr task kill -s KILL b1
	eventually 5 status_is b1 STOPPED
}
ctr__killed_containerd_and_shim() {
	background b1
	local pid shim
	pid=$(task_pid b1) shim=$(shim_of b1)
	containerd_stops -9
	kill -9 "$shim"
	# The container does not depend on either of them; what finds it without a shim ends it.
	test -d "/proc/$pid"
	containerd_starts
	eventually 10 test ! -d "/proc/$pid"
	is state "$(find "$OE_DIR/ctr-root" -mindepth 2 -maxdepth 2 2>/dev/null)" ""
	is cgroups "$(find /sys/fs/cgroup -type d -path "*/$OE_CGROUP/b1")" ""
	ctr task rm -f b1 >/dev/null 2>&1 || true
	ctr container rm b1
	background b1
	is exec "$(ctr task exec --exec-id e1 b1 echo ok)" ok
}
ctr__many_one_after_the_other() {
	local i begin=$EPOCHREALTIME
	for i in $(seq 20); do in_bb -- true; done
	echo "measured: $(bc <<<"scale = 2; ($EPOCHREALTIME - $begin) / 1")"
	is left "$(ctr task ls -q)" ""
	is state "$(find "$OE_DIR/ctr-root" -mindepth 2 -maxdepth 2 2>/dev/null)" ""
}
ctr__many_at_once() {
	local i jobs=()
	for i in $(seq 10); do
		launch --rm "$BB" "m$i" echo "hi $i" >"$OE_DIR/many.$i" 2>&1 &
		jobs+=($!)
	done
	for i in "${jobs[@]}"; do wait "$i"; done
	is output "$(cat "$OE_DIR"/many.* | sort | uniq | wc -l)" 10
	is state "$(find "$OE_DIR/ctr-root" -mindepth 2 -maxdepth 2 2>/dev/null)" ""
}
