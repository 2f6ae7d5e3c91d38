# shellcheck shell=bash
# Podman as an ordinary user.
PM=pu
source "$HERE/podman/setup.sh"
in_bb() { podman run --rm --net none "$@"; }
in_background() {
	local name=$1
	shift
	podman run -d --net none --name "$name" "$@" >/dev/null
}

rootless__output_and_status() {
	is output "$(in_bb bb echo hi)" hi
	is status "$(status_of in_bb bb sh -c 'exit 42')" 42
	is missing "$(status_of in_bb bb nosuch)" 127
}
rootless__users() {
	is root "$(in_bb bb id -u)" 0
	is map "$(in_bb bb awk 'NR==1{print $1, $2, $3}' /proc/self/uid_map)" "0 4711 1"
	is other "$(in_bb -u 1000:1000 bb sh -c 'id -u; id -g' | xargs)" "1000 1000"
	is keep "$(in_bb --userns keep-id bb id -u)" 4711
}
rootless__files() {
	in_bb bb touch /x
	refused in_bb --read-only --read-only-tmpfs=false bb touch /x
	is volume "$(in_bb -v vol:/data bb sh -c 'echo kept >/data/x; cat /data/x')" kept
	in_bb --tmpfs /scratch bb touch /scratch/x
	refused in_bb bb mknod /dev/own c 1 3
}
rootless__confinement() {
	is seccomp "$(in_bb bb awk '/^Seccomp:/{print $2}' /proc/self/status)" 2
	is privileged "$(in_bb --privileged bb sh -c 'mount -t tmpfs x /mnt && echo mounted')" mounted
	is nofile "$(in_bb --ulimit nofile=100:200 bb sh -c 'ulimit -n')" 100
}
rootless__network() { is page "$(podman run --rm --net slirp4netns bb sh -c 'ls /sys/class/net | xargs')" "lo tap0"; }
rootless__terminal() {
	has tty "$(on_terminal "pu run --rm --net none -it bb sh -c 'tty; sleep 0.5'")" /dev/pts/0
}
rootless__life() {
	in_background c1 bb sh -c 'trap "exit 5" TERM; while :; do sleep 0.1; done'
	is exec "$(podman exec c1 echo ok)" ok
	is status "$(status_of podman exec c1 sh -c 'exit 7')" 7
	podman stop -t 10 c1 >/dev/null
	is code "$(inspect c1 '{{.State.ExitCode}}')" 5
	podman start c1 >/dev/null
	podman kill c1 >/dev/null
	is killed "$(podman wait c1)" 137
}
rootless__pod() {
	podman pod create --name p1 --net none --infra-image docker.io/local/bb:latest --infra-command "sleep 1000" >/dev/null
	podman run -d --pod p1 --name c1 bb httpd -f -p 80 -h /srv >/dev/null
	is page "$(podman run --rm --pod p1 bb wget -q -O - http://127.0.0.1/)" "hello from the web"
}
rootless__build() {
	mkdir -p "$OE_DIR/home/context"
	printf 'FROM localhost/bb\nRUN echo built >/result\nCMD cat /result\n' >"$OE_DIR/home/context/Containerfile"
	chown -R 4711:4711 "$OE_DIR/home/context"
	podman build -q --isolation oci --network none -t built "$OE_DIR/home/context" >/dev/null
	is output "$(in_bb built)" built
}
