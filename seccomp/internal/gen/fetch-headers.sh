#!/bin/bash
# Refreshes headers/*.txt from Debian's packages of kernel headers: the system
# call numbers of the architectures that golang.org/x/sys has no table for.
# Each line is a name and a number without the base of its table.
set -euo pipefail
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fetch() { # fetch PACKAGE: unpack it into $tmp/PACKAGE
	(cd "$tmp" && apt-get download "$1" >/dev/null && dpkg -x "$1"_*.deb "$1")
}

numbers() { # numbers OUTPUT PACKAGE HEADER PREFIX
	local header
	header=$(find "$tmp/$2" -path "*/asm/$3" | head -n 1)
	sed -nE "s/^#define $4([a-z0-9_]+)[[:space:]]+\(?(__[A-Za-z0-9_]+[[:space:]]*\+[[:space:]]*)?([0-9]+)\)?.*/\1 \3/p" \
		"$header" >"headers/$1.txt"
}

for arch in i386 mips64 s390x hppa m68k sh4 armhf; do
	fetch "linux-libc-dev-$arch-cross"
done
numbers x32 linux-libc-dev-i386-cross unistd_x32.h __NR_
numbers mips64n32 linux-libc-dev-mips64-cross unistd_n32.h __NR_
numbers s390 linux-libc-dev-s390x-cross unistd_32.h __NR_
numbers parisc linux-libc-dev-hppa-cross unistd_32.h __NR_
numbers parisc64 linux-libc-dev-hppa-cross unistd_64.h __NR_
numbers m68k linux-libc-dev-m68k-cross unistd_32.h __NR_
numbers sh linux-libc-dev-sh4-cross unistd_32.h __NR_
numbers arm-private linux-libc-dev-armhf-cross unistd.h __ARM_NR_
