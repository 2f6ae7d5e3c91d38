# shellcheck shell=bash
# Docker with a user namespace around every container.
source "$HERE/docker/setup.sh"

remap__ids_are_mapped() {
	is inside "$(in_bb bb id -u)" 0
	is map "$(in_bb bb cat /proc/self/uid_map | xargs)" "0 100000 65536"
	in_background c1 bb sleep 100
	is outside "$(stat -c %u "/proc/$(pid_of c1)")" 100000
	is exec "$(docker exec c1 cat /proc/self/uid_map | xargs)" "0 100000 65536"
}
remap__files_and_volumes() {
	is root "$(in_bb bb stat -c %u /etc/notes)" 0
	is volume "$(in_bb -v vol:/data bb sh -c 'echo x >/data/f; stat -c %u /data/f')" 0
	refused in_bb -v /etc:/host bb touch /host/x
	in_bb --read-only --tmpfs /t bb touch /t/x
}
remap__networks_and_sysctls() {
	in_background c1 -p 127.0.0.1:8083:80 --sysctl net.ipv4.ip_forward=0 bb httpd -f -p 80 -h /srv
	is page "$(wget -q -T 5 -O - http://127.0.0.1:8083/)" "hello from the web"
}
remap__limits_and_confinement() {
	is memory "$(in_bb -m 64m bb echo ok)" ok
	is seccomp "$(in_bb bb awk '/^Seccomp:/{print $2}' /proc/self/status)" 2
	refused in_bb bb mknod /dev/own c 1 11
	has terminal "$(on_terminal "$DOCKER run --rm -it bb tty")" /dev/pts/
}
remap__life() {
	in_background c1 --restart always bb sleep 100
	docker pause c1 >/dev/null
	docker unpause c1 >/dev/null
	docker restart -t 1 c1 >/dev/null
	is exec "$(docker exec -u 1000 c1 id -u)" 1000
	docker rm -f c1 >/dev/null
}
remap__host_namespace_on_request() {
	is map "$(in_bb --userns host bb awk '{print $3}' /proc/self/uid_map)" 4294967295
}
