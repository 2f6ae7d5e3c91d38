#!/bin/bash
# Builds the machine for tests/vm/run.sh from Debian packages: a root file system and the kernels that boot it.
#
#   image.sh DIR [uml|qemu]...      what to build into DIR; "uml" unless said otherwise
#
# What is there already stays. In DIR afterwards: root.ext4 (sparse), uml/ (user-mode Linux with its own C library),
# qemu/ (kernel and initramfs), each with the modules the guest loads. Needs root, amd64 and a Debian whose apt has a
# package source; MIRROR=URI names another one. About a minute, 0.5 GB.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
die() { printf 'vm image: %s\n' "$*" >&2 && exit 1; }
say() { printf 'vm image: %s (%d s)\n' "$*" "$SECONDS" >&2; }

# systemd with what a user's own manager needs, the two label systems, and what scenarios call
PACKAGES=systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,apparmor,selinux-policy-default,policycoreutils
PACKAGES+=,busybox-static,iproute2,kmod,procps,strace,tmux,uidmap
# The kernel of user-mode Linux must be new: old ones trace each system call of the guest.
RELEASE=bookworm UML_RELEASE=sid
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

main() {
	local dir=${1:?usage: image.sh DIR [uml|qemu]...} kernel
	shift
	((EUID == 0)) || die "needs root"
	[[ $(uname -m) == x86_64 ]] || die "the guest is for amd64 only, this is $(uname -m)"
	PATH=$PATH:/usr/sbin:/sbin
	"$HERE/../../.ci/need" mmdebstrap:mmdebstrap mke2fs:e2fsprogs cpio:cpio busybox:busybox-static modprobe:kmod "$KEYRING:debian-archive-keyring" >&2
	# shellcheck disable=SC2016
	mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' "Codename: $RELEASE" 2>/dev/null | head -n 1)}
	[[ $mirror ]] || die "apt knows no package source of Debian $RELEASE: name one by MIRROR=URI"
	mkdir -p "$dir"
	dir=$(cd "$dir" && pwd)
	exec 9>"$dir/lock"
	flock 9 # a build that was begun in the background is waited for
	work=$(mktemp -d "$dir/build.XXXXXX")
	trap 'rm -rf --one-file-system "$work"' EXIT
	for kernel in "${@:-uml}"; do
		[[ $kernel != qemu ]] || "$HERE/../../.ci/need" qemu-system-x86_64:qemu-system-x86 >&2
		[[ -d $dir/$kernel ]] || "build_$kernel" "$dir"
	done
	[[ -e $dir/root.ext4 ]] || build_root "$dir"
	say "ready: $(du -sh --exclude='build.*' "$dir" | cut -f 1)"
}

# fetch RELEASE PACKAGE...: unpacks packages into $work/RELEASE
fetch() {
	local release=$1 state=$work/apt
	shift
	rm -rf "$state" && mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/deb" "$work/$release"
	echo "deb [signed-by=$KEYRING] $mirror $release main" >"$state/sources"
	apt=(-qq -o Dir::Etc::SourceList="$state/sources" -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists="$state/lists"
		-o Dir::Cache="$state/cache" -o Dir::State::Status=/dev/null -o Acquire::Languages=none -o APT::Sandbox::User=root)
	apt-get "${apt[@]}" update >&2 || die "cannot read the package lists of $release at $mirror"
	local package wanted=()
	for package; do
		# a meta-package stands for the versioned one it depends on
		[[ $package != linux-image-* ]] || package=$(apt-cache "${apt[@]}" depends "$package" | awk '/Depends: linux-image-/ {print $2; exit}')
		wanted+=("$package")
	done
	(cd "$state/deb" && apt-get "${apt[@]}" download "${wanted[@]}" >&2) || die "cannot download ${wanted[*]}"
	for package in "$state"/deb/*.deb; do dpkg -x "$package" "$work/$release"; done
}

# User-mode Linux is a program of the host. This one wants a newer C library than the host has, and starts itself again by
# its own path: so the loader's name in it becomes a relative one, found in the directory it is started in.
build_uml() {
	say "user-mode Linux of $UML_RELEASE"
	fetch "$UML_RELEASE" user-mode-linux libc6
	local from=$work/$UML_RELEASE to=$work/uml loader=/lib64/ld-linux-x86-64.so.2 pad
	mkdir -p "$to"
	cp -L "$(find "$from" -name libc.so.6 | head -n 1)" "$(find "$from" -name "${loader##*/}" | head -n 1)" "$to/"
	mv "$to/${loader##*/}" "$to/ld.so"
	pad=$(printf '\\x00%.0s' $(seq $((${#loader} - 5))))
	LC_ALL=C sed "s|$loader|ld.so$pad|" "$from/usr/bin/linux.uml" >"$to/linux"
	chmod 755 "$to/linux"
	mv "$from"/usr/lib/uml/modules/* "$to/modules"
	mv "$to" "$1/uml"
}

# The kernel for QEMU comes with drivers as modules: an initramfs loads those for the disk and the shared folders.
build_qemu() {
	say "kernel of $RELEASE for QEMU"
	fetch "$RELEASE" linux-image-amd64
	local from=$work/$RELEASE to=$work/qemu tree=$work/initramfs version module
	version=$(basename "$from"/lib/modules/*)
	mkdir -p "$to" "$tree"/{bin,modules,proc,dev,root}
	cp "$from/boot/vmlinuz-$version" "$to/vmlinuz"
	depmod -b "$from" "$version"
	for module in virtio_pci virtio_blk ext4 crc32c_generic 9p 9pnet_virtio; do
		modprobe -d "$from" -S "$version" --show-depends "$module" | sed -n 's/^insmod //p'
	done | awk '!seen[$1]++' | while read -r module; do
		cp "$module" "$tree/modules/"
		basename "$module" >>"$tree/modules/order"
	done
	cp "$(command -v busybox)" "$tree/bin/busybox"
	install -m 755 "$HERE/guest/initramfs-init" "$tree/init"
	(cd "$tree" && find . | cpio --quiet -o -H newc | gzip -1) >"$to/initrd"
	mv "$from/lib/modules/$version" "$to/modules"
	rm -rf "$to"/modules/kernel/{sound,drivers/{gpu,media,infiniband,scsi,usb,iio,input,hwmon,staging,net/{wireless,ethernet}}}
	mv "$to" "$1/qemu"
}

build_root() {
	say "root file system"
	mkdir "$work/root"
	mmdebstrap --quiet --mode=root --variant=minbase --include="$PACKAGES" \
		--aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		--customize-hook="$HERE/guest/customize \"\$1\"" \
		"$RELEASE" "$work/root" "deb [signed-by=$KEYRING] $mirror $RELEASE main" >&2 || die "mmdebstrap cannot build Debian $RELEASE from $mirror"
	truncate -s 4G "$work/root.ext4"
	mke2fs -q -t ext4 -O ^has_journal -E lazy_itable_init=1,root_owner=0:0 -m 0 -d "$work/root" "$work/root.ext4"
	mv "$work/root.ext4" "$1/"
}

main "$@"
