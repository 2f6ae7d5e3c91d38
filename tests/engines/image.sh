#!/bin/bash
# image.sh DIR [debian]: builds the test images, without a registry: busybox in every form
# that engines load (rootfs.tar, bb.oci.tar, bb.docker.tar and pause.oci.tar), a static web
# server alone (web.tar), and if asked for the smallest Debian (debian.tar). OE_CACHE keeps
# the last one for the next time.
set -euo pipefail
out=$1
here=$(cd "$(dirname "$0")" && pwd)
[[ -e $out/done ]] && exit 0
rm -rf "$out"
root=$out/rootfs
mkdir -p "$root"/{bin,sbin,etc,proc,sys,dev,tmp,root,var,run,usr/bin,usr/sbin,home/u,srv,mnt}
chmod 1777 "$root/tmp"
cp "$(command -v busybox)" "$root/bin/busybox"
# Hard links: a mask over one program must not hide them all, as it would through symlinks.
for applet in $(busybox --list); do
	[[ $applet == busybox ]] || ln -f "$root/bin/busybox" "$root/bin/$applet"
done
cat >"$root/etc/passwd" <<EOF
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/:/bin/sh
u:x:1000:1000:u:/home/u:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/sh
EOF
cat >"$root/etc/group" <<EOF
root:x:0:
daemon:x:1:
audio:x:29:u
u:x:1000:
nogroup:x:65534:
EOF
echo "hello from the web" >"$root/srv/index.html"
echo "not a program" >"$root/etc/notes"
chown 1000:1000 "$root/home/u"
# busybox drops set-user-id rights by itself; a copy of a program that does not shows them.
cp "$(command -v tini-static)" "$root/bin/init-static"
tar -C "$root" --numeric-owner -cf "$out/rootfs.tar" .

umoci init --layout "$out/oci" >/dev/null
umoci new --image "$out/oci:latest" >/dev/null
umoci raw add-layer --image "$out/oci:latest" "$out/rootfs.tar" >/dev/null 2>&1
arch=$(dpkg --print-architecture)
umoci config --image "$out/oci:latest" --config.env PATH=/bin:/sbin:/usr/bin:/usr/sbin \
	--config.cmd /bin/sh --architecture "$arch" --os linux >/dev/null
umoci tag --image "$out/oci:latest" pause >/dev/null
umoci config --image "$out/oci:pause" --config.entrypoint /bin/sleep --config.cmd 2147483647 >/dev/null
copy() { skopeo --insecure-policy copy -q "oci:$out/oci:$1" "$2"; }
copy latest "oci-archive:$out/bb.oci.tar:docker.io/local/bb:latest"
copy latest "docker-archive:$out/bb.docker.tar:docker.io/local/bb:latest"
copy pause "oci-archive:$out/pause.oci.tar:docker.io/local/pause:3"

mkdir "$out/web"
# WEB names a server that is built already.
if [[ ${WEB:-} ]]; then cp "$WEB" "$out/web/web"; else
	(cd "$here/web" && CGO_ENABLED=0 "${GO:-go}" build -trimpath -ldflags '-s -w' -o "$out/web/web" .)
fi
tar -C "$out/web" --numeric-owner --owner 0 --group 0 -cf "$out/web.tar" web

make_debian() {
	local cache=${OE_CACHE:-$out}/debian.tar mirror codename
	if [[ ! -e $cache ]]; then
		codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
		mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $codename" 'Created-By: Packages' | head -n 1)
		mkdir -p "${cache%/*}"
		mmdebstrap --quiet --variant=minbase "$codename" "$cache.new.tar" "${mirror:?apt knows no mirror}" || return 1
		mv "$cache.new.tar" "$cache"
	fi
	[[ $cache -ef $out/debian.tar ]] || ln -f "$cache" "$out/debian.tar" 2>/dev/null || cp "$cache" "$out/debian.tar"
}
[[ ${2:-} != debian ]] || make_debian
touch "$out/done"
