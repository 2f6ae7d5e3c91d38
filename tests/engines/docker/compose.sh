# shellcheck shell=bash
# Docker: an application of Compose, and what a daemon that ends does to containers.
source "$HERE/docker/setup.sh"

compose() { docker-compose -f "$OE_DIR/app/compose.yml" -p app "$@"; }
write_application() {
	mkdir -p "$OE_DIR/app"
	cat >"$OE_DIR/app/compose.yml" <<-'EOF'
		version: "2.4"
		services:
		  web:
		    image: bb
		    command: sh -c "echo page of $$(hostname) >/srv/index.html; exec httpd -f -p 80 -h /srv"
		    restart: always
		    stop_grace_period: 1s
		    mem_limit: 64m
		    cap_drop: [ALL]
		    cap_add: [NET_BIND_SERVICE]
		    networks: [front]
		    healthcheck:
		      test: wget -q -O /dev/null http://127.0.0.1/
		      interval: 0.5s
		      retries: 20
		  worker:
		    image: bb
		    init: true
		    restart: always
		    stop_grace_period: 1s
		    command: sh -c "while :; do wget -q -O /data/page http://web/; sleep 0.3; done"
		    depends_on: {web: {condition: service_healthy}}
		    networks: [front]
		    volumes: ["data:/data"]
		    read_only: true
		  once:
		    image: bb
		    command: cat /etc/notes
		    network_mode: none
		networks: {front: {}}
		volumes: {data: {}}
	EOF
}
application_works() {
	compose exec -T worker rm -f /data/page
	eventually 20 compose exec -T worker test -s /data/page
}
compose__services_networks_volumes() {
	write_application
	compose up -d
	application_works
	has logs "$(compose logs once)" "not a program"
	compose up -d --scale web=3
	is scaled "$(compose ps -q web | wc -l)" 3
	application_works
	compose restart -t 1
	application_works
	kill -9 "$(pid_of "$(compose ps -q web | head -n 1)")"
	eventually 20 application_works
	is run "$(compose run --rm --no-deps worker echo extra)" extra
	compose down -v -t 1
	is left "$(docker ps -aq | wc -l)" 0
}

processes_of_the_application() { for id in $(compose ps -q web worker); do pid_of "$id"; done | xargs; }
compose__survives_restarts_and_kills() {
	write_application
	compose up -d --scale web=2
	application_works
	# shellcheck disable=SC2046
	docker restart -t 1 $(compose ps -q web worker) >/dev/null
	eventually 20 application_works
	local id
	for id in $(compose ps -q web worker); do
		kill -9 "$(pid_of "$id")"
		eventually 20 restarted "$id" 1
	done
	eventually 20 application_works
	live_restore true
	local before signal
	before=$(processes_of_the_application)
	for signal in TERM KILL; do
		restart_daemon $signal
		is "processes after $signal" "$(processes_of_the_application)" "$before"
		application_works
	done
	kill -9 "$(pid_of "$(compose ps -q worker)")"
	eventually 20 application_works
	compose down -v -t 1
	is left "$(docker ps -aq | wc -l)" 0
	live_restore false
}
daemon__restart_with_live_restore() {
	live_restore true
	write_application
	compose up -d
	in_background c1 bb sh -c 'sleep 4; exit 21'
	local web pid
	web=$(compose ps -q web)
	pid=$(pid_of "$web")
	restart_daemon TERM
	is same_process "$(pid_of "$web")" "$pid"
	is status "$(docker wait c1)" 21
	application_works
	is exec "$(docker exec "$web" echo ok)" ok
	compose down -v -t 1
	live_restore false
}
daemon__killed_with_live_restore() {
	live_restore true
	in_background c1 bb sh -c 'while :; do sleep 1; done'
	local pid
	pid=$(pid_of c1)
	restart_daemon KILL
	is same_process "$(pid_of c1)" "$pid"
	is exec "$(docker exec c1 echo ok)" ok
	docker stop -t 1 c1 >/dev/null
	live_restore false
}
daemon__restart_without_live_restore() {
	in_background c1 --restart always bb sleep 100
	in_background c2 bb sleep 100
	restart_daemon TERM
	eventually 20 state_is c1 running
	is stopped "$(inspect c2 '{{.State.Status}}')" exited
}
