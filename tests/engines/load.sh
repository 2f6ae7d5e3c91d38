# shellcheck shell=bash
# dockerd under load: the times of one runtime are not disturbed by the other's, see run.sh.
# shellcheck disable=SC1091
source "$HERE/docker.sh"

engine_version() { echo "Docker $(dockerd --version | sed -E 's/^Docker version ([^,]+),.*/\1/') under load"; }
