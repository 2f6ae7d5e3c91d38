# shellcheck shell=bash
# Docker: file systems, volumes and mounts.
source "$HERE/docker/setup.sh"

mount_line() { in_bb "${@:2}" bb grep " $1 " /proc/self/mountinfo; }

files__read_only_root() {
	has refused "$(in_bb --read-only bb touch /x 2>&1 || true)" "Read-only"
	in_bb --read-only --tmpfs /tmp bb touch /tmp/x
	in_bb --read-only bb sh -c 'echo x >/dev/shm/x && touch /dev/null'
}
files__tmpfs() {
	local line
	line=$(mount_line /scratch --tmpfs /scratch:rw,noexec,nosuid,size=1m,mode=0750)
	has options "$line" nosuid
	has options "$line" noexec
	has size "$line" size=1024k
	is mode "$(in_bb --tmpfs /scratch:mode=0750 bb stat -c %a /scratch)" 750
	in_bb --mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700 bb sh -c '[ $(stat -c %a /t) = 700 ]'
	refused in_bb --tmpfs /scratch:size=1m bb sh -c 'head -c 2000000 /dev/zero >/scratch/x'
}
files__named_volume() {
	in_bb -v vol:/data bb sh -c 'echo kept >/data/x'
	is kept "$(in_bb -v vol:/data:ro bb cat /data/x)" kept
	refused in_bb -v vol:/data:ro bb touch /data/y
	is copied "$(in_bb -v vol2:/etc bb sh -c 'ls /etc/notes')" /etc/notes
}
files__volumes_from() {
	docker create --name c1 -v /shared bb >/dev/null
	in_bb --volumes-from c1 bb sh -c 'echo x >/shared/f'
	is seen "$(in_bb --volumes-from c1:ro bb cat /shared/f)" x
}
files__bind() {
	mkdir -p "$OE_DIR/b/d"
	echo text >"$OE_DIR/b/f"
	is directory "$(in_bb -v "$OE_DIR/b:/b" bb cat /b/f)" text
	is file "$(in_bb -v "$OE_DIR/b/f:/etc/new-file" bb cat /etc/new-file)" text
	is over "$(in_bb -v "$OE_DIR/b/f:/etc/notes:ro" bb cat /etc/notes)" text
	refused in_bb -v "$OE_DIR/b:/b:ro" bb touch /b/x
	in_bb -v "$OE_DIR/b:/b" -u 0 bb touch /b/made
	[[ -e $OE_DIR/b/made ]]
	refused in_bb --mount "type=bind,src=$OE_DIR/b/none,dst=/x" bb true
}
files__file_and_directory_do_not_match() {
	echo text >"$OE_DIR/f"
	has message "$(in_bb -v "$OE_DIR/f:/tmp" bb true 2>&1 || true)" "not a directory"
}
files__bind_through_symlink_of_the_image() {
	printf 'FROM bb\nRUN ln -s /srv /link\n' | docker build -q -t linked - >/dev/null
	mkdir -p "$OE_DIR/b"
	echo linked >"$OE_DIR/b/through"
	is behind "$(in_bb -v "$OE_DIR/b:/link/sub" linked cat /srv/sub/through)" linked
	docker rmi linked >/dev/null
}
propagation_with() { # MODE EXPECTED-OPTIONAL-FIELD
	mkdir -p "$OE_DIR/prop"
	mountpoint -q "$OE_DIR/prop" || mount --bind "$OE_DIR/prop" "$OE_DIR/prop"
	mount --make-shared "$OE_DIR/prop"
	mount_line /p -v "$OE_DIR/prop:/p:$1"
}
files__propagation_private() {
	local mode
	for mode in private rprivate; do
		lacks $mode "$(propagation_with $mode)" shared:
		lacks $mode "$(propagation_with $mode)" master:
	done
	umount "$OE_DIR/prop"
}
files__propagation_slave() {
	local mode
	for mode in slave rslave; do has $mode "$(propagation_with $mode)" master:; done
	in_background c1 -v "$OE_DIR/prop:/p:rslave" bb sleep 100
	mkdir -p "$OE_DIR/prop/m"
	mount -t tmpfs x "$OE_DIR/prop/m"
	has arrives "$(docker exec c1 cat /proc/mounts)" " /p/m "
	umount "$OE_DIR/prop/m"
	lacks leaves "$(docker exec c1 cat /proc/mounts)" " /p/m "
	umount "$OE_DIR/prop"
}
files__propagation_shared() {
	local mode
	for mode in shared rshared; do has $mode "$(propagation_with $mode)" shared:; done
	mkdir -p "$OE_DIR/prop/m"
	in_bb --cap-add SYS_ADMIN --security-opt seccomp=unconfined -v "$OE_DIR/prop:/p:rshared" bb mount -t tmpfs x /p/m
	mountpoint -q "$OE_DIR/prop/m"
	umount "$OE_DIR/prop/m" "$OE_DIR/prop"
}
files__bind_not_recursive() {
	mkdir -p "$OE_DIR/tree/sub"
	mount -t tmpfs x "$OE_DIR/tree/sub"
	echo deep >"$OE_DIR/tree/sub/f"
	is recursive "$(in_bb --mount "type=bind,src=$OE_DIR/tree,dst=/t" bb cat /t/sub/f)" deep
	refused in_bb --mount "type=bind,src=$OE_DIR/tree,dst=/t,bind-nonrecursive" bb cat /t/sub/f
	umount "$OE_DIR/tree/sub"
}
files__read_only_bind_with_mounts_below() {
	mkdir -p "$OE_DIR/below/sub"
	mount -t tmpfs x "$OE_DIR/below/sub"
	local bind="type=bind,src=$OE_DIR/below,dst=/t,readonly"
	refused in_bb --mount "$bind" bb touch /t/x
	if docker_before 25; then
		in_bb --mount "$bind" bb touch /t/sub/x
		echo "note: this Docker cannot ask for read-only mounts below: bind-recursive came with Docker 25"
	else
		refused in_bb --mount "$bind" bb touch /t/sub/x
		in_bb --mount "$bind,bind-recursive=writable" bb touch /t/sub/x
		refused in_bb --mount "$bind,bind-recursive=readonly,bind-propagation=rprivate" bb touch /t/sub/x
	fi
	umount "$OE_DIR/below/sub"
}
files__mount_points_of_the_host_keep_their_flags() {
	mkdir -p "$OE_DIR/locked"
	mount -t tmpfs -o nosuid,nodev,noexec x "$OE_DIR/locked"
	local line
	line=$(mount_line /l -v "$OE_DIR/locked:/l:ro")
	has flags "$line" "ro,"
	umount "$OE_DIR/locked"
}
files__nothing_stays_mounted() {
	in_bb -v vol:/data --tmpfs /t bb true
	lacks mounts "$(cat /proc/self/mountinfo)" "$OE_DIR/data/overlay2/"
}
files__names_and_hosts() {
	has hosts "$(in_bb --add-host other:10.1.2.3 bb cat /etc/hosts)" other
	has dns "$(in_bb --dns 10.9.9.9 bb cat /etc/resolv.conf)" 10.9.9.9
	in_bb bb sh -c 'echo x >>/etc/hosts'
}
