# shellcheck shell=bash
# Docker: building images.
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
build__buildkit_mounts() {
	rm -rf "$OE_DIR/context"
	mkdir -p "$OE_DIR/context"
	echo from-context >"$OE_DIR/context/file"
	echo hush >"$OE_DIR/secret"
	cat >"$OE_DIR/context/Dockerfile" <<-'EOF'
		FROM bb
		RUN --mount=type=bind,target=/ctx cat /ctx/file >/seen
		RUN --mount=type=cache,target=/cache echo kept >/cache/f
		RUN --mount=type=cache,target=/cache cat /cache/f >>/seen
		RUN --mount=type=tmpfs,target=/t touch /t/x && grep -q ' /t tmpfs' /proc/mounts
		RUN --mount=type=secret,id=word cat /run/secrets/word >>/seen
		CMD ["cat", "/seen"]
	EOF
	DOCKER_BUILDKIT=1 docker build -q --secret "id=word,src=$OE_DIR/secret" -t mounts "$OE_DIR/context" >/dev/null
	is seen "$(in_bb mounts | xargs)" "from-context kept hush"
	docker rmi mounts >/dev/null
}
build__classic_limits() {
	local text
	text=$(printf 'FROM bb\nRUN ulimit -n; awk "/CapBnd/{print \$2}" /proc/self/status; id -u; df -k /dev/shm | awk "NR==2{print \$2}"\n' |
		DOCKER_BUILDKIT=0 docker build --no-cache -m 64m --ulimit nofile=111:222 --shm-size 8m - 2>&1)
	has nofile "$text" $'\n111\n00000000a80425fb\n0\n8192\n'
}
build__buildkit_cancelled() {
	printf 'FROM bb\nRUN sleep 300\n' >"$OE_DIR/slow"
	refused timeout -s INT 4 env DOCKER_BUILDKIT=1 "$DOCKER" build --progress plain - <"$OE_DIR/slow"
	eventually 10 no_process 'sleep 300'
}
