# shellcheck shell=bash
# Podman as root.
source "$HERE/podman/setup.sh"

run__output_status_and_input() {
	is output "$(in_bb bb echo hi)" hi
	is status "$(status_of in_bb bb sh -c 'exit 42')" 42
	is input "$(seq 100 | in_bb -i bb wc -l)" 100
}
run__program_that_cannot_run() {
	is missing "$(status_of in_bb bb nosuch)" 127
	is absolute "$(status_of in_bb bb /no/such)" 127
	is mode "$(status_of in_bb bb /etc/notes)" 126
	is directory "$(status_of in_bb bb /etc)" 126
	has message "$(in_bb bb nosuch 2>&1 || true)" 'executable file not found in $PATH'
}
run__user_directory_environment() {
	is user "$(in_bb -u u -w /tmp -e A=1 bb sh -c 'echo $(id -un) $(pwd) $A')" "u /tmp 1"
}
run__init_process() { in_bb --init bb true; }
run__read_only_and_tmpfs() {
	refused in_bb --read-only --read-only-tmpfs=false bb touch /x
	in_bb --read-only --tmpfs /scratch:size=1m bb touch /scratch/x
}
run__volumes() {
	in_bb -v vol:/data bb sh -c 'echo kept >/data/x'
	is kept "$(in_bb -v vol:/data:ro bb cat /data/x)" kept
	echo text >"$OE_DIR/f"
	is bind "$(in_bb -v "$OE_DIR/f:/etc/extra:ro" bb cat /etc/extra)" text
}
run__privileged() {
	in_bb --privileged bb mount -t tmpfs x /mnt
	is capabilities "$(in_bb --privileged bb awk '/CapEff/{print $2}' /proc/self/status)" \
		"$(awk '/CapBnd/{print $2}' /proc/self/status)"
}
run__capabilities_and_seccomp() {
	is none "$(in_bb --cap-drop all bb awk '/CapEff/{print $2}' /proc/self/status)" 0000000000000000
	is seccomp "$(in_bb bb awk '/^Seccomp:/{print $2}' /proc/self/status)" 2
	is unconfined "$(in_bb --security-opt seccomp=unconfined bb awk '/^Seccomp:/{print $2}' /proc/self/status)" 0
	is privileges "$(in_bb --security-opt no-new-privileges bb awk '/NoNewPrivs/{print $2}' /proc/self/status)" 1
}
run__limits() {
	in_background c1 -m 64m --pids-limit 44 --cpus 0.5 --ulimit nproc=1000:1000 --ulimit nofile=100:200 bb sleep 100
	is pids "$(find /sys/fs/cgroup -name pids.max -path "*$(inspect c1 '{{.Id}}')*" -exec cat {} + | head -n 1)" 44
	is nofile "$(podman exec c1 sh -c 'ulimit -n')" 100
}
run__out_of_memory() { is status "$(status_of in_bb -m 16m --memory-swap 16m bb sh -c 'exec tail /dev/zero')" 137; }
run__sysctl_devices_hostname() {
	is sysctl "$(in_bb --sysctl net.ipv4.ip_forward=0 bb cat /proc/sys/net/ipv4/ip_forward)" 0
	is device "$(in_bb --device /dev/fuse bb stat -c %t:%T /dev/fuse)" a:e5
	is hostname "$(in_bb --hostname box bb hostname)" box
}
run__networks() {
	is none "$(in_bb --net none bb sh -c 'ls /sys/class/net | xargs')" lo
	is host "$(in_bb --net host bb readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
	in_background c1 -p 127.0.0.1:8085:80 bb httpd -f -p 80 -h /srv
	eventually 5 wget -q -T 2 -O - http://127.0.0.1:8085/
	is container "$(in_bb --net container:c1 bb wget -q -O - http://127.0.0.1/)" "hello from the web"
}
run__without_cgroups() {
	is output "$(podman run --rm --cgroups=disabled bb echo ok)" ok
	is cgroup "$(podman run --rm --cgroups=disabled --cgroupns host bb cat /proc/self/cgroup)" "$(cat /proc/self/cgroup)"
}
run__preserved_descriptors() {
	is output "$(in_bb --preserve-fds 1 bb sh -c 'cat <&3' 3< <(echo passed))" passed
}
run__terminal() {
	local out
	out=$( (sleep 2; printf 'tty; stty size; exit 3\n'; sleep 1) |
		script -qec "stty cols 100 rows 30; pm run --rm -it bb sh; echo status \$?" /dev/null)
	has tty "$out" /dev/pts/0
	has size "$out" "30 100"
	has status "$out" "status 3"
}
life__create_start_wait_logs_restart() {
	podman create --name c1 bb sh -c 'echo one; exit 3' >/dev/null
	podman start c1 >/dev/null
	is wait "$(podman wait c1)" 3
	is logs "$(podman logs c1)" one
	podman start -a c1 >/dev/null || true
	is logs "$(podman logs c1 | wc -l)" 2
}
life__stop_kill_and_restart() {
	in_background c1 bb sh -c 'trap "exit 5" TERM; while :; do sleep 0.1; done'
	sleep 0.5
	podman stop -t 10 c1 >/dev/null
	is code "$(inspect c1 '{{.State.ExitCode}}')" 5
	podman start c1 >/dev/null
	podman kill c1 >/dev/null
	is code "$(podman wait c1)" 137
	podman restart -t 1 c1 >/dev/null
	state_is c1 running
}
life__pause_top_stats_rename_update() {
	in_background c1 bb sleep 100
	podman pause c1 >/dev/null
	state_is c1 paused
	podman unpause c1 >/dev/null
	has top "$(podman top c1 args)" "sleep 100"
	has stats "$(podman stats --no-stream --format '{{.Name}} {{.PIDS}}' c1)" "c1 1"
	podman rename c1 c2
	podman update --cpus 0.3 c2 >/dev/null
	has quota "$(find /sys/fs/cgroup -path "*$OE_CGROUP*" \( -name cpu.cfs_quota_us -o -name cpu.max \) -exec cat {} +)" 30000
}
life__exec() {
	in_background c1 bb sleep 100
	is output "$(podman exec -e A=1 -w /tmp -u u c1 sh -c 'echo $A $(pwd) $(id -un)')" "1 /tmp u"
	is status "$(status_of podman exec c1 sh -c 'exit 7')" 7
	is missing "$(status_of podman exec c1 nosuch)" 127
	is input "$(seq 9 | podman exec -i c1 wc -l)" 9
	has terminal "$(on_terminal "pm exec -it c1 tty")" /dev/pts/
	podman exec -d c1 touch /tmp/mark
	eventually 5 podman exec c1 test -e /tmp/mark
}
life__attach_cp_commit_diff() {
	in_background c1 bb sh -c 'while :; do echo tick; sleep 0.2; done'
	local status=0
	timeout 2 pm attach --sig-proxy=false c1 >"$OE_DIR/attached" || status=$?
	has tick "$(<"$OE_DIR/attached")" tick
	echo data >"$OE_DIR/f"
	podman cp "$OE_DIR/f" c1:/tmp/f
	is copied "$(podman exec c1 cat /tmp/f)" data
	podman commit -q c1 copied >/dev/null
	is committed "$(in_bb copied cat /tmp/f)" data
	podman rmi -f copied >/dev/null
}
life__healthcheck() {
	in_background c1 --health-cmd 'test -e /tmp/ok' --health-interval disable --health-retries 1 bb sleep 100
	refused podman healthcheck run c1
	podman exec c1 touch /tmp/ok
	podman healthcheck run c1
}
life__restart_policy() {
	in_background c1 --restart on-failure:2 bb sh -c 'echo run; exit 1'
	eventually 10 bash -c '[ $(pm logs c1 | grep -c run) = 3 ]'
}
pod__shared_namespaces() {
	podman pod create --name p1 --cgroup-parent "/$OE_CGROUP" -p 127.0.0.1:8086:80 >/dev/null
	podman run -d --pod p1 --name c1 bb httpd -f -p 80 -h /srv >/dev/null
	is page "$(podman run --rm --pod p1 bb wget -q -O - http://127.0.0.1/)" "hello from the web"
	eventually 5 wget -q -T 2 -O - http://127.0.0.1:8086/
	podman pod pause p1 >/dev/null
	podman pod unpause p1 >/dev/null
	podman pod restart -t 1 p1 >/dev/null || podman pod restart p1 >/dev/null
	podman pod stop -t 1 p1 >/dev/null
	podman pod rm -f p1 >/dev/null
}
pod__kube_play_and_generate() {
	cat >"$OE_DIR/pod.yaml" <<-'EOF'
		apiVersion: v1
		kind: Pod
		metadata: {name: kube}
		spec:
		  containers:
		  - name: web
		    image: localhost/bb:latest
		    imagePullPolicy: Never
		    command: ["httpd", "-f", "-p", "80", "-h", "/srv"]
		    resources: {limits: {memory: 64Mi}}
		  - name: side
		    image: localhost/bb:latest
		    imagePullPolicy: Never
		    command: ["sleep", "1000"]
	EOF
	podman play kube "$OE_DIR/pod.yaml" >/dev/null
	is page "$(podman exec kube-side wget -q -O - http://127.0.0.1/)" "hello from the web"
	has generated "$(podman generate kube kube)" "kind: Pod"
	has unit "$(podman generate systemd kube-side)" "ExecStart="
	podman play kube --down "$OE_DIR/pod.yaml" >/dev/null
}
userns__automatic() {
	is root "$(in_bb --userns=auto bb id -u)" 0
	lacks mapped "$(in_bb --userns=auto bb cat /proc/self/uid_map)" 4294967295
}
userns__explicit_mapping() {
	is map "$(in_bb --uidmap 0:100000:5000 --gidmap 0:100000:5000 bb cat /proc/self/uid_map | xargs)" "0 100000 5000"
	is owner "$(in_bb --uidmap 0:100000:5000 bb stat -c %u /etc/notes)" 0
}
build__run_steps() {
	mkdir -p "$OE_DIR/context"
	printf 'FROM localhost/bb\nRUN echo built >/result && id -u >>/result\nUSER 1000\nRUN id -u >/tmp/user\nCMD cat /result /tmp/user\n' >"$OE_DIR/context/Containerfile"
	podman build -q --isolation oci -t built "$OE_DIR/context" >/dev/null
	is output "$(in_bb built | xargs)" "built 0 1000"
	podman rmi -f built >/dev/null
}
build__buildah() {
	local container
	container=$(bm from localhost/bb)
	is run "$(bm run --isolation oci "$container" echo hi)" hi
	is status "$(status_of bm run --isolation oci "$container" sh -c 'exit 9')" 9
	has terminal "$(on_terminal "bm run --isolation oci -t $container tty")" /dev/pts/
	mkdir -p "$OE_DIR/context"
	bm run --isolation oci -v "$OE_DIR/context:/c:ro" "$container" test -d /c
	bm run --isolation oci --network none "$container" true
	bm rm "$container" >/dev/null
}
load__one_after_the_other() {
	local i begin=$EPOCHREALTIME
	for i in $(seq 15); do in_bb --net none bb true; done
	echo "measured: $(bc <<<"scale = 2; ($EPOCHREALTIME - $begin) / 1")"
}
load__many_at_once() {
	local i jobs=()
	for i in $(seq 12); do
		in_bb --net none bb echo "hi $i" >"$OE_DIR/many.$i" 2>"$OE_DIR/many.err.$i" &
		jobs+=($!)
	done
	for i in "${jobs[@]}"; do wait "$i"; done
	is output "$(cat "$OE_DIR"/many.? "$OE_DIR"/many.?? | sort -u | wc -l)" 12
	is left "$(podman ps -aq)" ""
}
end__nothing_is_left() {
	is containers "$(podman ps -aq)" ""
	is mounts "$(grep -c "$OE_DIR/root/overlay/.*/merged" /proc/self/mountinfo)" 0
	is cgroups "$(find /sys/fs/cgroup -type d -path "*/$OE_CGROUP/libpod-*")" ""
}
