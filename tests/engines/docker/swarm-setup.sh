# shellcheck shell=bash
# What the scenarios of Swarm have in common. Sourced by them.

swarm_start() {
	ip link add swarm0 type bridge 2>/dev/null || true
	ip addr add 198.18.99.1/24 dev swarm0 2>/dev/null || true
	ip link set swarm0 up
	docker swarm init --advertise-addr 198.18.99.1 --default-addr-pool 198.18.128.0/17 >/dev/null
	trap 'swarm_end; engine_reset' EXIT
}
swarm_end() { docker swarm leave -f >/dev/null 2>&1 || true; }
service_ids() { docker ps -q -f "label=com.docker.swarm.service.name=$1"; }
replicas_are() { [[ $(docker service ls -f "name=$1" --format '{{.Replicas}}') == "$2" ]]; }
service_create() { docker service create --no-resolve-image --detach --restart-delay 200ms "$@" >/dev/null; }
containers_are() { [[ $(service_ids "$1" | wc -l) == "$2" ]]; }
update_is() { [[ $(docker service inspect -f '{{.UpdateStatus.State}}' "$1") == "$2" ]]; }
failed_tasks_are() { [[ $(docker service ps --format '{{.CurrentState}}' "$1" | grep -c Failed) == "$2" ]]; }
service_remove() {
	docker service rm "$1" >/dev/null
	eventually 30 containers_are "$1" 0
}
