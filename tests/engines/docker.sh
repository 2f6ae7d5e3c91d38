# shellcheck shell=bash
# Starts and stops a private dockerd. Sourced by run.sh; see lib.sh for the variables.

# Leaves out the client that other installations may have put before Debian's.
DOCKER=${DOCKER:-/usr/bin/docker}

engine_version() { echo "Docker $(dockerd --version | sed -E 's/^Docker version ([^,]+),.*/\1/')"; }

docker_configuration() { echo '{"live-restore": false}' >"$OE_DIR/daemon.json"; }

# dockerd_start DIR PROGRAM CGROUP [COMMAND...]: starts it through COMMAND and waits until it
# answers on DIR/docker.sock. PROGRAM is the name of a script in OE_DIR/bin that starts it again.
dockerd_start() {
	local dir=$1 program=$2 cgroup=$3
	shift 3
	# What a killed dockerd left makes the next one wait for a containerd that is gone.
	rm -rf "$dir/exec" "$dir/docker.pid" "$dir/docker.sock"
	cat >"$OE_DIR/bin/$program" <<-EOF
		#!/bin/bash
		exec $* dockerd --config-file $dir/daemon.json --data-root $dir/data --exec-root $dir/exec \\
		  --pidfile $dir/docker.pid -H unix://$dir/docker.sock \\
		  --add-runtime oci=$OE_RUNTIME --add-runtime other=$OE_RUNTIME --default-runtime oci \\
		  --cgroup-parent /$cgroup --storage-driver overlay2 --experimental --init-path /usr/bin/tini-static \\
		  --bip 198.18.0.1/24 --default-address-pool base=198.19.0.0/16,size=24 >>$dir/dockerd.log 2>&1
	EOF
	chmod +x "$OE_DIR/bin/$program"
	inside setsid -f "$program" </dev/null
	eventually 60 "$DOCKER" -H "unix://$dir/docker.sock" version || {
		tail -n 20 "$dir/dockerd.log" >&2
		return 1
	}
}

# load_images SOCKET: busybox as "bb", the web server as "web", and Debian if it was built
load_images() {
	local path='ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
	"$DOCKER" -H "$1" import -c 'CMD ["/bin/sh"]' -c 'ENV PATH=/bin:/sbin:/usr/bin:/usr/sbin' "$OE_IMAGES/rootfs.tar" bb:latest &&
		"$DOCKER" -H "$1" import -c 'ENTRYPOINT ["/web"]' "$OE_IMAGES/web.tar" web:latest || return 1
	[[ ! -e $OE_IMAGES/debian.tar ]] ||
		"$DOCKER" -H "$1" import -c 'CMD ["/bin/bash"]' -c "$path" "$OE_IMAGES/debian.tar" debian:latest
}

engine_start() {
	docker_configuration
	dockerd_start "$OE_DIR" start-dockerd "$OE_CGROUP" && load_images "unix://$OE_DIR/docker.sock" >/dev/null
}
