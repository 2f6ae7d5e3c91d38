# shellcheck shell=bash
# Docker: Swarm with one node.
source "$HERE/docker/setup.sh"
source "$HERE/docker/swarm-setup.sh"

swarm__service_replicas_and_scale() {
	swarm_start
	service_create --name web --replicas 2 --limit-memory 32m --limit-pids 20 --stop-grace-period 1s web
	eventually 30 replicas_are web 2/2
	local id
	id=$(service_ids web | head -n 1)
	is memory "$(cgroup_value "$id" memory memory.limit_in_bytes memory.max)" $((32 << 20))
	is pids "$(cgroup_value "$id" pids pids.max pids.max)" 20
	docker service scale -d web=4 >/dev/null
	eventually 30 replicas_are web 4/4
	docker service scale -d web=1 >/dev/null
	eventually 30 containers_are web 1
	service_remove web
}
swarm__rolling_update() {
	swarm_start
	service_create --name c1 --replicas 3 --stop-grace-period 1s --env NEW=0 bb sleep 1000
	eventually 30 replicas_are c1 3/3
	docker service update -d --env-add NEW=1 --update-parallelism 1 --update-delay 300ms --update-monitor 200ms --update-order start-first c1 >/dev/null
	eventually 90 update_is c1 completed
	eventually 30 containers_are c1 3
	local id
	for id in $(service_ids c1); do is updated "$(docker exec "$id" sh -c 'echo $NEW')" 1; done
	docker service update -d --args /no/such --update-parallelism 1 --update-delay 0s --update-monitor 2s --update-failure-action rollback --restart-condition none c1 >/dev/null
	eventually 90 update_is c1 rollback_completed
	eventually 30 replicas_are c1 3/3
	service_remove c1
}
swarm__survives_restarts_and_kills() {
	swarm_start
	service_create --name web --replicas 2 --stop-grace-period 1s bb httpd -f -p 80 -h /srv
	eventually 30 replicas_are web 2/2
	local first
	first=$(service_ids web | head -n 1)
	docker restart -t 1 "$first" >/dev/null
	eventually 40 replicas_are web 2/2
	for first in $(service_ids web); do kill -9 "$(pid_of "$first")"; done
	eventually 30 failed_tasks_are web 2
	eventually 40 replicas_are web 2/2
	local signal
	for signal in TERM KILL; do
		restart_daemon $signal
		eventually 60 replicas_are web 2/2
		eventually 20 containers_are web 2
	done
	for first in $(service_ids web); do has page "$(docker exec "$first" wget -q -O - http://127.0.0.1/)" "hello from the web"; done
	service_remove web
}
swarm__and_live_restore_exclude_each_other() {
	live_restore true
	local out
	out=$(docker swarm init --advertise-addr 127.0.0.1 2>&1 || true)
	live_restore false
	has refused "$out" "--live-restore"
}
swarm__secrets_and_configs() {
	swarm_start
	echo hush | docker secret create word - >/dev/null
	echo setting | docker config create conf - >/dev/null
	service_create --name c1 --secret word --config source=conf,target=/etc/conf,mode=0444 bb sleep 100
	eventually 30 replicas_are c1 1/1
	is secret "$(docker exec "$(service_ids c1)" cat /run/secrets/word)" hush
	is config "$(docker exec "$(service_ids c1)" cat /etc/conf)" setting
	is mode "$(docker exec "$(service_ids c1)" stat -c '%a %u' /run/secrets/word | xargs)" "444 0"
	echo louder | docker secret create word2 - >/dev/null
	docker service update -d --secret-rm word --secret-add source=word2,target=word --update-monitor 100ms --stop-grace-period 1s c1 >/dev/null
	eventually 60 update_is c1 completed
	eventually 20 containers_are c1 1
	is rotated "$(docker exec "$(service_ids c1)" cat /run/secrets/word)" louder
	service_remove c1
}
swarm__overlay_network() {
	swarm_start
	docker network create -d overlay --attachable wide >/dev/null
	service_create --name web --network wide --endpoint-mode dnsrr bb httpd -f -p 80 -h /srv
	eventually 30 replicas_are web 1/1
	has page "$(in_bb --net wide bb timeout 5 wget -q -O - http://web/)" "hello from the web"
	service_remove web
	eventually 10 docker network rm wide
}
