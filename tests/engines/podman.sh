# shellcheck shell=bash
# A private home for podman and buildah, which have no daemon. Sourced by run.sh; see lib.sh.

engine_version() { echo "Podman $(podman --version | awk '{print $3}'), $(buildah --version | awk '{print "Buildah " $3}')"; }

write_configuration() {
	cat >"$OE_DIR/containers.conf" <<-EOF
		[containers]
		log_driver = "k8s-file"
		cgroupns = "host"
		[engine]
		runtime = "$(basename "$OE_RUNTIME")"
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		infra_image = "localhost/pause:latest"
		runtime_supports_json = ["$(basename "$OE_RUNTIME")"]
		runtime_supports_nocgroup = ["$(basename "$OE_RUNTIME")"]
		[engine.runtimes]
		$(basename "$OE_RUNTIME") = ["$OE_RUNTIME"]
		[network]
		network_backend = "netavark"
		network_config_dir = "$OE_DIR/networks"
		default_subnet = "198.18.95.0/24"
	EOF
	# Podman 5 asks for more open files than a machine without CAP_SYS_RESOURCE may have.
	[[ $(podman --version) == *" "[1-4].* ]] ||
		sed -i "/^\[containers\]/a default_ulimits = [\"nofile=1024:$(ulimit -Hn)\", \"nproc=$(ulimit -Hu):$(ulimit -Hu)\"]" "$OE_DIR/containers.conf"
	sed '/network_config_dir/d' "$OE_DIR/containers.conf" >"$OE_DIR/containers-user.conf"
	sed -i '/^cgroupns/d' "$OE_DIR/containers.conf" "$OE_DIR/containers-user.conf"
	printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' "$OE_DIR/root" "$OE_DIR/run" >"$OE_DIR/storage.conf"
}

# make_user: an account of the sandbox alone, over a private copy of /etc's user files
make_user() {
	local file
	mkdir -p "$OE_DIR"/{etc,home/tmp,xdg}
	for file in passwd group shadow subuid subgid; do
		[[ -e /etc/$file ]] || : >"/etc/$file"
		grep -v '^oeuser:' "/etc/$file" >"$OE_DIR/etc/$file" || true
	done
	echo "oeuser:x:4711:4711::$OE_DIR/home:/bin/bash" >>"$OE_DIR/etc/passwd"
	echo 'oeuser:x:4711:' >>"$OE_DIR/etc/group"
	echo 'oeuser:2000000:65536' | tee -a "$OE_DIR/etc/subuid" >>"$OE_DIR/etc/subgid"
	# A second range is what root's --userns=auto takes its ids from.
	echo 'containers:3000000:1048576' | tee -a "$OE_DIR/etc/subuid" >>"$OE_DIR/etc/subgid"
	for file in passwd group subuid subgid; do inside mount --bind "$OE_DIR/etc/$file" "/etc/$file"; done
	chown -R 4711:4711 "$OE_DIR/home" "$OE_DIR/xdg"
	chmod 755 "$OE_DIR"
	chmod 700 "$OE_DIR/xdg"
}

engine_start() {
	mkdir -p "$OE_DIR"/{root,run,tmp,vartmp,networks}
	write_configuration
	make_user || return 1
	# Podman wants a shared root, to pass mounts on to containers.
	inside mount --make-rshared /
	cat >"$OE_DIR/bin/pm" <<-EOF
		#!/bin/bash
		export CONTAINERS_CONF=$OE_DIR/containers.conf CONTAINERS_STORAGE_CONF=$OE_DIR/storage.conf TMPDIR=$OE_DIR/vartmp
		# Newer versions' words on old cgroups, and their need of nft, are left out.
		export PODMAN_IGNORE_CGROUPSV1_WARNING=1 NETAVARK_FW=iptables
		exec podman --root $OE_DIR/root --runroot $OE_DIR/run --tmpdir $OE_DIR/tmp "\$@"
	EOF
	cat >"$OE_DIR/bin/bm" <<-EOF
		#!/bin/bash
		export CONTAINERS_CONF=$OE_DIR/containers.conf CONTAINERS_STORAGE_CONF=$OE_DIR/storage.conf BUILDAH_RUNTIME=$OE_RUNTIME TMPDIR=$OE_DIR/vartmp NETAVARK_FW=iptables
		exec buildah --root $OE_DIR/root --runroot $OE_DIR/run "\$@"
	EOF
	cat >"$OE_DIR/bin/pu" <<-EOF
		#!/bin/bash
		cd $OE_DIR/home
		exec setpriv --reuid 4711 --regid 4711 --clear-groups env -i HOME=$OE_DIR/home USER=oeuser XDG_RUNTIME_DIR=$OE_DIR/xdg \\
		  TERM=dumb PODMAN_IGNORE_CGROUPSV1_WARNING=1 TMPDIR=$OE_DIR/home/tmp CONTAINERS_CONF=$OE_DIR/containers-user.conf PATH=$OE_DIR/bin:/usr/sbin:/usr/bin:/sbin:/bin podman "\$@"
	EOF
	chmod 755 "$OE_DIR"/bin/{pm,bm,pu}
	chmod 644 "$OE_DIR"/*.conf
	inside pm import -c CMD='["/bin/sh"]' -c ENV=PATH=/bin:/sbin:/usr/bin:/usr/sbin "$OE_IMAGES/rootfs.tar" localhost/bb:latest >/dev/null 2>&1 &&
		inside pm import -c ENTRYPOINT='["/bin/sleep"]' -c CMD='["2147483647"]' "$OE_IMAGES/rootfs.tar" localhost/pause:latest >/dev/null 2>&1 &&
		inside pu load -q -i "$OE_IMAGES/bb.docker.tar" >/dev/null 2>&1 &&
		inside pu tag docker.io/local/bb:latest bb
}

# Podman and buildah make cgroups of their own below these, beside the one they are told.
engine_cleanup() {
	local parent
	for parent in libpod_parent buildah; do
		[[ -z $(compgen -G "/sys/fs/cgroup/*/$parent") ]] ||
			find /sys/fs/cgroup/*/"$parent" -depth -type d -exec rmdir {} + 2>/dev/null
	done
	true
}
