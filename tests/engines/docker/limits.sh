# shellcheck shell=bash
# Docker: limits of resources.
source "$HERE/docker/setup.sh"

limits__memory_values() {
	in_background c1 -m 64m --memory-swap 96m --memory-reservation 32m bb sleep 100
	is hard "$(cgroup_value c1 memory memory.limit_in_bytes memory.max)" $((64 << 20))
	is reservation "$(cgroup_value c1 memory memory.soft_limit_in_bytes memory.low)" $((32 << 20))
	is swap "$(cgroup_value c1 memory memory.memsw.limit_in_bytes memory.swap.max)" $((96 << 20))
}
limits__memory_is_enforced() {
	local status
	status=$(status_of docker run --name c1 -m 16m --memory-swap 16m bb sh -c 'head -c 100000000 /dev/zero | tail | wc -c; exit 8')
	is killed "$(inspect c1 '{{.State.OOMKilled}}')" true
	is status "$status" 8
}
limits__smallest_memory_of_docker() { is output "$(in_bb -m 6m bb echo fits)" fits; }
limits__swappiness_and_oom_killer() {
	in_background c1 -m 32m --memory-swappiness 7 --oom-kill-disable bb sleep 100
	is swappiness "$(cgroup_value c1 memory memory.swappiness none)" 7
	has oom "$(cgroup_value c1 memory memory.oom_control none)" "oom_kill_disable 1"
}
limits__processors() {
	in_background c1 --cpus 0.5 --cpu-shares 300 --cpuset-cpus 0 --cpuset-mems 0 bb sleep 100
	is quota "$(cgroup_value c1 cpu cpu.cfs_quota_us cpu.max)" 50000
	is shares "$(cgroup_value c1 cpu cpu.shares cpu.weight)" 300
	is set "$(cgroup_value c1 cpuset cpuset.cpus cpuset.cpus)" 0
	is seen "$(docker exec c1 nproc)" 1
}
limits__period_and_quota() {
	in_background c1 --cpu-period 50000 --cpu-quota 20000 bb sleep 100
	is period "$(cgroup_value c1 cpu cpu.cfs_period_us cpu.max)" 50000
	is quota "$(cgroup_value c1 cpu cpu.cfs_quota_us cpu.max)" 20000
}
limits__processes() {
	in_background c1 --pids-limit 10 bb sleep 100
	is value "$(cgroup_value c1 pids pids.max pids.max)" 10
	has enforced "$(docker exec c1 sh -c 'for i in $(seq 20); do sleep 9 & done' 2>&1 || true)" "can't fork"
}
limits__block_device_rates() {
	local device
	device=/dev/$(lsblk -dno NAME | head -n 1)
	[[ -b $device ]] || skip "no block device"
	in_background c1 --device-read-bps "$device:1mb" --device-write-iops "$device:100" bb sleep 100
	has bps "$(cgroup_value c1 blkio blkio.throttle.read_bps_device io.max)" 1048576
	has iops "$(cgroup_value c1 blkio blkio.throttle.write_iops_device io.max)" 100
}
limits__block_device_weight() {
	[[ -e /sys/fs/cgroup/blkio/blkio.weight || -e /sys/fs/cgroup/blkio/blkio.bfq.weight || -e /sys/fs/cgroup/$OE_CGROUP/io.weight ]] ||
		skip "the machine has no weights of block devices, so dockerd leaves them out"
	in_background c1 --blkio-weight 321 bb sleep 100
	is weight "$(cgroup_value c1 blkio blkio.weight io.weight || cgroup_value c1 blkio blkio.bfq.weight io.bfq.weight)" 321
}
limits__of_the_process() {
	is nofile "$(in_bb --ulimit nofile=100:200 bb sh -c 'ulimit -n; ulimit -Hn' | xargs)" "100 200"
	is core "$(in_bb --ulimit core=0 bb sh -c 'ulimit -c')" 0
	is oom "$(in_bb --oom-score-adj 321 bb cat /proc/self/oom_score_adj)" 321
}
limits__shared_memory_size() {
	is size "$(in_bb --shm-size 8m bb sh -c "df -k /dev/shm | awk 'NR==2{print \$2}'")" 8192
}
limits__own_cgroup_parent() {
	in_background c1 --cgroup-parent "/$OE_CGROUP/nested/deeper" bb sleep 100
	has place "$(cat "/proc/$(pid_of c1)/cgroup")" "/$OE_CGROUP/nested/deeper/"
}
limits__cgroup_is_removed() {
	in_background c1 bb sleep 100
	local id
	id=$(inspect c1 '{{.Id}}')
	find /sys/fs/cgroup -type d -name "$id" | grep -q .
	docker rm -f c1 >/dev/null
	is left "$(find /sys/fs/cgroup -type d -name "$id" | wc -l)" 0
}
limits__cgroup_namespace() {
	in_background c1 --cgroupns private bb sleep 100
	is private "$(docker exec c1 cat /proc/1/cgroup | grep -vc ':/$' || true)" 0
	in_background c2 --cgroupns host bb sleep 100
	has host "$(docker exec c2 cat /proc/1/cgroup)" "/$OE_CGROUP/"
}
limits__cgroup_mount_is_read_only() {
	has mounted "$(in_bb bb grep cgroup /proc/mounts)" " ro,"
	refused in_bb bb sh -c 'cd /sys/fs/cgroup; cd pids || true; mkdir x'
}
