#!/bin/bash
# Makes a container engine know ocirun as a runtime named "ocirun", or forget it again.
#
#   install-runtime.sh docker|containerd|podman [--default] [--path BINARY] [--config FILE]
#   install-runtime.sh docker|containerd|podman --undo [--config FILE]
#
#   --default   containers use it unless they ask for another (docker and podman)
#   --path      where ocirun is (default: the one on PATH, else /usr/local/sbin/ocirun)
#   --config    the file to edit: /etc/docker/daemon.json, /etc/containerd/config.toml or
#               /etc/containers/containers.conf.d/50-ocirun.conf
#
# Running it twice is the same as once. The file as it was before the first time is kept
# beside it as FILE.before-ocirun; --undo puts it back, or, if the file was changed since,
# takes out only what was added. Nothing is restarted: the last line says what to do.
set -euo pipefail

readonly begin='# begin: added by ocirun' end='# end: added by ocirun'

fail() {
	echo "install-runtime: $*" >&2
	exit 1
}

usage() {
	sed -n '2,/^set /{s/^# \{0,1\}//;/^set /!p}' "$0"
	exit "${1:-0}"
}

## the file, its backup and the sum of what was written

# replace FILE: puts standard input in its place at once, with the same owner and mode
replace() {
	local file=$1 new
	new=$(mktemp "$file.XXXXXX")
	cat >"$new" || {
		rm -f "$new"
		return 1
	}
	if [[ -e $file ]]; then
		chmod --reference="$file" "$new"
		chown --reference="$file" "$new"
	else
		chmod 644 "$new"
	fi
	sync "$new"
	mv "$new" "$file"
}

# untouched: the file is as it was written, and what was before is known
untouched() {
	[[ -e $config && -e $sum && -e $backup ]] && [[ $(sha256sum <"$config") == "$(<"$sum")" ]]
}

# was_absent: an empty backup that nobody may read stands for no file
was_absent() { [[ ! -s $backup && $(stat -c %a "$backup") == 0 ]]; }

# remember: keeps the file as it is, once. If it was changed after the first time, it is
# kept without what was added then.
remember() {
	untouched && return
	if [[ -e $config && -e $sum && -e $backup ]]; then
		local text
		text=$("${engine}_without") || exit 1
		cp -a "$config" "$backup"
		printf '%s\n' "$text" | replace "$backup"
	elif [[ -e $config ]]; then
		cp -a "$config" "$backup"
	else
		install -m 000 /dev/null "$backup"
	fi
}

# install_text TEXT: writes the new content if it is another
install_text() {
	if [[ -e $config && $(<"$config") == "$1" ]]; then
		echo "$config: nothing to do"
		return
	fi
	remember
	printf '%s\n' "$1" | sha256sum | replace "$sum"
	printf '%s\n' "$1" | replace "$config"
	if was_absent; then echo "$config: written"; else echo "$config: edited, the old one is $backup"; fi
}

# undo: restores the backup, or writes the file without what was added to it
undo() {
	if untouched; then
		if was_absent; then rm "$config" "$backup"; else mv "$backup" "$config"; fi
		echo "$config: as it was before"
	elif [[ -e $config ]]; then
		take_out
	else
		echo "$config: nothing to undo"
	fi
	if [[ -e $backup ]] && was_absent; then rm -f "$backup"; fi
	rm -f "$sum"
}

take_out() {
	local text
	text=$("${engine}_without") || exit 1
	if [[ $text == "$(<"$config")" ]]; then
		echo "$config: nothing to undo"
	elif [[ ! $text && -e $backup ]] && was_absent; then
		rm "$config"
		echo "$config: removed, since nothing else was in it"
	else
		printf '%s\n' "$text" | replace "$config"
		echo "$config: changed since, so only the runtime was taken out"
	fi
}

## docker: JSON

docker_json() { # FILE [JQ OPTIONS...] FILTER
	local text='' file=$1 message
	shift
	[[ ! -s $file ]] || text=$(<"$file")
	[[ $text =~ [^[:space:]] ]] || text='{}'
	message=$(jq . <<<"$text" 2>&1 >/dev/null) || fail "$config is not valid JSON (${message#jq: }); it was not touched"
	message=$(jq "$@" <<<"$text" 2>&1) || fail "$config is no configuration of dockerd (${message#jq: }); it was not touched"
	printf '%s\n' "$message"
}

docker_install() {
	local text
	command -v jq >/dev/null || fail "jq is needed to edit $config"
	# shellcheck disable=SC2016 # the variables are jq's
	text=$(docker_json "$config" --arg path "$path" --argjson default "$default" \
		'.runtimes.ocirun = {path: $path} | if $default then ."default-runtime" = "ocirun" else . end') || exit 1
	install_text "$text"
	echo "now: systemctl reload docker, then: docker run --rm --runtime ocirun IMAGE COMMAND"
}

