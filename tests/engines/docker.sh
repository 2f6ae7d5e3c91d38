# shellcheck shell=bash
# Starts and stops a private dockerd. Sourced by run.sh; see lib.sh for the variables.

# Leaves out the client that other installations may have put before Debian's.
DOCKER=${DOCKER:-/usr/bin/docker}

engine_version() { echo "Docker $(dockerd --version | sed -E 's/^Docker version ([^,]+),.*/\1/')"; }

docker_configuration() { echo '{"live-restore": false}' >"$OE_DIR/daemon.json"; }

engine_start() {
	# What a killed dockerd left makes the next one wait for a containerd that is gone.
	rm -rf "$OE_DIR/exec" "$OE_DIR/docker.pid" "$OE_DIR/docker.sock"
	docker_configuration
	cat >"$OE_DIR/bin/start-dockerd" <<-EOF
		#!/bin/bash
		exec dockerd --config-file $OE_DIR/daemon.json --data-root $OE_DIR/data --exec-root $OE_DIR/exec \\
		  --pidfile $OE_DIR/docker.pid -H unix://$OE_DIR/docker.sock \\
		  --add-runtime oci=$OE_RUNTIME --add-runtime other=$OE_RUNTIME --default-runtime oci \\
		  --cgroup-parent /$OE_CGROUP --storage-driver overlay2 --experimental --init-path /usr/bin/tini-static \\
		  --bip 198.18.0.1/24 --default-address-pool base=198.19.0.0/16,size=24 >>$OE_DIR/dockerd.log 2>&1
	EOF
	chmod +x "$OE_DIR/bin/start-dockerd"
	inside setsid -f start-dockerd </dev/null
	export DOCKER_HOST=unix://$OE_DIR/docker.sock
	eventually 40 "$DOCKER" version || {
		tail -n 20 "$OE_DIR/dockerd.log" >&2
		return 1
	}
	"$DOCKER" import -c 'CMD ["/bin/sh"]' -c 'ENV PATH=/bin:/sbin:/usr/bin:/usr/sbin' \
		"$OE_IMAGES/rootfs.tar" bb:latest >/dev/null
}
