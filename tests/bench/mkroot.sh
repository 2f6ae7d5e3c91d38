#!/bin/bash
# Makes the private root that everything is measured in: Debian's crun and runc
# with the libraries they need, and a static busybox.
#
#   mkroot.sh DIR [PACKAGE...]   DIR must not exist
#
# The packages come from the mirror that this machine's apt uses. Its path in
# the cache carries a hash of this file: changing it makes a new root.
set -euo pipefail

release=trixie
dir=$1
shift
packages=$(IFS=,; echo "crun,runc,busybox-static${*:+,$*}")

if ! command -v mmdebstrap >/dev/null; then
	echo "bench: installing mmdebstrap" >&2
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends mmdebstrap >&2 </dev/null
fi
# shellcheck source=/dev/null
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
# shellcheck disable=SC2016 # apt replaces it
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $codename" 'Created-By: Packages' | head -n 1)
if [[ -z $mirror ]]; then
	echo "bench: apt knows no mirror for ${codename:-this system}" >&2
	exit 1
fi
echo "bench: making a $release root in $dir (once)" >&2
trap 'rm -rf --one-file-system "$dir"' ERR
mmdebstrap --quiet --variant=essential --include="$packages" "$release" "$dir" "$mirror" >&2
