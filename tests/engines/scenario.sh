#!/bin/bash
# scenario.sh FILE NAME: runs one scenario, inside the sandbox. Status 77 means skipped.
set -Eeuo pipefail
source "$(dirname "$0")/lib.sh"

trap 'echo "line $LINENO: $BASH_COMMAND" >&2' ERR

skip() {
	echo "skip: $*"
	exit 77
}

# is WHAT GOT WANTED
is() {
	[[ $2 == "$3" ]] || {
		echo "$1: got [$2], want [$3]" >&2
		exit 1
	}
}

# has WHAT TEXT PART
has() {
	[[ $2 == *"$3"* ]] || {
		echo "$1: [$2] lacks [$3]" >&2
		exit 1
	}
}

# lacks WHAT TEXT PART
lacks() {
	[[ $2 != *"$3"* ]] || {
		echo "$1: [$2] contains [$3]" >&2
		exit 1
	}
}

# status_of COMMAND...: prints its exit status, discards its output
status_of() {
	local status=0
	"$@" >/dev/null 2>&1 </dev/null || status=$?
	echo $status
}

# refused COMMAND...: it must fail
refused() {
	if "$@"; then
		echo "succeeded: $*" >&2
		exit 1
	fi
}

# on_terminal COMMAND: runs the shell text on a terminal of 100 columns and 30 rows. Its
# input stays open for a while: the end of it is typed into the terminal, echoed as ^@.
on_terminal() { script -qec "stty cols 100 rows 30; $1" /dev/null < <(exec sleep 3 >/dev/null 2>&1) |
	tr -d '\r' | sed 's/^^@//'; }

engine_reset() { :; }
# shellcheck disable=SC1090
source "$1"
trap engine_reset EXIT
"$2"
