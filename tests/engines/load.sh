# shellcheck shell=bash
# dockerd under load: runtimes take turns, see storm.sh. Sourced by run.sh.
# shellcheck disable=SC1091
source "$HERE/docker.sh"
SCENARIO_SECONDS=${SCENARIO_SECONDS:-900}

engine_version() { echo "Docker $(dockerd --version | sed -E 's/^Docker version ([^,]+),.*/\1/') under load"; }
