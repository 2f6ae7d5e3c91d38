# shellcheck shell=bash
# Podman as an ordinary user: what it asks of the runtime beyond the first steps.
PM=pu
source "$HERE/podman/setup.sh"
in_bb() { podman run --rm --net none "$@"; }
in_background() {
	local name=$1
	shift
	podman run -d --net none --name "$name" "$@" >/dev/null
}
# own TEXT: a directory of the user's, for builds
own_context() {
	rm -rf "$OE_DIR/home/context"
	mkdir -p "$OE_DIR/home/context"
	cat >"$OE_DIR/home/context/Containerfile"
	chown -R 4711:4711 "$OE_DIR/home/context"
}

rootless__user_namespaces() {
	is keep "$(in_bb --userns keep-id bb sh -c 'id -u; id -g' | xargs)" "4711 4711"
	is nomap "$(in_bb --userns nomap bb awk '$2 == 4711 || $2 == 0 {n++} END{print n+0}' /proc/self/uid_map)" 0
	is auto "$(in_bb --userns auto:size=500 bb awk '{n += $3} END{print n}' /proc/self/uid_map)" 500
	is explicit "$(in_bb --uidmap 0:1:100 --gidmap 0:1:100 bb sh -c 'awk "{print \$1, \$2, \$3}" /proc/self/uid_map; stat -c %u /etc/notes' | xargs)" "0 1 100 0"
	is owner "$(in_bb --userns keep-id -v "$OE_DIR/home:/h" bb sh -c 'touch /h/kept; stat -c %u /h/kept')" 4711
	is outside "$(stat -c %u "$OE_DIR/home/kept")" 4711
}
rootless__volumes() {
	echo text >"$OE_DIR/home/f"
	chown 4711:4711 "$OE_DIR/home/f"
	is read "$(in_bb -v "$OE_DIR/home/f:/f:ro" bb cat /f)" text
	refused in_bb -v "$OE_DIR/home/f:/f:ro" bb sh -c 'echo x >/f'
	mkdir -p "$OE_DIR/home/v"
	chown 4711:4711 "$OE_DIR/home/v"
	is given "$(in_bb -u 1000 -v "$OE_DIR/home/v:/v:U" bb sh -c 'touch /v/x; stat -c %u /v')" 1000
	is subordinate "$(stat -c %u "$OE_DIR/home/v")" 2000999
	is overlay "$(in_bb -v "$OE_DIR/home/f:/f:ro" --tmpfs /t:size=1m bb df -k /t | awk 'END{print $2}')" 1024
	is shm "$(in_bb --shm-size 2m bb df -k /dev/shm | awk 'END{print $2}')" 2048
}
rootless__namespaces() {
	is pid "$(in_bb --pid host bb readlink /proc/self/ns/pid)" "$(readlink /proc/self/ns/pid)"
	is uts "$(in_bb --uts host bb hostname)" "$(hostname)"
	is net "$(podman run --rm --net host bb readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
	in_background c1 bb sleep 1234
	has joined "$(in_bb --pid container:c1 bb ps)" "sleep 1234"
	is netns "$(podman run --rm --net container:c1 bb readlink /proc/self/ns/net)" "$(readlink "/proc/$(pid_of c1)/ns/net")"
}
rootless__published_port() {
	podman run -d --name c1 --net slirp4netns -p 127.0.0.1:8087:80 bb httpd -f -p 80 -h /srv >/dev/null
	eventually 10 wget -q -T 2 -O - http://127.0.0.1:8087/
}
rootless__privileged_and_devices() {
	is capabilities "$(in_bb --privileged bb awk '/CapEff/{print $2}' /proc/self/status)" "$(in_bb --privileged bb awk '/CapBnd/{print $2}' /proc/self/status)"
	is device "$(in_bb --device /dev/fuse bb stat -c %t:%T /dev/fuse)" a:e5
	is dropped "$(in_bb --cap-drop all bb awk '/CapEff/{print $2}' /proc/self/status)" 0000000000000000
	is privileges "$(in_bb --security-opt no-new-privileges bb awk '/NoNewPrivs/{print $2}' /proc/self/status)" 1
	is sysctl "$(in_bb --sysctl kernel.shm_rmid_forced=1 bb cat /proc/sys/kernel/shm_rmid_forced)" 1
}
rootless__exec() {
	in_background c1 bb sleep 100
	is output "$(podman exec -e A=1 -w /tmp -u u c1 sh -c 'echo $A $(pwd) $(id -un)')" "1 /tmp u"
	is input "$(seq 9 | podman exec -i c1 wc -l)" 9
	is missing "$(status_of podman exec c1 nosuch)" 127
	has terminal "$(on_terminal "pu exec -it c1 tty")" /dev/pts/
	is privileged "$(podman exec --privileged c1 sh -c 'mount -t tmpfs x /mnt && echo mounted')" mounted
}
rootless__exec_in_another_user_namespace() {
	in_background c1 --userns auto bb sleep 100
	is id "$(podman exec c1 id -u)" 0
	is user "$(podman exec -u 7 c1 id -u)" 7
	in_background c2 --userns keep-id bb sleep 100
	is kept "$(podman exec c2 id -u)" 4711
}
rootless__top_logs_stats_cp_commit() {
	in_background c1 bb sh -c 'echo started; exec sleep 765'
	has top "$(podman top c1 args)" "sleep 765"
	eventually 5 bash -c 'pu logs c1 | grep -q started'
	podman exec c1 sh -c 'echo data >/tmp/f'
	podman cp c1:/tmp/f "$OE_DIR/home/copied"
	is copied "$(<"$OE_DIR/home/copied")" data
	podman commit -q c1 committed >/dev/null
	is committed "$(in_bb committed cat /tmp/f)" data
	podman rmi -f committed >/dev/null
}
rootless__healthcheck_and_init() {
	in_background c1 --init --health-cmd 'test -e /tmp/ok' --health-interval disable --health-retries 1 bb sleep 100
	refused podman healthcheck run c1
	podman exec c1 touch /tmp/ok
	podman healthcheck run c1
}
rootless__kube_play() {
	cat >"$OE_DIR/home/pod.yaml" <<-'EOF'
		apiVersion: v1
		kind: Pod
		metadata: {name: kube}
		spec:
		  containers:
		  - name: web
		    image: docker.io/local/bb:latest
		    imagePullPolicy: Never
		    command: ["httpd", "-f", "-p", "80", "-h", "/srv"]
		  - name: side
		    image: docker.io/local/bb:latest
		    imagePullPolicy: Never
		    command: ["sleep", "1000"]
	EOF
	cat >"$OE_DIR/home/pause" <<-'EOF'
		FROM docker.io/local/bb
		ENTRYPOINT ["sleep", "1000"]
	EOF
	podman build -q -f "$OE_DIR/home/pause" --isolation oci --network none -t localhost/pause:latest "$OE_DIR/home" >/dev/null
	podman play kube --network none "$OE_DIR/home/pod.yaml" >/dev/null
	is page "$(podman exec kube-side wget -q -O - http://127.0.0.1/)" "hello from the web"
	podman play kube --down "$OE_DIR/home/pod.yaml" >/dev/null
}
rootless__build_with_steps() {
	own_context <<-'EOF'
		FROM docker.io/local/bb
		RUN --mount=type=cache,target=/cache echo kept >/cache/x && cat /cache/x >/result
		USER 1000
		RUN id -u >/tmp/user
		CMD cat /result /tmp/user
	EOF
	podman build -q --isolation oci --network none -t built "$OE_DIR/home/context" >/dev/null
	is result "$(in_bb built | xargs)" "kept 1000"
	podman rmi -f built >/dev/null
}
rootless__pause_where_cgroups_can() {
	in_background c1 bb sleep 100
	podman pause c1 >/dev/null 2>"$OE_DIR/refused" || skip "no cgroup of the user's own: $(tail -n 1 "$OE_DIR/refused")"
	state_is c1 paused
	podman unpause c1 >/dev/null
}
rootless__many_at_once() {
	local i jobs=()
	for i in $(seq 8); do
		in_bb bb echo "hi $i" >"$OE_DIR/own.$i" 2>"$OE_DIR/own.err.$i" &
		jobs+=($!)
	done
	for i in "${jobs[@]}"; do wait "$i"; done
	is output "$(cat "$OE_DIR"/own.[0-9] | sort -u | wc -l)" 8
	is left "$(podman ps -aq)" ""
}
