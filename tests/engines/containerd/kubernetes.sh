# shellcheck shell=bash
# containerd's CRI plugin: what a kubelet does.
source "$HERE/containerd/pods.sh"

cri__version_and_conditions() {
	is name "$(rpc Version '{}' | jq -r .runtimeName)" containerd
	is ready "$(rpc Status '{}' | jq -c '[.status.conditions[].status]|all')" true
}
cri__pod_with_a_container() {
	pod p1
	container c1 'echo started; echo "host $(hostname)"; exit 5'
	eventually 10 state_is EXITED
	is code "$(status_of_container exitCode)" 5
	is log "$(log_of p1 c1 | xargs)" "started host p1"
}
cri__runtime_class_handlers() {
	pod p1 byname
	container c1 'exec sleep 100'
	is byname "$(answer 'echo ok')" ok
	pod p2 bypath
	container c2 'exec sleep 100'
	is bypath "$(answer 'echo ok')" ok
	refused pod p3 nosuch
}
cri__containers_of_a_pod_share_namespaces() {
	pod p1
	container c1 'echo data >/dev/shm/x; exec httpd -f -p 8080 -h /srv'
	container c2 'exec sleep 100'
	is ipc "$(answer 'cat /dev/shm/x')" data
	is net "$(answer 'wget -q -O - http://127.0.0.1:8080/')" "hello from the web"
	is dns "$(answer 'cat /etc/resolv.conf' | head -n 1)" "search cluster.local"
}
cri__shared_process_namespace() {
	pod p1 bypath '.linux.security_context.namespace_options.pid="POD"'
	container c1 'exec sleep 4321' '.config.linux.security_context.namespace_options.pid="POD"'
	container c2 'exec sleep 100' '.config.linux.security_context.namespace_options.pid="POD"'
	has seen "$(answer ps)" "sleep 4321"
}
cri__host_namespaces() {
	local filter='{network:"NODE",pid:"NODE",ipc:"NODE"}'
	# A kubelet names no host when the network is the host's.
	pod p1 bypath ".hostname=\"\" | .linux.security_context.namespace_options=$filter"
	container c1 'exec sleep 100' ".config.linux.security_context.namespace_options=$filter"
	is net "$(answer 'readlink /proc/self/ns/net')" "$(readlink /proc/self/ns/net)"
	is pid "$(answer 'readlink /proc/self/ns/pid')" "$(readlink /proc/self/ns/pid)"
}
cri__pods_reach_each_other() {
	pod p1
	container c1 'exec httpd -f -p 80 -h /srv'
	local address
	address=$(rpc PodSandboxStatus "{\"pod_sandbox_id\":\"$POD\"}" | jq -r .status.network.ip)
	pod p2
	container c2 'exec sleep 100'
	is page "$(answer "wget -q -O - http://$address/")" "hello from the web"
}
cri__host_port() {
	pod p1 bypath '.port_mappings=[{protocol:"TCP",container_port:80,host_port:8089}]'
	container c1 'exec httpd -f -p 80 -h /srv'
	local address
	address=$(ip -o -4 addr show cni0 | awk '{sub("/.*","",$4); print $4}')
	is page "$(wget -q -T 5 -O - "http://$address:8089/")" "hello from the web"
}
cri__resources_and_update() {
	pod p1
	container c1 'exec sleep 100' '.config.linux.resources={memory_limit_in_bytes:67108864,cpu_shares:300,cpu_quota:20000,cpu_period:50000,oom_score_adj:500}'
	is oom "$(answer 'cat /proc/1/oom_score_adj')" 500
	local memory
	memory=$(find /sys/fs/cgroup -path "*$OE_CGROUP/kube/$CONTAINER/memory.*" \( -name memory.limit_in_bytes -o -name memory.max \) | head -n 1)
	is memory "$(<"$memory")" 67108864
	rpc UpdateContainerResources "{\"container_id\":\"$CONTAINER\",\"linux\":{\"memory_limit_in_bytes\":134217728}}" >/dev/null
	is updated "$(<"$memory")" 134217728
	has stats "$(rpc ContainerStats "{\"container_id\":\"$CONTAINER\"}")" workingSetBytes
}
cri__out_of_memory() {
	pod p1
	container c1 'head -c 200000000 /dev/zero | tail | wc -c; exit 9' '.config.linux.resources={memory_limit_in_bytes:16777216,memory_swap_limit_in_bytes:16777216}'
	eventually 15 state_is EXITED
	is reason "$(status_of_container reason)" OOMKilled
}
cri__security_context() {
	pod p1
	container c1 'exec sleep 100' '.config.linux.security_context+={run_as_user:{value:1000},run_as_group:{value:1000},supplemental_groups:[29],
		readonly_rootfs:true,no_new_privs:true,capabilities:{drop_capabilities:["ALL"],add_capabilities:["NET_BIND_SERVICE"]},
		seccomp:{profile_type:"RuntimeDefault"},masked_paths:["/proc/meminfo"],readonly_paths:["/proc/sys"]}'
	is ids "$(answer 'id -u; id -g; id -G' | xargs)" "1000 1000 1000 29"
	is status "$(answer 'awk "/NoNewPrivs|^Seccomp:|CapBnd/{print \$2}" /proc/self/status' | xargs)" "0000000000000400 1 2"
	is readonly "$(exec_sync 'touch /x' | jq .exitCode)" 1
	is masked "$(answer 'wc -c </proc/meminfo')" 0
}
cri__privileged() {
	pod p1 bypath '.linux.security_context.privileged=true'
	container c1 'exec sleep 100' '.config.linux.security_context.privileged=true'
	is capabilities "$(answer 'grep CapEff /proc/1/status')" "$(grep CapBnd /proc/self/status | sed s/Bnd/Eff/)"
	is writable "$(exec_sync 'mount -t tmpfs x /mnt && test -c /dev/null' | jq .exitCode)" 0
}
cri__mounts_and_devices() {
	mkdir -p "$OE_DIR/volume"
	echo text >"$OE_DIR/volume/f"
	pod p1
	container c1 'exec sleep 100' ".config.mounts=[{container_path:\"/v\",host_path:\"$OE_DIR/volume\",readonly:true},
		{container_path:\"/w\",host_path:\"$OE_DIR/volume\",propagation:\"PROPAGATION_PRIVATE\"}] |
		.config.devices=[{container_path:\"/dev/fuse\",host_path:\"/dev/fuse\",permissions:\"rwm\"}]"
	is read "$(answer 'cat /v/f')" text
	is readonly "$(exec_sync 'touch /v/x' | jq .exitCode)" 1
	is written "$(exec_sync 'touch /w/x' | jq .exitCode)" 0
	is device "$(answer 'stat -c %t:%T /dev/fuse')" a:e5
}
cri__sysctls() {
	pod p1 bypath '.linux.sysctls={"net.ipv4.ip_unprivileged_port_start":"80","kernel.shm_rmid_forced":"1"}'
	container c1 'exec sleep 100'
	is net "$(answer 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start')" 80
	is ipc "$(answer 'cat /proc/sys/kernel/shm_rmid_forced')" 1
}
cri__exec_timeout_and_status() {
	pod p1
	container c1 'exec sleep 100'
	is status "$(exec_sync 'exit 12' | jq .exitCode)" 12
	has timeout "$(rpc ExecSync "{\"container_id\":\"$CONTAINER\",\"cmd\":[\"sleep\",\"50\"],\"timeout\":1}" 2>&1 || true)" "timeout 1s exceeded"
}
cri__stop_with_grace_then_kill() {
	pod p1
	container c1 'trap "exit 3" TERM; while :; do sleep 0.1; done'
	sleep 0.5
	rpc StopContainer "{\"container_id\":\"$CONTAINER\",\"timeout\":10}" >/dev/null
	is graceful "$(status_of_container exitCode)" 3
	container c2 'trap "" TERM; while :; do sleep 0.1; done'
	rpc StopContainer "{\"container_id\":\"$CONTAINER\",\"timeout\":1}" >/dev/null
	is killed "$(status_of_container exitCode)" 137
}
cri__missing_program() {
	pod p1
	has message "$(container c1 x '.config.command=["/nosuch"]' 2>&1 || true)" "no such file or directory"
}
cri__containers_survive_restart_of_containerd() {
	pod p1
	container c1 'exec sleep 100'
	containerd_stops
	containerd_starts
	eventually 20 state_is RUNNING
	is exec "$(answer 'echo ok')" ok
}
cri__containers_survive_a_killed_containerd() {
	pod p1
	container c1 'exec sleep 100'
	containerd_stops -9
	containerd_starts
	eventually 20 state_is RUNNING
	is exec "$(answer 'echo ok')" ok
}
cri__killed_containerd_and_shim() {
	pod p1
	container c1 'exec sleep 100'
	local pid
	pid=$(pid_of_container)
	containerd_stops -9
	# All containers of a pod have one shim.
	kill -9 "$(awk '/^PPid/{print $2}' "/proc/$pid/status")"
	test -d "/proc/$pid"
	containerd_starts
	eventually 20 test ! -d "/proc/$pid"
	eventually 10 bash -c "cri $OE_DIR/c.sock ListContainers '{}' | jq -e '.containers[0].state != \"CONTAINER_RUNNING\"'"
	engine_reset
	is state "$(find "$OE_DIR/runtime-root/k8s.io" -mindepth 1 2>/dev/null)" ""
	pod p1
	container c1 'exec sleep 100'
	is exec "$(answer 'echo ok')" ok
}
cri__user_namespace_of_a_pod() {
	[[ $(containerd --version | awk '{print $3}') != 1.6* ]] || skip "containerd 1.6 knows no user namespaces of pods"
	local ids='.namespace_options.userns_options={mode:"POD",uids:[{host_id:200000,container_id:0,length:65536}],gids:[{host_id:200000,container_id:0,length:65536}]}'
	mkdir -p "$OE_DIR/volume"
	pod p1 bypath ".linux.security_context$ids"
	container c1 'exec sleep 100' ".config.linux.security_context$ids"
	is map "$(answer 'cat /proc/self/uid_map' | xargs)" "0 200000 65536"
	is owner "$(answer 'stat -c %u /etc/notes')" 0
	is host "$(stat -c %u "/proc/$(pid_of_container)")" 200000
}
cri__killed_process_and_another_attempt() {
	pod p1
	container c1 'exec sleep 100'
	kill -9 "$(pid_of_container)"
	eventually 10 state_is EXITED
	is code "$(status_of_container exitCode)" 137
	container c1 'exec sleep 100' '.config.metadata.attempt=1'
	is exec "$(answer 'echo ok')" ok
}
cri__many_pods_at_once() {
	local i jobs=()
	for i in $(seq 6); do
		(
			pod "p$i"
			container "c$i" 'exec sleep 100'
			is exec "$(answer 'hostname')" "p$i"
		) &
		jobs+=($!)
	done
	for i in "${jobs[@]}"; do wait "$i"; done
	is pods "$(rpc ListPodSandbox '{"filter":{"state":{"state":"SANDBOX_READY"}}}' | jq '.items|length')" 6
}
cri__nothing_is_left_when_the_pod_is_removed() {
	pod p1
	container c1 'exec sleep 100'
	engine_reset
	is state "$(find "$OE_DIR/runtime-root/k8s.io" -mindepth 1 2>/dev/null)" ""
	is cgroups "$(find /sys/fs/cgroup -path "*/$OE_CGROUP/kube/*" -type d)" ""
}
