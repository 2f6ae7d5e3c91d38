# shellcheck shell=bash
# contrib/install-runtime.sh edits the files that engines read without further words.
INSTALL=$HERE/../../contrib/install-runtime.sh
DOCKER=${DOCKER:-/usr/bin/docker}

engine_reset() {
	local engine
	daemon_stop
	for engine in docker containerd podman; do "$INSTALL" "$engine" --undo >/dev/null; done
}
# daemon COMMAND...: in the background, until daemon_stop or the end of the scenario
daemon() {
	"$@" >"$OE_DIR/daemon.log" 2>&1 &
	echo $! >"$OE_DIR/daemon.pid"
}
daemon_stop() {
	[[ -s $OE_DIR/daemon.pid ]] || return 0
	kill "$(<"$OE_DIR/daemon.pid")" || true
	eventually 20 test ! -d "/proc/$(<"$OE_DIR/daemon.pid")"
	rm -f "$OE_DIR/daemon.pid"
}
docker() { DOCKER_HOST=unix://$OE_DIR/docker.sock "$DOCKER" "$@"; }
docker_start() {
	daemon dockerd --data-root "$OE_DIR/data" --exec-root "$OE_DIR/exec" --pidfile "$OE_DIR/docker.pid" -H "unix://$OE_DIR/docker.sock" \
		--cgroup-parent "/$OE_CGROUP" --storage-driver overlay2 --bridge none
	eventually 40 answers
}
answers() { docker version; }
default_is() { [[ $(docker info --format '{{.DefaultRuntime}}') == "$1" ]]; }

install__docker() {
	docker_start
	"$INSTALL" docker --default
	kill -HUP "$(<"$OE_DIR/daemon.pid")"
	eventually 10 default_is ocirun
	is path "$(docker info --format '{{.Runtimes.ocirun.Path}}')" "$OE_DIR/bin/ocirun"
	docker import "$OE_IMAGES/rootfs.tar" bb >/dev/null
	is output "$(docker run --rm --net none bb echo hi)" hi
	is runtime "$(docker inspect -f '{{.HostConfig.Runtime}}' "$(docker create bb true)")" ocirun
	has undo "$("$INSTALL" docker --undo)" "systemctl restart docker"
	daemon_stop
	docker_start
	default_is runc
}
install__containerd() {
	"$INSTALL" containerd
	sed -i "1iroot = \"$OE_DIR/root\"\nstate = \"$OE_DIR/state\"" /etc/containerd/config.toml
	daemon containerd --address "$OE_DIR/c.sock"
	eventually 40 ctr -a "$OE_DIR/c.sock" version
	has runtime "$(containerd config dump | grep -A 20 'runtimes.ocirun.options')" "BinaryName = \"$OE_DIR/bin/ocirun\""
}
install__containerd_of_version_1() {
	echo 'root = "/elsewhere"' >/etc/containerd/config.toml
	"$INSTALL" containerd
	has runtime "$(containerd config dump | grep -A 20 'runtimes.ocirun.options')" "BinaryName = \"$OE_DIR/bin/ocirun\""
	"$INSTALL" containerd --undo
	is text "$(</etc/containerd/config.toml)" 'root = "/elsewhere"'
	rm /etc/containerd/config.toml
}
install__containerd_that_cannot_read_it() {
	printf 'version = 2\nplugins."io.containerd.grpc.v1.cri".containerd.runtimes = {}\n' | tee "$OE_DIR/before" >/etc/containerd/config.toml
	refused "$INSTALL" containerd
	cmp /etc/containerd/config.toml "$OE_DIR/before"
	is files "$(ls -A /etc/containerd)" config.toml
	rm /etc/containerd/config.toml
}
install__podman() {
	"$INSTALL" podman --default
	podman() { command podman --root "$OE_DIR/r" --runroot "$OE_DIR/rr" --tmpdir "$OE_DIR/t" --cgroup-manager cgroupfs "$@"; }
	is chosen "$(podman info -f '{{.Host.OCIRuntime.Name}} {{.Host.OCIRuntime.Path}}')" "ocirun $OE_DIR/bin/ocirun"
	podman import "$OE_IMAGES/rootfs.tar" bb >/dev/null 2>&1
	is output "$(podman run --rm --net none --cgroup-parent "/$OE_CGROUP" bb echo hi)" hi
	is missing "$(status_of podman run --rm --net none --cgroup-parent "/$OE_CGROUP" bb nosuch)" 127
	"$INSTALL" podman --undo
	is files "$(ls -A /etc/containers/containers.conf.d 2>/dev/null)" ""
	lacks chosen "$(podman info -f '{{.Host.OCIRuntime.Name}}')" ocirun
}
