# shellcheck shell=bash
# Docker: Swarm with one node, and containers in a user namespace.
source "$HERE/docker/setup.sh"

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

swarm__service_scale_update_recover() {
	swarm_start
	service_create --name web --replicas 2 --limit-memory 32m bb httpd -f -p 80 -h /srv
	eventually 30 replicas_are web 2/2
	docker service scale -d web=3 >/dev/null
	eventually 30 replicas_are web 3/3
	kill -9 "$(pid_of "$(service_ids web | head -n 1)")"
	eventually 30 bash -c "$DOCKER service ps web | grep -q Failed"
	eventually 30 replicas_are web 3/3
	docker service update -d --env-add NEW=1 --update-delay 0s --stop-grace-period 1s web >/dev/null
	eventually 60 bash -c "[ \"\$($DOCKER service inspect -f '{{.UpdateStatus.State}}' web)\" = completed ]"
	is updated "$(docker exec "$(service_ids web | head -n 1)" sh -c 'echo $NEW')" 1
	docker service rm web >/dev/null
	eventually 30 bash -c "[ -z \"\$($DOCKER ps -q)\" ]"
}
swarm__secrets_and_configs() {
	swarm_start
	echo hush | docker secret create word - >/dev/null
	echo setting | docker config create conf - >/dev/null
	service_create --name c1 --secret word --config source=conf,target=/etc/conf,mode=0444 bb sleep 100
	eventually 30 replicas_are c1 1/1
	is secret "$(docker exec "$(service_ids c1)" cat /run/secrets/word)" hush
	is config "$(docker exec "$(service_ids c1)" cat /etc/conf)" setting
	docker service rm c1 >/dev/null
}
swarm__overlay_network() {
	swarm_start
	docker network create -d overlay --attachable wide >/dev/null
	service_create --name web --network wide --endpoint-mode dnsrr bb httpd -f -p 80 -h /srv
	eventually 30 replicas_are web 1/1
	has page "$(in_bb --net wide bb timeout 5 wget -q -O - http://web/)" "hello from the web"
	docker service rm web >/dev/null
	eventually 30 bash -c "[ -z \"\$($DOCKER ps -q)\" ]"
	eventually 10 docker network rm wide
}
swarm__survives_restart_of_the_daemon() {
	swarm_start
	service_create --name c1 --replicas 2 bb sleep 100
	eventually 30 replicas_are c1 2/2
	kill -TERM "$(<"$OE_DIR/docker.pid")"
	eventually 30 test ! -e "$OE_DIR/docker.pid"
	setsid -f start-dockerd </dev/null >/dev/null 2>&1
	eventually 60 docker version
	eventually 60 replicas_are c1 2/2
	docker service rm c1 >/dev/null
}
