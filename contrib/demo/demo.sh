#!/bin/bash
# Makes a busybox bundle, runs it and looks around inside.
#
#   contrib/demo/demo.sh [path to ocirun]      (as root; `make demo` calls it)
set -euo pipefail

ocirun=$(realpath "${1:-bin/ocirun}")
busybox=$(command -v busybox)
work=$(mktemp -d /tmp/ocirun-demo.XXXXXX)
id=demo-$$
trap '"$ocirun" delete --force "$id" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say "1. A root file system: one static busybox and its links"
rootfs=$work/rootfs
mkdir -p "$rootfs"/{bin,etc,proc,sys,dev,tmp}
cp "$busybox" "$rootfs/bin/busybox"
for applet in $("$busybox" --list); do
	[[ $applet == busybox ]] || ln -s busybox "$rootfs/bin/$applet"
done
echo 'root:x:0:0:root:/:/bin/sh' >"$rootfs/etc/passwd"
cat >"$rootfs/look-around" <<'INSIDE'
#!/bin/sh
echo "hostname   $(hostname)"
echo "pid        $$, and all there are:"
ps -o pid,user,args | sed 's/^/             /'
echo "mounts     $(wc -l </proc/self/mounts), for example:"
grep -E ' (/|/proc|/dev|/dev/shm|/sys) ' /proc/self/mounts | cut -c1-90 | sed 's/^/             /'
limit() { for f in "$@"; do [ -r "$f" ] && { cat "$f"; return; }; done; echo "?"; }
cg=/sys/fs/cgroup
echo "memory     $(limit $cg/memory.max $cg/memory/memory.limit_in_bytes) bytes at most"
echo "processes  $(limit $cg/pids.max $cg/pids/pids.max) at most"
echo "files      $(ulimit -n) open at most"
echo "powers     $(grep CapEff /proc/self/status | cut -f2) (capabilities), no_new_privs $(grep NoNewPrivs /proc/self/status | cut -f2)"
echo "read-only  $(touch /x 2>&1)"
INSIDE
chmod +x "$rootfs/look-around"
echo "$rootfs ($(find "$rootfs/bin" | wc -l) commands)"

say "2. A configuration: ocirun spec, with a program, a host name and limits"
"$ocirun" spec --bundle "$work"
"$busybox" sed -i \
	-e 's/"terminal": true/"terminal": false/' \
	-e 's|"sh"|"/look-around"|' \
	-e 's/"hostname": "[^"]*"/"hostname": "demo"/' \
	-e 's|"resources": {|"resources": {"memory": {"limit": 33554432}, "pids": {"limit": 16},|' \
	"$work/config.json"
echo "$work/config.json"

say "3. What ocirun is going to do: ocirun explain"
"$ocirun" explain --bundle "$work" >"$work/plan"
head -n 12 "$work/plan"
echo "  ... $(wc -l <"$work/plan") lines"

say "4. ocirun run"
"$ocirun" run --bundle "$work" "$id"

say "5. And nothing is left"
"$ocirun" list
