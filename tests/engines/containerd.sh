# shellcheck shell=bash
# Starts and stops a private containerd with its CRI plugin. Sourced by run.sh; see lib.sh.

engine_version() { echo "containerd $(containerd --version | awk '{print $3}') (ctr and CRI)"; }

write_cni() {
	mkdir -p "$OE_DIR/cni"
	cat >"$OE_DIR/cni/10-bridge.conflist" <<-'EOF'
		{"cniVersion":"0.4.0","name":"pods","plugins":[
		 {"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":true,"hairpinMode":true,
		  "ipam":{"type":"host-local","ranges":[[{"subnet":"198.18.90.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]}},
		 {"type":"portmap","capabilities":{"portMappings":true}}]}
	EOF
}

write_configuration() {
	cat >"$OE_DIR/config.toml" <<-EOF
		version = 2
		root = "$OE_DIR/root"
		state = "$OE_DIR/state"
		disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
		  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper"]
		[grpc]
		  address = "$OE_DIR/c.sock"
		[plugins."io.containerd.internal.v1.opt"]
		  path = "$OE_DIR/opt"
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "docker.io/local/pause:3"
		  disable_apparmor = true
		  restrict_oom_score_adj = true
		  stream_server_address = "127.0.0.1"
		  stream_server_port = "0"
		  [plugins."io.containerd.grpc.v1.cri".cni]
		    bin_dir = "/usr/lib/cni"
		    conf_dir = "$OE_DIR/cni"
		  [plugins."io.containerd.grpc.v1.cri".containerd]
		    default_runtime_name = "byname"
		    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.byname]
		      runtime_type = "io.containerd.runc.v2"
		    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.bypath]
		      runtime_type = "io.containerd.runc.v2"
		      pod_annotations = ["*"]
		      container_annotations = ["*"]
		      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.bypath.options]
		        BinaryName = "$OE_RUNTIME"
		        Root = "$OE_DIR/runtime-root"
	EOF
}

# CRI names a client that is built already.
build_cri_client() {
	[[ ! ${CRI:-} ]] || cp "$CRI" "$OE_ROOT/cri"
	[[ -x $OE_ROOT/cri ]] || (
		cd "$HERE/cri" && CGO_ENABLED=0 "${GO:-go}" build -trimpath -o "$OE_ROOT/cri.$$.$BASHPID" . &&
			mv "$OE_ROOT/cri.$$.$BASHPID" "$OE_ROOT/cri"
	)
	ln -sf "$OE_ROOT/cri" "$OE_DIR/bin/cri"
}

engine_start() {
	rm -rf "$OE_DIR/state" "$OE_DIR"/c.sock*
	write_cni
	write_configuration
	build_cri_client || return 1
	cat >"$OE_DIR/bin/start-containerd" <<-EOF
		#!/bin/bash
		echo \$\$ >$OE_DIR/containerd.pid
		exec containerd -c $OE_DIR/config.toml >>$OE_DIR/containerd.log 2>&1
	EOF
	chmod +x "$OE_DIR/bin/start-containerd"
	inside setsid -f start-containerd </dev/null
	eventually 40 ctr -a "$OE_DIR/c.sock" version || {
		tail -n 20 "$OE_DIR/containerd.log" >&2
		return 1
	}
	local namespace
	for namespace in "$OE_CGROUP" k8s.io; do
		ctr -a "$OE_DIR/c.sock" -n "$namespace" image import --base-name docker.io/local/bb "$OE_IMAGES/bb.oci.tar" >/dev/null || return 1
		ctr -a "$OE_DIR/c.sock" -n "$namespace" image import --base-name docker.io/local/pause "$OE_IMAGES/pause.oci.tar" >/dev/null || return 1
	done
}