# docker_without: what the first time replaced comes back; a file without it stays as it is written
docker_without() {
	command -v jq >/dev/null || fail "jq is needed to edit $config"
	local old='{}' now text
	if [[ -e $sum && -s $backup ]]; then old=$(docker_json "$backup" .) || exit 1; fi
	now=$(docker_json "$config" .) || exit 1
	# shellcheck disable=SC2016 # the variables are jq's
	text=$(docker_json "$config" --argjson old "$old" '
		if .runtimes.ocirun == null then .
		elif $old.runtimes.ocirun != null then .runtimes.ocirun = $old.runtimes.ocirun
		else del(.runtimes.ocirun) | if .runtimes == {} and $old.runtimes == null then del(.runtimes) else . end end |
		if ."default-runtime" != "ocirun" then .
		elif $old."default-runtime" != null then ."default-runtime" = $old."default-runtime"
		else del(."default-runtime") end') || exit 1
	if [[ $text == "$now" ]]; then cat "$config"; else printf '%s\n' "$text"; fi
}

## containerd and podman: TOML, in which what was added stands between two marks

without_marks() {
	[[ ! -s $config ]] || awk -v b="$begin" -v e="$end" '
		$0 == b {skip = 1; next}
		$0 == e {skip = 0; next}
		!skip {line[++n] = $0}
		END {
			if (skip) exit 1
			while (n && line[n] == "") n--
			for (i = 1; i <= n; i++) print line[i]
		}' "$config" || fail "$config: the line \"$end\" is gone; it was not touched"
}

containerd_without() { without_marks; }
podman_without() { without_marks; }

# containerd_plugin TEXT: the name of the CRI plugin in a configuration of its version
containerd_plugin() {
	local version
	version=$(sed -nE 's/^[[:space:]]*version[[:space:]]*=[[:space:]]*([0-9]+).*/\1/p' <<<"$1" | head -n 1)
	case ${version:-1} in
	1) echo cri ;;
	2) echo io.containerd.grpc.v1.cri ;;
	3) echo io.containerd.cri.v1.runtime ;;
	*) fail "$config has version $version: only 1, 2 and 3 are known; it was not touched" ;;
	esac
}

# containerd_install: tables may stand in any order, so the new one goes to the end
containerd_install() {
	local plugin table rest text
	[[ $default == false ]] || fail "--default: for containerd set default_runtime_name by hand, or use a RuntimeClass"
	rest=$(containerd_without) || exit 1
	[[ $rest ]] || rest='version = 2'
	plugin=$(containerd_plugin "$rest") || exit 1
	table="plugins.\"$plugin\".containerd.runtimes.ocirun"
	! grep -qE '^[^#]*runtimes\."?ocirun"?[].]' <<<"$rest" || fail "$config has a runtime named ocirun already; it was not touched"
	text="$rest

$begin
[$table]
  runtime_type = \"io.containerd.runc.v2\"
  [$table.options]
    BinaryName = \"$path\"
$end"
	containerd_can_read "$text"
	install_text "$text"
	! grep -qE '^[[:space:]]*disabled_plugins[^#]*cri"' <<<"$rest" ||
		echo "$config: disabled_plugins turns CRI off, which Kubernetes needs"
	echo "now: systemctl restart containerd, then a RuntimeClass with the handler ocirun"
}

# containerd_can_read TEXT: containerd itself tries it, beside the file, before the file is changed
containerd_can_read() {
	command -v containerd >/dev/null || return 0
	local try message status=0
	try=$(mktemp "$config.XXXXXX")
	printf '%s\n' "$1" >"$try"
	message=$(containerd --config "$try" config dump 2>&1 >/dev/null) || status=$?
	rm -f "$try"
	((status == 0)) || fail "containerd cannot read $config with the runtime added (${message##*$'\n'}); it was not touched"
}

podman_install() {
	local selected='' rest
	rest=$(podman_without) || exit 1
	[[ ! $rest ]] || fail "$config has settings of somebody else; it was not touched"
	[[ $default == false ]] || selected='runtime = "ocirun"'$'\n'
	install_text "$begin
[engine]
${selected}runtime_supports_json = [\"crun\", \"runc\", \"kata\", \"runsc\", \"youki\", \"krun\", \"ocirun\"]
runtime_supports_nocgroup = [\"crun\", \"krun\", \"ocirun\"]
[engine.runtimes]
ocirun = [\"$path\"]
$end"
	echo "now: podman --runtime ocirun run --rm IMAGE COMMAND"
}

## the command line

engine=${1:-} config='' path='' default=false action=install
case $engine in
docker) config=/etc/docker/daemon.json ;;
containerd) config=/etc/containerd/config.toml ;;
podman) config=/etc/containers/containers.conf.d/50-ocirun.conf ;;
-h | --help) usage ;;
*) usage 1 >&2 ;;
esac
shift
while (($#)); do
	case $1 in
	--undo) action=undo ;;
	--default) default=true ;;
	--path | --config)
		[[ ${2:-} ]] || fail "$1 needs a value"
		declare "${1#--}=$2"
		shift
		;;
	-h | --help) usage ;;
	*) fail "unknown option $1" ;;
	esac
	shift
done

# A link goes on being one: what it points to is edited.
config=$(realpath -m "$config")
backup=$config.before-ocirun sum=$config.sum-ocirun
[[ ! -e $config || -f $config ]] || fail "$config is not a file"
if [[ $action == undo ]]; then
	undo
	case $engine in
	docker) echo "now: systemctl restart docker, since a reload does not take a runtime away" ;;
	containerd) echo "now: systemctl restart containerd" ;;
	podman) echo "now: containers that have it keep it; remove them before the runtime" ;;
	esac
	exit
fi
path=${path:-$(command -v ocirun || echo /usr/local/sbin/ocirun)}
[[ $path == /* && $path != *[\"\\[:cntrl:]]* ]] || fail "$path: an absolute path without quotes is needed"
[[ -x $path && ! -d $path ]] || fail "$path is not a program"
mkdir -p "$(dirname "$config")"
"${engine}_install"
