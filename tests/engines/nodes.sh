# shellcheck shell=bash
# Two private dockerds, each in a network namespace of its own, for a swarm of two nodes.
# Sourced by run.sh; see lib.sh for the variables.
source "$HERE/docker.sh"

engine_version() { echo "Docker $(dockerd --version | sed -E 's/^Docker version ([^,]+),.*/\1/'), a swarm of two nodes"; }

make_node() { # NAME ADDRESS
	mkdir -p "$OE_DIR/$1"
	echo '{"live-restore": false}' >"$OE_DIR/$1/daemon.json"
	inside sh -ec "
		ip netns add $1
		ip link add $1 type veth peer name uplink netns $1
		ip link set $1 master nodes up
		ip -n $1 link set lo up
		ip -n $1 addr add $2/24 dev uplink
		ip -n $1 link set uplink up
		nsenter --net=/run/netns/$1 sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'"
}

engine_start() {
	inside ip link add nodes type bridge
	inside ip link set nodes up
	local node address=10
	for node in one two; do
		make_node $node 198.18.99.$((++address)) || return 1
		dockerd_start "$OE_DIR/$node" start-$node "$OE_CGROUP/$node" nsenter --net=/run/netns/$node || return 1
		load_images "unix://$OE_DIR/$node/docker.sock" >/dev/null || return 1
	done
}
