# shellcheck shell=bash
# Builds whose RUN steps are containers of the runtime, by podman and by Buildah.
source "$HERE/podman/setup.sh"

# context TEXT: a directory with a Containerfile
context() {
	rm -rf "$OE_DIR/context"
	mkdir -p "$OE_DIR/context"
	cat >"$OE_DIR/context/Containerfile"
}
build() { podman build -q --isolation oci -t built "$@" "$OE_DIR/context" >/dev/null; }
engine_reset() {
	podman rm -fa -t 0 >/dev/null 2>&1 || true
	bm rm -a >/dev/null 2>&1 || true
	podman rmi -f built >/dev/null 2>&1 || true
}

build__mounts_of_a_step() {
	context <<-'EOF'
		FROM localhost/bb
		RUN --mount=type=cache,target=/cache echo kept >/cache/x
		RUN --mount=type=cache,target=/cache cat /cache/x >/result
		RUN --mount=type=secret,id=s,target=/secret cat /secret >>/result
		RUN --mount=type=tmpfs,target=/t stat -f -c %T /t >>/result
		RUN --mount=type=bind,target=/here test -e /here/Containerfile
		CMD cat /result
	EOF
	echo hidden >"$OE_DIR/secret"
	build --secret "id=s,src=$OE_DIR/secret"
	is result "$(in_bb built | xargs)" "kept hidden tmpfs"
	refused in_bb built test -e /secret
}
build__several_stages() {
	context <<-'EOF'
		FROM localhost/bb AS one
		RUN mkdir /out && echo one >/out/f
		FROM localhost/bb
		COPY --from=one /out /in
		RUN cat /in/f | sed s/one/two/ >/in/g
		CMD cat /in/f /in/g
	EOF
	build --layers
	is result "$(in_bb built | xargs)" "one two"
}
build__options_of_a_step() {
	context <<-'EOF'
		FROM localhost/bb
		ARG CONTENT
		RUN { awk '/CapEff|NoNewPrivs|^Seccomp:/{print $2}' /proc/self/status; ulimit -n; hostname; echo $CONTENT; } >/result
		CMD cat /result
	EOF
	build --build-arg CONTENT=text --cap-drop all --cap-add DAC_OVERRIDE --ulimit nofile=123:123 --security-opt seccomp=unconfined
	has result "$(in_bb built | xargs)" "0000000000000002 0 0 123"
	has argument "$(in_bb built)" text
}
build__user_and_directory() {
	context <<-'EOF'
		FROM localhost/bb
		USER u
		WORKDIR /home/u/made
		RUN id -un >who && pwd >>who
		CMD cat /home/u/made/who
	EOF
	build
	has user "$(in_bb built | xargs)" /home/u/made
}
build__networks_of_a_step() {
	local kind
	for kind in none host; do
		context <<-'EOF'
			FROM localhost/bb
			RUN readlink /proc/self/ns/net >/net && ls /sys/class/net | wc -l >>/net
			CMD head -n 1 /net
		EOF
		build --no-cache --network $kind
		if [[ $kind == host ]]; then
			is host "$(in_bb built)" "$(readlink /proc/self/ns/net)"
		else
			[[ $(in_bb built) != "$(readlink /proc/self/ns/net)" ]]
		fi
	done
}
build__step_that_fails() {
	context <<-'EOF'
		FROM localhost/bb
		RUN exit 37
	EOF
	has status "$(podman build --isolation oci -t built "$OE_DIR/context" 2>&1 || true)" "exit status 37"
	context <<-'EOF'
		FROM localhost/bb
		RUN ["nosuch"]
	EOF
	has missing "$(podman build --isolation oci -t built "$OE_DIR/context" 2>&1 || true)" 'executable file not found in $PATH'
}
build__limits_of_a_step() {
	context <<-'EOF'
		FROM localhost/bb
		RUN df -k /dev/shm | awk 'END{print $2}' >/result
		CMD cat /result
	EOF
	build --memory 64m --cpu-shares 300 --shm-size 3m --cgroup-parent "/$OE_CGROUP/build"
	is result "$(in_bb built)" 3072
}
build__buildah_from_scratch_to_image() {
	local container at
	container=$(bm from scratch)
	at=$(bm mount "$container")
	cp -a "$OE_IMAGES/rootfs/." "$at/"
	bm umount "$container" >/dev/null
	bm config --env A=1 --user 1000 --cmd 'sh -c "id -u; echo $A"' "$container"
	bm run --isolation oci --user 0 "$container" sh -c 'echo made >/made; chown 1000 /made'
	bm commit -q --rm "$container" built >/dev/null
	is image "$(in_bb built | xargs)" "1000 1"
	is file "$(in_bb built stat -c %u /made)" 1000
}
build__buildah_options() {
	local container
	container=$(bm from localhost/bb)
	run() { bm run --isolation oci "$@"; }
	is capabilities "$(run --cap-drop all "$container" awk '/CapEff/{print $2}' /proc/self/status)" 0000000000000000
	is hostname "$(run --hostname box "$container" hostname)" box
	is directory "$(run --workingdir /tmp "$container" pwd)" /tmp
	is env "$(run --env A=1 "$container" sh -c 'echo $A')" 1
	is mount "$(run --mount type=tmpfs,dst=/t "$container" stat -f -c %T /t)" tmpfs
	is net "$(run --network host "$container" readlink /proc/self/ns/net)" "$(readlink /proc/self/ns/net)"
	is pid "$(run --pid host "$container" readlink /proc/self/ns/pid)" "$(readlink /proc/self/ns/pid)"
	is users "$(bm from --name mapped --userns-uid-map 0:200000:65536 --userns-gid-map 0:200000:65536 localhost/bb >/dev/null
		run mapped sh -c 'cat /proc/self/uid_map; stat -c %u /etc/notes' | xargs)" "0 200000 65536 0"
}
