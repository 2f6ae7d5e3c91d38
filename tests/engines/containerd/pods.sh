# shellcheck shell=bash
# What the scenarios of the CRI plugin have in common. Sourced by them.
rpc() { cri "$OE_DIR/c.sock" "$@"; }

pod_config() { # NAME [JQ FILTER]
	jq -nc --arg name "$1" --arg logs "$OE_DIR/logs/$1" --arg parent "/$OE_CGROUP/kube" \
		'{metadata:{name:$name,uid:("uid-"+$name),namespace:"default",attempt:0},hostname:$name,log_directory:$logs,
		  dns_config:{servers:["198.18.90.1"],searches:["cluster.local"]},
		  linux:{cgroup_parent:$parent,security_context:{namespace_options:{pid:"CONTAINER"}}}}' | jq -c "${2:-.}"
}
# pod NAME [HANDLER] [FILTER]: starts a pod, sets POD and POD_CONFIG
pod() {
	mkdir -p "$OE_DIR/logs/$1"
	POD_CONFIG=$(pod_config "$1" "${3:-.}")
	POD=$(jq -nc --argjson c "$POD_CONFIG" --arg h "${2:-bypath}" '{config:$c,runtime_handler:$h}' | rpc RunPodSandbox | jq -r .podSandboxId)
}
# container NAME COMMAND [FILTER]: creates and starts one in POD, sets CONTAINER
container() {
	CONTAINER=$(jq -nc --arg pod "$POD" --argjson pc "$POD_CONFIG" --arg name "$1" --arg command "$2" \
		'{pod_sandbox_id:$pod,sandbox_config:$pc,config:{metadata:{name:$name,attempt:0},
		  image:{image:"docker.io/local/bb:latest"},command:["sh","-c",$command],log_path:($name+".log"),
		  linux:{security_context:{namespace_options:{pid:"CONTAINER"}}}}}' | jq -c "${3:-.}" | rpc CreateContainer | jq -r .containerId)
	jq -nc --arg id "$CONTAINER" '{container_id:$id}' | rpc StartContainer >/dev/null
}
exec_sync() { # COMMAND
	jq -nc --arg id "$CONTAINER" --arg c "$1" '{container_id:$id,cmd:["sh","-c",$c],timeout:20}' | rpc ExecSync
}
answer() { exec_sync "$1" | jq -r '.stdout|@base64d'; }
status_of_container() { rpc ContainerStatus "{\"container_id\":\"$CONTAINER\"}" | jq -r ".status.$1"; }
state_is() { [[ $(status_of_container state) == "CONTAINER_$1" ]]; }
# pid_of_container: as containerd sees it
pid_of_container() { rpc ContainerStatus "{\"container_id\":\"$CONTAINER\",\"verbose\":true}" | jq -r '.info.info|fromjson.pid'; }
log_of() { cut -d' ' -f4- "$OE_DIR/logs/$1/$2.log"; }
engine_reset() {
	local id
	for id in $(rpc ListPodSandbox '{}' | jq -r '.items[].id'); do
		rpc StopPodSandbox "{\"pod_sandbox_id\":\"$id\"}" >/dev/null || true
		rpc RemovePodSandbox "{\"pod_sandbox_id\":\"$id\"}" >/dev/null || true
	done
}
# containerd_stops [-9]: waits until it is gone
containerd_stops() {
	local old
	old=$(<"$OE_DIR/containerd.pid")
	kill "$@" "$old"
	eventually 20 test ! -d "/proc/$old"
}
containerd_starts() {
	setsid -f start-containerd </dev/null >/dev/null 2>&1
	eventually 40 rpc Version '{}'
}
