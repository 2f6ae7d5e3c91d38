# shellcheck shell=bash
# Docker: other images than busybox, a whole distribution and one program alone.
source "$HERE/docker/setup.sh"

image__debian_with_its_own_users() {
	local script='useradd -m -s /bin/bash someone && su - someone -c "id -un; pwd; echo \$SHELL"'
	is login "$(in_bb debian sh -c "$script" | xargs)" "someone /home/someone /bin/bash"
	is set_user_id "$(in_bb debian sh -c 'useradd x && echo x:word | chpasswd && echo word | setpriv --reuid x --regid x --clear-groups su -c id\ -un x 2>/dev/null')" x
	has no_new_privileges "$(in_bb --security-opt no-new-privileges debian sh -c \
		'useradd x && echo x:word | chpasswd && echo word | setpriv --reuid x --regid x --clear-groups su -c id\ -un x 2>&1' || true)" ailure
}
image__debian_package_manager() {
	is audit "$(in_bb debian dpkg --audit)" ""
	cat >"$OE_DIR/Dockerfile" <<-'EOF'
		FROM debian
		RUN mkdir -p /p/DEBIAN /p/opt && echo data >/p/opt/file && \
		    printf 'Package: own\nVersion: 1\nArchitecture: all\nMaintainer: me <me@example.org>\nDescription: x\n' >/p/DEBIAN/control && \
		    printf '#!/bin/sh\nadduser --system --group --no-create-home own >/dev/null || groupadd own\nchgrp own /opt/file\n' >/p/DEBIAN/postinst && \
		    chmod 755 /p/DEBIAN/postinst && dpkg-deb --build /p /own.deb
		RUN dpkg -i /own.deb && dpkg -s own | grep -q 'install ok installed'
		RUN perl -e 'print join(",", map { $_ * 2 } 1..3), "\n"' >/result
	EOF
	DOCKER_BUILDKIT=0 docker build -q -t installed - <"$OE_DIR/Dockerfile" >/dev/null
	is installed "$(in_bb installed sh -c 'cat /result; stat -c %G /opt/file' | xargs)" "2,4,6 own"
	docker rmi installed >/dev/null
}
image__debian_shell_on_a_terminal() {
	local out
	out=$( (sleep 2; echo 'sleep 50 & jobs; kill %1; echo sum $((6*7)); tty'; sleep 1.5; echo 'exit 3'; sleep 1) |
		script -qec "$DOCKER run --rm -it debian bash --norc; echo status \$?" /dev/null)
	has job "$out" "[1]+  Running"
	has sum "$out" "sum 42"
	has terminal "$out" /dev/pts/
	lacks job_control "$out" "no job control"
	has status "$out" "status 3"
}
image__web_server_without_a_shell() {
	in_background c1 -p 127.0.0.1:8088:80 --read-only --cap-drop ALL --cap-add NET_BIND_SERVICE -u 65534:65534 -e WORD=given \
		--health-cmd none --sysctl net.ipv4.ip_unprivileged_port_start=80 web
	eventually 10 wget -q -T 5 -O - http://127.0.0.1:8088/
	is around "$(wget -q -T 5 -O - http://127.0.0.1:8088/environment)" "1 65534 given"
	docker exec c1 /web -check
	is no_shell "$(status_of docker run --rm --entrypoint sh web)" 127
	docker stop -t 20 c1 >/dev/null
	is status "$(inspect c1 '{{.State.ExitCode}}')" 0
	is logs "$(docker logs c1)" goodbye
}
image__health_check_without_a_shell() {
	printf 'FROM web\nHEALTHCHECK --interval=300ms --retries=20 CMD ["/web", "-check"]\nSTOPSIGNAL SIGTERM\n' |
		docker build -q -t checked - >/dev/null
	in_background c1 checked
	eventually 20 health_is c1 healthy
	docker rm -f c1 >/dev/null
	docker rmi checked >/dev/null
}
