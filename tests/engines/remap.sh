# shellcheck shell=bash
# dockerd with userns-remap. Sourced by run.sh; see lib.sh for the variables.
# shellcheck disable=SC1091
source "$HERE/docker.sh"

engine_version() { echo "Docker $(dockerd --version | sed -E 's/^Docker version ([^,]+),.*/\1/') with userns-remap"; }

# docker_configuration: ids 100000 and up of an account that exists only in the sandbox
docker_configuration() {
	mkdir -p "$OE_DIR/etc"
	echo 'remap:100000:65536' | tee "$OE_DIR/etc/subuid" >"$OE_DIR/etc/subgid"
	{ cat /etc/passwd && echo 'remap:x:4712:4712::/:/bin/false'; } >"$OE_DIR/etc/passwd"
	{ cat /etc/group && echo 'remap:x:4712:'; } >"$OE_DIR/etc/group"
	local file
	for file in subuid subgid passwd group; do
		[[ -e /etc/$file ]] || : >"/etc/$file"
		inside mount --bind "$OE_DIR/etc/$file" "/etc/$file"
	done
	chmod 711 "$OE_DIR"
	echo '{"live-restore": false, "userns-remap": "remap"}' >"$OE_DIR/daemon.json"
}
