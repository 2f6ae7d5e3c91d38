# shellcheck shell=bash
# contrib/install-runtime.sh: real engines read what it writes. What it does to files has
# tests of its own, tests/install. Sourced by run.sh; see lib.sh.

engine_version() { echo "contrib/install-runtime.sh"; }

# engine_start: a private /etc, and the runtime under the name that is installed
engine_start() {
	mkdir -p "$OE_DIR"/etc/{docker,containerd,containers}
	cp -a /etc/containers/. "$OE_DIR/etc/containers/"
	local engine
	for engine in docker containerd containers; do
		mkdir -p "/etc/$engine"
		inside mount --bind "$OE_DIR/etc/$engine" "/etc/$engine"
	done
	inside mount --make-rshared /
	ln -sfn "$OE_RUNTIME" "$OE_DIR/bin/ocirun"
}
