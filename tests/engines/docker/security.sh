# shellcheck shell=bash
# Docker: capabilities, seccomp, devices and other confinement.
source "$HERE/docker/setup.sh"

capability() { in_bb "${@:2}" bb awk "/^$1/{print \$2}" /proc/self/status; }

capabilities__default_set() {
	is effective "$(capability CapEff)" 00000000a80425fb
	is bounding "$(capability CapBnd)" 00000000a80425fb
}
capabilities__add_and_drop() {
	is none "$(capability CapEff --cap-drop ALL)" 0000000000000000
	is one "$(capability CapEff --cap-drop ALL --cap-add NET_ADMIN)" 0000000000001000
	is less "$(capability CapEff --cap-drop CHOWN)" 00000000a80425fa
}
capabilities__of_an_ordinary_user() {
	is effective "$(capability CapEff -u 1000)" 0000000000000000
	is bounding "$(capability CapBnd -u 1000)" 00000000a80425fb
}
capabilities__that_were_added_work() {
	refused in_bb bb ip link set lo mtu 1400
	in_bb --cap-add NET_ADMIN bb ip link set lo mtu 1400
	refused in_bb --cap-drop CHOWN bb chown 1:1 /tmp
}
capabilities__privileged() {
	# dockerd asks for every capability that it knows, which are those up to 37 for an old one; a machine may
	# withhold some from root itself.
	local has wanted
	has=$((16#$(awk '/CapBnd/{print $2}' /proc/self/status)))
	wanted=$((16#$(capability CapEff --privileged)))
	is effective "$((wanted & (1 << 38) - 1))" "$((has & (1 << 38) - 1))"
	in_bb --privileged bb sh -c 'mount -t tmpfs x /mnt && test -e /dev/kmsg && cd /proc/sys/kernel && echo $(cat msgmax) >msgmax'
	is unconfined "$(in_bb --privileged bb awk '/^Seccomp:/{print $2}' /proc/self/status)" 0
}
seccomp__default_profile() {
	is mode "$(in_bb bb awk '/^Seccomp:/{print $2}' /proc/self/status)" 2
	refused in_bb bb unshare -U true
	refused in_bb --cap-add SYS_TIME --cap-drop SYS_ADMIN bb unshare -m true
}
seccomp__unconfined() { is mode "$(in_bb --security-opt seccomp=unconfined bb awk '/^Seccomp:/{print $2}' /proc/self/status)" 0; }
seccomp__profile_of_the_user() {
	cat >"$OE_DIR/profile.json" <<-'EOF'
		{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86"],
		 "syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":99},
		             {"names":["personality"],"action":"SCMP_ACT_ERRNO",
		              "args":[{"index":0,"value":8,"op":"SCMP_CMP_EQ"}]}]}
	EOF
	has refused "$(in_bb --security-opt "seccomp=$OE_DIR/profile.json" bb mkdir /x 2>&1 || true)" "assign requested address"
	in_bb --security-opt "seccomp=$OE_DIR/profile.json" bb touch /x
}
seccomp__kill() {
	echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_KILL_PROCESS"}]}' \
		>"$OE_DIR/profile.json"
	is status "$(status_of docker run --rm --security-opt "seccomp=$OE_DIR/profile.json" bb mkdir /x)" 159
}
privileges__no_new_privileges() {
	is set "$(in_bb --security-opt no-new-privileges bb awk '/NoNewPrivs/{print $2}' /proc/self/status)" 1
	is unset "$(in_bb bb awk '/NoNewPrivs/{print $2}' /proc/self/status)" 0
}
privileges__masked_and_read_only_paths() {
	is masked "$(in_bb bb wc -c /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | awk '{sum += $1} END {print sum}' || true)" 0
	is directory "$(in_bb bb ls -A /proc/acpi /sys/firmware 2>/dev/null | grep -v : | grep -c . || true)" 0
	refused in_bb bb sh -c 'echo 1 >/proc/sys/vm/drop_caches'
	refused in_bb bb sh -c 'echo x >/sys/kernel/profiling'
	is unmasked "$(in_bb --security-opt systempaths=unconfined bb sh -c 'grep -c " /proc/sys " /proc/mounts' || true)" 0
}
devices__default_set() {
	is nodes "$(in_bb bb sh -c 'ls -A /dev | grep -v core | xargs')" \
		"fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero"
	in_bb bb sh -c 'head -c 4 /dev/urandom | wc -c && echo x >/dev/null && ! echo x 2>/dev/null >/dev/full'
}
devices__others_are_refused() {
	refused in_bb bb sh -c 'mknod /dev/own b 7 0 && head -c 1 /dev/own'
	refused in_bb bb sh -c 'mknod /dev/own c 1 11 && head -c 1 /dev/own'
}
devices__passed_in() {
	is number "$(in_bb --device /dev/net/tun bb stat -c '%t:%T' /dev/net/tun)" a:c8
	is renamed "$(in_bb --device /dev/zero:/dev/nul2:r bb sh -c 'head -c 3 /dev/nul2 | wc -c')" 3
	in_bb --device /dev/fuse:/dev/own:rw bb sh -c 'exec 3>/dev/own'
	refused in_bb --device /dev/fuse:/dev/own:r bb sh -c 'exec 3>/dev/own'
}
devices__rule() {
	local open='mknod /dev/own c 10 229; exec 3<>/dev/own'
	in_bb --device-cgroup-rule 'c 10:229 rmw' bb sh -c "$open"
	refused in_bb bb sh -c "$open"
}
sysctl__of_namespaces() {
	is net "$(in_bb --sysctl net.ipv4.ip_forward=0 bb cat /proc/sys/net/ipv4/ip_forward)" 0
	is ipc "$(in_bb --sysctl kernel.msgmax=1234 bb cat /proc/sys/kernel/msgmax)" 1234
	refused in_bb --sysctl kernel.panic=1 bb true
	is ports "$(in_bb --sysctl net.ipv4.ip_unprivileged_port_start=0 -u 1000 bb sh -c 'timeout 1 nc -l -p 80; echo $?')" 143
}
namespaces__of_the_host() {
	is pid "$(in_bb --pid host bb readlink /proc/self/ns/pid)" "$(readlink /proc/self/ns/pid)"
	is uts "$(in_bb --uts host bb hostname)" engines
	is ipc "$(in_bb --ipc host bb readlink /proc/self/ns/ipc)" "$(readlink /proc/self/ns/ipc)"
	is net "$(in_bb --net host bb readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
}
namespaces__of_another_container() {
	in_background c1 --ipc shareable bb sh -c 'echo data >/dev/shm/x; exec sleep 99'
	has pid "$(in_bb --pid container:c1 bb ps)" "sleep 99"
	is ipc "$(in_bb --ipc container:c1 bb cat /dev/shm/x)" data
	is net "$(in_bb --net container:c1 bb readlink /proc/self/ns/net)" "$(readlink "/proc/$(pid_of c1)/ns/net")"
}
namespaces__kill_with_a_shared_pid_namespace() {
	in_background c1 bb sleep 100
	in_background c2 --pid container:c1 bb sh -c 'sleep 88 & exec sleep 89'
	docker kill c2 >/dev/null
	eventually 5 state_is c2 exited
	is running "$(inspect c1 '{{.State.Running}}')" true
	docker rm -f c2 >/dev/null
	lacks children "$(docker top c1)" "sleep 88"
}
namespaces__kill_with_the_host_pid_namespace() {
	in_background c1 --pid host bb sh -c 'sleep 7654 & exec sleep 7655'
	docker rm -f c1 >/dev/null
	refused pgrep -f 'sleep 765[45]'
}
namespaces__new_ones_by_default() {
	local kind
	for kind in pid net ipc uts mnt; do
		[[ $(in_bb bb readlink /proc/self/ns/$kind) != "$(readlink /proc/self/ns/$kind)" ]]
	done
	is processes "$(in_bb bb sh -c 'echo /proc/[0-9]*')" /proc/1
}
