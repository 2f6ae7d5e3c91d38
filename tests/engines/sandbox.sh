#!/bin/bash
# First process of an engine's sandbox: makes the private /run, /dev/shm, /sys, cgroup view and
# network, then waits to be killed. OE_CGROUPS selects the cgroup view: "host" (as the
# machine has it), "v1" (without cgroup2) or "v2" (cgroup2 alone).
set -euo pipefail
dir=$1

mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/netns /run/user /run/containerd /run/host-cgroup
mount --rbind /sys/fs/cgroup /run/host-cgroup
umount -R -l /sys
mount -t sysfs sysfs /sys

bind_hierarchies() {
	local at type
	mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
	awk '$2 ~ "^/run/host-cgroup/" && $3 ~ /^cgroup2?$/ {print $2, $3}' /proc/mounts | while read -r at type; do
		[[ $type == cgroup2 && ${OE_CGROUPS:-host} == v1 ]] && continue
		mkdir -p "/sys/fs/cgroup/${at##*/}"
		mount --bind "$at" "/sys/fs/cgroup/${at##*/}"
	done
}

if [[ ${OE_CGROUPS:-host} == v2 || $(stat -f -c %T /run/host-cgroup) == cgroup2fs ]]; then
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
	bind_hierarchies
fi
umount -R -l /run/host-cgroup
rmdir /run/host-cgroup

# Podman keeps its locks there, one set for all that see the same.
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /dev/shm
# An ordinary user's slirp4netns opens the tun device.
if [[ -c /dev/net/tun ]]; then
	mknod -m 666 /run/tun c 10 200
	mount --bind /run/tun /dev/net/tun
fi
mkdir -p "$dir/cni-state" /var/lib/cni
mount --bind "$dir/cni-state" /var/lib/cni

hostname engines
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
touch "$dir/ready"
# tini reaps what engines leave to the first process.
exec tini -s -- sleep infinity
