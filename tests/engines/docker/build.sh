# shellcheck shell=bash
# Docker: building images, Compose, Swarm.
source "$HERE/docker/setup.sh"

write_context() {
	rm -rf "$OE_DIR/context"
	mkdir -p "$OE_DIR/context"
	echo copied >"$OE_DIR/context/file"
	cat >"$OE_DIR/context/Dockerfile" <<-'EOF'
		FROM bb AS first
		ARG WORD=none
		ENV LEFT=1
		WORKDIR /work
		COPY file .
		RUN echo "$WORD $LEFT $(cat file) $(id -u)" >result && mkdir -m 1777 sub
		RUN ["busybox", "touch", "made"]
		USER 1000
		RUN id -u >sub/user
		FROM bb
		COPY --from=first /work /work
		CMD ["cat", "/work/result", "/work/sub/user"]
	EOF
}
built_is_right() {
	is output "$(in_bb built | xargs)" "given 1 copied 0 1000"
	docker rmi built >/dev/null
}
build__classic() {
	write_context
	DOCKER_BUILDKIT=0 docker build -q --build-arg WORD=given -t built "$OE_DIR/context"
	built_is_right
}
build__buildkit() {
	write_context
	DOCKER_BUILDKIT=1 docker build -q --build-arg WORD=given -t built "$OE_DIR/context"
	built_is_right
}
build__failing_step() {
	printf 'FROM bb\nRUN exit 12\n' >"$OE_DIR/failing"
	has classic "$(DOCKER_BUILDKIT=0 docker build - <"$OE_DIR/failing" 2>&1 || true)" "non-zero code: 12"
	has buildkit "$(DOCKER_BUILDKIT=1 docker build --progress plain - <"$OE_DIR/failing" 2>&1 || true)" "exit code: 12"
}
build__buildkit_cancelled() {
	printf 'FROM bb\nRUN sleep 300\n' >"$OE_DIR/slow"
	refused timeout -s INT 4 env DOCKER_BUILDKIT=1 "$DOCKER" build --progress plain - <"$OE_DIR/slow"
	eventually 10 no_process 'sleep 300'
}

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

restart_daemon() {
	local pid
	pid=$(<"$OE_DIR/docker.pid")
	kill "-$1" "$pid"
	eventually 30 test ! -d "/proc/$pid"
	setsid -f start-dockerd </dev/null >/dev/null 2>&1
	eventually 60 docker version
}
live_restore() {
	echo "{\"live-restore\": $1}" >"$OE_DIR/daemon.json"
	kill -HUP "$(<"$OE_DIR/docker.pid")"
	eventually 10 bash -c "[ \"\$($DOCKER info -f '{{.LiveRestoreEnabled}}')\" = $1 ]"
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
