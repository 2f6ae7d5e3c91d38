#!/bin/bash
# Runs the project's tests in machines of their own: systemd as pid 1, cgroup v2 alone, AppArmor or SELinux.
#
#   run.sh [uml|qemu|image]
#
# Without an argument the machine is user-mode Linux, and QEMU where that does not start; "image" only makes what they
# boot from. Prints what `go test -json`
# would, for internal/testsum. The exit status only says whether the machines ran: a test that failed is in the events.
#
# Environment: TESTS=PATTERN runs only the tests of that name, VM_COUNT=N each so often; VM_CACHE=DIR keeps images (.cache/vm);
# VM_KEEP=DIR gets the output, consoles and journals of the guests; OCIRUN=FILE is the binary to test;
# VM_ACCEL=kvm lets QEMU use the processor's virtualization, where a machine has it.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
MODULE=github.com/ocirun/ocirun
GO=${GO:-go}
say() { printf 'test-vm: %s\n' "$*" >&2; }
die() { say "$*" && exit 1; }

# What the machines must have: the tests that need it fail there instead of being skipped (see OCIRUN_TEST_HAS).
# shellcheck disable=SC2034
HAS_uml="systemd user-manager disk cpu io memory pids"
# shellcheck disable=SC2034
HAS_qemu="$HAS_uml cpuset hugetlb rdma misc"
# Emulation is ten to twenty times slower, so QEMU runs what depends on its kernel.
TESTS_qemu='Cgroup|Update|Events|Limit|Holds|Stats|Devices|Freeze|Kill|Scheduler|MemoryPolicy|AppArmor|SELinux|Systemd|Delegat|TestPs'
SECONDS_uml=900 SECONDS_qemu=2400

