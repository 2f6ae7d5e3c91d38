#!/bin/bash
# Makes a CRIU that is newer than the machine's, for tests: CRIU of an older release may not work on a newer kernel.
#
#   criu.sh DIR     DIR gets CRIU and its libraries, once; DIR/bin, which has the program criu, is printed
set -euo pipefail

release=trixie
dir=$1
if [[ ! -x $dir/bin/criu ]]; then
	if ! command -v mmdebstrap >/dev/null; then
		echo "criu: installing mmdebstrap" >&2
		DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends mmdebstrap >&2 </dev/null
	fi
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	# shellcheck disable=SC2016 # apt replaces it
	mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $codename" 'Created-By: Packages' | head -n 1)
	if [[ -z $mirror ]]; then
		echo "criu: apt knows no mirror for ${codename:-this system}" >&2
		exit 1
	fi
	echo "criu: unpacking that of $release in $dir (once)" >&2
	rm -rf --one-file-system "$dir"
	mkdir -p "$dir"
	mmdebstrap --quiet --variant=extract --include=criu "$release" "$dir/root" "$mirror" >&2
	dir=$(realpath "$dir")
	libraries=$(find "$dir/root/usr/lib" -maxdepth 1 -type d -name '*-linux-gnu')
	loader=$(find "$libraries" -maxdepth 1 -name 'ld-linux*')
	mkdir "$dir/bin.new"
	printf '#!/bin/sh\nexec %q --library-path %q %q "$@"\n' "$loader" "$libraries" "$dir/root/usr/sbin/criu" >"$dir/bin.new/criu"
	chmod 0755 "$dir/bin.new/criu"
	mv "$dir/bin.new" "$dir/bin"
fi
realpath "$dir/bin"
