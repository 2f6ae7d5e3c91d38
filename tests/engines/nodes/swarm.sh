# shellcheck shell=bash
# Docker: a swarm of two nodes with services, secrets and a network across both.
source "$HERE/docker/setup.sh"
source "$HERE/docker/swarm-setup.sh"

on() { "$DOCKER" -H "unix://$OE_DIR/$1/docker.sock" "${@:2}"; }
docker() { on one "$@"; } # the manager, for the functions of one node
engine_reset() {
	on two swarm leave -f >/dev/null 2>&1 || true
	on one swarm leave -f >/dev/null 2>&1 || true
}
nodes_ready_are() { [[ $(on one node ls --format '{{.Status}}' | grep -c Ready) == "$1" ]]; }
running_on() { on "$1" ps -q -f "label=com.docker.swarm.service.name=$2"; }
running_are() { [[ $(running_on "$1" "$2" | wc -l) == "$3" ]]; } # NODE SERVICE COUNT
everywhere() { running_are one "$1" "$2" && running_are two "$1" "$3"; }
swarm_of_two() {
	on one swarm init --advertise-addr 198.18.99.11 --default-addr-pool 198.18.128.0/17 --dispatcher-heartbeat 1s >/dev/null
	on two swarm join --advertise-addr 198.18.99.12 --token "$(on one swarm join-token -q worker)" 198.18.99.11:2377 >/dev/null
	eventually 30 nodes_ready_are 2
	worker=$(on two info -f '{{.Swarm.NodeID}}')
}

nodes__replicas_are_spread() {
	swarm_of_two
	service_create --name web --replicas 4 --stop-grace-period 1s web
	eventually 60 everywhere web 2 2
	service_create --name all --mode global --stop-grace-period 1s bb sleep 1000
	eventually 60 everywhere all 1 1
	on one service rm web all >/dev/null
	eventually 30 everywhere all 0 0
}
nodes__secrets_and_configs_reach_the_worker() {
	swarm_of_two
	echo hush | on one secret create word - >/dev/null
	echo setting | on one config create conf - >/dev/null
	service_create --name c1 --constraint node.role==worker --secret word --config source=conf,target=/etc/conf bb sleep 1000
	eventually 60 running_are two c1 1
	is secret "$(on two exec "$(running_on two c1)" cat /run/secrets/word)" hush
	is config "$(on two exec "$(running_on two c1)" cat /etc/conf)" setting
}
nodes__overlay_network_across_both() {
	swarm_of_two
	on one network create -d overlay --attachable wide >/dev/null
	service_create --name web --network wide --endpoint-mode dnsrr --constraint node.role==worker web
	eventually 60 running_are two web 1
	service_create --name client --network wide --endpoint-mode dnsrr --constraint node.role==manager bb sleep 1000
	eventually 60 running_are one client 1
	eventually 30 on one exec "$(running_on one client)" timeout 5 wget -q -O - http://web/
	is attached "$(on one run --rm --network wide bb timeout 5 wget -q -O - http://web/)" "hello from a static program"
}
nodes__rolling_update_on_both() {
	swarm_of_two
	service_create --name c1 --replicas 4 --stop-grace-period 1s bb sleep 1000
	eventually 60 everywhere c1 2 2
	on one service update -d --env-add NEW=1 --update-parallelism 2 --update-delay 0s --update-monitor 200ms c1 >/dev/null
	eventually 90 update_is c1 completed
	eventually 30 everywhere c1 2 2
	local node
	for node in one two; do is updated "$(on $node exec "$(running_on $node c1 | head -n 1)" sh -c 'echo $NEW')" 1; done
}
nodes__drained_and_killed_node() {
	swarm_of_two
	service_create --name c1 --replicas 2 --stop-grace-period 1s bb sleep 1000
	eventually 60 everywhere c1 1 1
	on one node update --availability drain "$worker" >/dev/null
	eventually 60 everywhere c1 2 0
	on one node update --availability active "$worker" >/dev/null
	on one service update -d --force --update-delay 0s --update-monitor 100ms c1 >/dev/null
	eventually 90 everywhere c1 1 1
	kill -KILL "$(<"$OE_DIR/two/docker.pid")"
	eventually 60 running_are one c1 2
	setsid -f start-two </dev/null >/dev/null 2>&1
	eventually 60 nodes_ready_are 2
	# What it ran while it was away is ended: the manager has started others meanwhile.
	eventually 60 everywhere c1 2 0
}
