# shellcheck shell=bash
# CRI's streams, which kubectl exec, attach and port-forward use, and its statistics.
source "$HERE/containerd/pods.sh"

# exec_url COMMAND [FILTER]: prepares an exec in CONTAINER
exec_url() {
	jq -nc --arg id "$CONTAINER" --arg c "$1" '{container_id:$id,cmd:["sh","-c",$c],stdout:true,stderr:true}' |
		jq -c "${2:-.}" | rpc Exec | jq -r .url
}

cri__exec_stream() {
	pod p1
	container c1 'exec sleep 100'
	is output "$(cri stream "$(exec_url 'echo out; echo err >&2')" 2>"$OE_DIR/err")" out
	is errors "$(<"$OE_DIR/err")" err
	is status "$(status_of cri stream "$(exec_url 'exit 7')")" 7
	is input "$(seq 9 | cri stream "$(exec_url 'head -n 9 | wc -l' .stdin=true)")" 9
	is much "$(cri stream "$(exec_url 'head -c 3000000 /dev/zero')" | wc -c)" 3000000
	has missing "$(cri stream "$(exec_url x '.cmd=["nosuch"]')" 2>&1 || true)" 'executable file not found in $PATH'
}
cri__exec_stream_with_a_terminal() {
	pod p1
	container c1 'exec sleep 100'
	local out
	out=$(cri stream "$(exec_url 'tty; sleep 1; stty size; exit 3' '.tty=true|.stderr=false|.stdin=true')" 91x31 || echo "status $?")
	has terminal "$out" /dev/pts/
	has size "$out" "31 91"
	has status "$out" "status 3"
}
cri__attach_stream() {
	pod p1
	container c1 'while read -r line; do echo "got $line"; [ "$line" != end ] || exit 4; done' '.config.stdin=true'
	local url
	url=$(rpc Attach "{\"container_id\":\"$CONTAINER\",\"stdin\":true,\"stdout\":true}" | jq -r .url)
	is output "$( (sleep 0.5; echo one; echo end) | cri stream "$url" | xargs)" "got one got end"
	eventually 10 state_is EXITED
	is code "$(status_of_container exitCode)" 4
}
cri__attach_stream_with_a_terminal() {
	pod p1
	container c1 'while read -r line; do echo "got $line"; stty size; done' '.config.stdin=true|.config.tty=true'
	local url out
	url=$(rpc Attach "{\"container_id\":\"$CONTAINER\",\"stdin\":true,\"stdout\":true,\"tty\":true}" | jq -r .url)
	out=$( (sleep 1; echo one; sleep 1; printf '\004') | timeout 5 cri stream "$url" 91x31)
	has output "$out" "got one"
	has size "$out" "31 91"
}
cri__port_forward() {
	pod p1
	container c1 'exec httpd -f -p 8080 -h /srv'
	local url
	url=$(rpc PortForward "{\"pod_sandbox_id\":\"$POD\",\"port\":[8080]}" | jq -r .url)
	sleep 0.5
	has page "$( (printf 'GET / HTTP/1.0\r\n\r\n'; sleep 1) | timeout 5 cri forward "$url" 8080)" "hello from the web"
}
cri__log_of_a_terminal_and_reopened() {
	pod p1
	container c1 'tty; while :; do echo tick; sleep 0.1; done' '.config.tty=true'
	eventually 5 grep -q /dev/pts/ "$OE_DIR/logs/p1/c1.log"
	mv "$OE_DIR/logs/p1/c1.log" "$OE_DIR/logs/p1/c1.old"
	rpc ReopenContainerLog "{\"container_id\":\"$CONTAINER\"}" >/dev/null
	eventually 5 grep -q tick "$OE_DIR/logs/p1/c1.log"
}
cri__statistics() {
	pod p1
	container c1 'exec sleep 100'
	is container "$(rpc ListContainerStats '{}' | jq -r '.stats[0].attributes.id')" "$CONTAINER"
	rpc ContainerStats "{\"container_id\":\"$CONTAINER\"}" | jq -e '.stats.cpu.usageCoreNanoSeconds.value|tonumber > 0'
	rpc PodSandboxStats "{\"pod_sandbox_id\":\"$POD\"}" | jq -e '.stats.linux.containers|length == 1'
}
cri__seccomp_profile_of_a_node() {
	echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}' >"$OE_DIR/profile.json"
	pod p1
	container c1 'exec sleep 100' ".config.linux.security_context.seccomp={profile_type:\"Localhost\",localhost_ref:\"$OE_DIR/profile.json\"}"
	is mode "$(answer 'awk "/^Seccomp:/{print \$2}" /proc/1/status')" 2
	is mkdir "$(exec_sync 'mkdir /x' | jq .exitCode)" 1
}
cri__processors_and_swap() {
	pod p1
	container c1 'exec sleep 100' '.config.linux.resources={cpuset_cpus:"0",memory_limit_in_bytes:67108864,memory_swap_limit_in_bytes:67108864}'
	is list "$(answer 'awk "/Cpus_allowed_list/{print \$2}" /proc/self/status')" 0
	rpc UpdateContainerResources "{\"container_id\":\"$CONTAINER\",\"linux\":{\"cpuset_cpus\":\"1\",\"cpu_shares\":400}}" >/dev/null
	is updated "$(answer 'awk "/Cpus_allowed_list/{print \$2}" /proc/self/status')" 1
}
cri__every_propagation() {
	local mode at=$OE_DIR/shared
	mkdir -p "$at"
	mountpoint -q "$at" || mount -t tmpfs shared "$at"
	mount --make-shared "$at"
	pod p1 bypath '.linux.security_context.privileged=true'
	container c1 'exec sleep 100' ".config.mounts=[{container_path:\"/private\",host_path:\"$at\",propagation:\"PROPAGATION_PRIVATE\"},
		{container_path:\"/slave\",host_path:\"$at\",propagation:\"PROPAGATION_HOST_TO_CONTAINER\"},
		{container_path:\"/shared\",host_path:\"$at\",propagation:\"PROPAGATION_BIDIRECTIONAL\"}] |
		.config.linux.security_context.privileged=true"
	mkdir -p "$at/later" "$at/inside"
	mount -t tmpfs later "$at/later"
	answer 'mount -t tmpfs inside /shared/inside'
	is seen "$(answer 'for m in private slave shared; do grep -c " /$m/later " /proc/self/mountinfo; done' | xargs)" "0 1 1"
	is outside "$(grep -c " $at/inside " /proc/self/mountinfo)" 1
	umount "$at/later" "$at/inside"
}
