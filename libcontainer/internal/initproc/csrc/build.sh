#!/bin/sh
# Builds the init for every architecture into ../blob, byte for byte the same
# wherever the pinned compiler runs: no debug information, no build id, no paths.
# Usage: build.sh             build into ../blob
#        build.sh --verify    build elsewhere and compare with ../blob
set -eu
cd "$(dirname "$0")"
out=../blob
if [ "${1:-}" = --verify ]; then
	out=$(mktemp -d)
	trap 'rm -rf "$out"' EXIT
fi
cc=${INIT_CC:-clang-14}
ld=${INIT_LD:-ld.lld-14}
mkdir -p "$out"

flags="-std=c11 -Os -ffreestanding -fno-builtin -fno-stack-protector -fno-pic -fno-pie
 -fno-asynchronous-unwind-tables -fno-unwind-tables -fomit-frame-pointer -fno-ident -g0
 -fno-strict-aliasing -Wall -Wextra -Werror -Wno-missing-braces"

build() { # name, target, further flags
	name=$1 target=$2
	shift 2
	# shellcheck disable=SC2086 # the flags are words
	"$cc" --target="$target" $flags "$@" -c init.c -o "$out/init_$name.o"
	"$ld" -static -nostdlib --build-id=none -z noseparate-code -z nognustack -z norelro \
		-z max-page-size=4096 --hash-style=sysv --gc-sections -T init.ld \
		-o "$out/init_$name" "$out/init_$name.o"
	"${INIT_STRIP:-llvm-strip-14}" --strip-all --strip-sections "$out/init_$name"
	rm "$out/init_$name.o"
}

build amd64 x86_64-linux-gnu -mno-implicit-float -mno-sse -mno-red-zone
build arm64 aarch64-linux-gnu -mgeneral-regs-only
build riscv64 riscv64-linux-gnu -march=rv64imac -mabi=lp64 -mno-relax -mcmodel=medany

if [ "$out" != ../blob ]; then
	for arch in amd64 arm64 riscv64; do
		cmp "$out/init_$arch" "../blob/init_$arch"
	done
	echo "the committed init is what its source compiles to"
fi