main() {
	local kind=${1:-uml} asked=${1:-}
	[[ $kind == uml || $kind == qemu || $kind == image ]] || die "unknown machine $kind: uml or qemu"
	((EUID == 0)) || die "needs root"
	[[ $TOP != *[[:space:]]* ]] || die "the path of the sources has a space in it, which kernel parameters cannot have"
	image=${VM_CACHE:-$TOP/.cache/vm}/$(cat "$HERE/image.sh" "$HERE"/guest/* | sha256sum | head -c 16)
	"$HERE/image.sh" "$image" "${kind/image/uml}"
	[[ $kind != image ]] || exit 0
	work=$(mktemp -d "${TMPDIR:-/tmp}/ocirun-vm.XXXXXX")
	trap finish EXIT
	binaries
	if ! boot_all "$kind"; then
		[[ $kind == uml && ! $asked ]] || exit 1
		say "NOTICE: user-mode Linux does not start here; QEMU follows, slower and with fewer tests"
		kind=qemu
		"$HERE/image.sh" "$image" qemu
		boot_all qemu || exit 1
	fi
	report apparmor
	report selinux
}

finish() {
	if [[ ${VM_KEEP:-} ]]; then
		mkdir -p "$VM_KEEP"
		rm -rf "$work"/*/{bin,changes}
		cp -r "$work"/{apparmor,selinux} "$VM_KEEP/" || true
	fi
	rm -rf --one-file-system "$work"
}

# packages lists the packages with tests that look at a kernel.
packages() {
	(cd "$TOP" && "$GO" list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' \
		./cgroups/... ./libcontainer/... ./tests/integration)
}

binaries() {
	local package
	say "building the tests"
	mkdir "$work/bin"
	export CGO_ENABLED=0
	cd "$TOP"
	if [[ ${OCIRUN:-} ]]; then
		cp "$OCIRUN" "$work/bin/ocirun"
	else
		make --silent build GO="$GO" BIN="$work/bin" >&2
	fi
	"$GO" build -trimpath -buildvcs=false -o "$work/bin/seccomp-agent" ./contrib/seccomp-agent
	"$GO" build -trimpath -buildvcs=false -o "$work/bin/notify" ./tests/integration/notify
	for package in $(packages); do
		"$GO" test -c -o "$work/bin/$(file_name "$package").test" "$package"
	done
}

# file_name turns an import path into a name without slashes.
file_name() {
	local name=${1#"$MODULE"/}
	echo "${name//\//_}"
}

# One machine runs the scenarios with AppArmor, the other the packages and what is about SELinux: both take about as long.
boot_all() {
	local kind=$1 first second failed=0
	plan "$kind" apparmor "$MODULE/tests/integration"
	# shellcheck disable=SC2046
	plan "$kind" selinux $(packages | grep -v /tests/integration) "$MODULE/tests/integration"
	say "starting two machines ($kind)"
	boot "$kind" apparmor &
	first=$!
	boot "$kind" selinux &
	second=$!
	wait "$first" || failed=1
	wait "$second" || failed=1
	return $failed
}

# plan KIND NAME PACKAGE...: the directory that machine NAME shares, with its jobs
plan() {
	local kind=$1 name=$2 package has file pattern=${TESTS:-}
	shift 2
	rm -rf "${work:?}/$name"
	mkdir -p "$work/$name/out"
	cp -rl "$work/bin" "$work/$name/bin"
	has=HAS_$kind
	[[ $kind == uml ]] || pattern=${TESTS:-$TESTS_qemu}
	for package; do
		file=$(file_name "$package")
		[[ $name != selinux || $package != */integration ]] || pattern=SELinux
		echo "$file ${package#"$MODULE"/} $(seconds "$kind") env OCIRUN_TEST_HAS='${!has} $name'" \
			"RUNTIME=/lane/bin/ocirun OCIRUN_TEST_AGENT=/lane/bin/seccomp-agent OCIRUN_TEST_NOTIFY=/lane/bin/notify" \
			"/lane/bin/$file.test -test.v=test2json -test.timeout $(($(seconds "$kind") - 30))s -test.count=${VM_COUNT:-1} -test.run '${pattern:-.}'"
	done >"$work/$name/jobs"
}

seconds() {
	local limit=SECONDS_$1
	echo "${!limit}"
}

# boot KIND NAME: runs the machine until it ends itself; false if it never got as far as its jobs
boot() {
	local kind=$1 name=$2 dir=$work/$2 status=0 begun=$SECONDS words="lsm=$2 apparmor=0 selinux=0"
	[[ $name != apparmor ]] || words="lsm=yama,apparmor apparmor=1"
	[[ $name != selinux ]] || words="lsm=yama,selinux selinux=1 enforcing=0"
	"boot_$kind" "$dir" "quiet loglevel=4 audit=0 panic=-1 $words" || status=$?
	if [[ ! -e $dir/booted ]]; then
		say "the $name machine did not boot (status $status); its last words:"
		tail -n 20 "$dir/console" >&2
		return 1
	fi
	say "the $name machine ran for $((SECONDS - begun)) s (kernel and seconds to boot: $(<"$dir/booted"))"
}

boot_uml() {
	local dir=$1 memory=/dev/shm
	# its memory is a file
	(($(df --output=avail -k /dev/shm | tail -n 1) > 4 << 20)) || memory=$dir
	cd "$image/uml"
	# shellcheck disable=SC2086
	TMPDIR=$memory timeout --kill-after=5 "$SECONDS_uml" env LD_LIBRARY_PATH=. ./linux mem=2048M seccomp=auto \
		ubd0="$dir/changes,$image/root.ext4" root=/dev/ubda rw init=/usr/local/lib/lane/first uml_dir="$dir/" umid=machine \
		con=null con0=null,fd:2 ssl=null lane.modules="$image/uml/modules" lane.source="$TOP" lane.work="$dir" \
		$2 </dev/null >/dev/null 2>"$dir/console"
}

boot_qemu() {
	local dir=$1 accelerator=(-accel "tcg,thread=multi" -cpu "max,la57=off") share shares=()
	[[ ${VM_ACCEL:-} != kvm ]] || accelerator=(-accel kvm -cpu host)
	for share in "modules=$image/qemu/modules" "source=$TOP" "work=$dir"; do
		shares+=(-fsdev "local,id=${share%%=*},path=${share#*=},security_model=passthrough,multidevs=remap"
			-device "virtio-9p-pci,fsdev=${share%%=*},mount_tag=${share%%=*}")
	done
	timeout --kill-after=5 "$SECONDS_qemu" qemu-system-x86_64 "${accelerator[@]}" -smp 2 -m 2048 -machine q35,hpet=off,usb=off \
		-nodefaults -no-user-config -display none -monitor none -no-reboot -kernel "$image/qemu/vmlinuz" -initrd "$image/qemu/initrd" \
		-append "console=ttyS0 mitigations=off clocksource=acpi_pm no_timer_check hugepages=8 $2" \
		-drive "file=$image/root.ext4,format=raw,if=virtio,snapshot=on,cache=unsafe" \
		-object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-pci,rng=rng \
		-serial "file:$dir/console" "${shares[@]}" </dev/null >/dev/null 2>"$dir/qemu"
}

# report NAME: the events of what machine NAME ran; a job without a proper end is a failure
report() {
	local dir=$work/$1 file package status
	while read -r file package _; do
		package="$MODULE/$package ($1)" status=
		[[ ! -e $dir/out/$file ]] || "$GO" tool test2json -p "$package" <"$dir/out/$file"
		[[ ! -e $dir/out/$file.status ]] || status=$(<"$dir/out/$file.status")
		[[ $status == [01] ]] || printf '{"Action":"output","Package":"%s","Output":"%s\\n"}\n{"Action":"fail","Package":"%s"}\n' \
			"$package" "ended with status ${status:-none: the machine was gone before}" "$package"
	done <"$dir/jobs"
}

main "$@"
