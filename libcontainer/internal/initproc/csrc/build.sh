#!/bin/sh
# Builds the init for every architecture into ../blob, and the relay into that of its
# package, byte for byte the same wherever the pinned compiler runs: no debug information,
# no build id, no paths.
# Usage: build.sh             build in place
#        build.sh --verify    build elsewhere and compare
set -eu
cd "$(dirname "$0")"
verify=
if [ "${1:-}" = --verify ]; then
	verify=$(mktemp -d)
	trap 'rm -rf "$verify"' EXIT
fi
cc=${INIT_CC:-clang-14}
ld=${INIT_LD:-ld.lld-14}

flags="-std=c11 -Os -ffreestanding -fno-builtin -fno-stack-protector -fno-pic -fno-pie
 -fno-asynchronous-unwind-tables -fno-unwind-tables -fomit-frame-pointer -fno-ident -g0
 -fno-strict-aliasing -Wall -Wextra -Werror -Wno-missing-braces"

build() { # program, directory, architecture, target, further flags
	program=$1 dir=$2 out=${verify:-$2}/$1_$3 target=$4
	shift 4
	mkdir -p "$(dirname "$out")"
	# shellcheck disable=SC2086 # the flags are words
	"$cc" --target="$target" $flags "$@" -c "$program.c" -o "$out.o"
	"$ld" -static -nostdlib --build-id=none -z noseparate-code -z nognustack -z norelro \
		-z max-page-size=4096 --hash-style=sysv --gc-sections -T init.ld -o "$out" "$out.o"
	"${INIT_STRIP:-llvm-strip-14}" --strip-all --strip-sections "$out"
	rm "$out.o"
	[ -z "$verify" ] || cmp "$out" "$dir/${out##*/}"
}

for p in init:../blob relay:../../relay/blob; do
	build "${p%%:*}" "${p#*:}" amd64 x86_64-linux-gnu -mno-implicit-float -mno-sse -mno-red-zone
	build "${p%%:*}" "${p#*:}" arm64 aarch64-linux-gnu -mgeneral-regs-only
	build "${p%%:*}" "${p#*:}" riscv64 riscv64-linux-gnu -march=rv64imac -mabi=lp64 -mno-relax -mcmodel=medany
done
[ -z "$verify" ] || echo "the committed init and relay are what their sources compile to"
