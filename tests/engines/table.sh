#!/bin/bash
# table.sh RESULTS "ENGINE..." NAME [OTHER]: prints a page with a Markdown table per engine. The
# notes come from the file "differences". The status is 1 if NAME failed something that OTHER
# passed, or if anything failed, or passed with only one of them, that has no note there.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
results=$1 engines=$2 name=$3 other=${4:-}
status=0

heading() {
	cat <<-EOF
		# What engines do with $name

		Written by \`make test-engines\`, which starts each of the engines privately, from its Debian package, runs the
		scenarios of \`tests/engines\` with images that it builds itself, and stops it again. Do not edit.

		Kernel $(uname -r | grep -oE '^[0-9]+\.[0-9]+'), cgroups: $(cgroups_of_machine)${other:+; $(other_version)}. \`-\` stands for a scenario that was not run.
	EOF
}
cgroups_of_machine() {
	if [[ $(stat -f -c %T /sys/fs/cgroup) == cgroup2fs ]]; then echo "version 2"
	elif [[ -d /sys/fs/cgroup/unified ]]; then echo "version 1 with version 2 beside it"
	else echo "version 1"; fi
}
other_version() { "$other" --version 2>/dev/null | head -n 1 || echo "$other"; }

heading
for engine in $engines; do
	printf '\n## %s\n\n' "$(cat "$results/$engine.version")"
	awk -F '\t' -v engine="$engine" -v name="$name" -v other="$other" '
		function mark(verdict) { return verdict == "" ? "-" : verdict == "fail" ? "**fail**" : verdict }
		function plain(text) { gsub(/[|`<>]/, " ", text); return substr(text, 1, 300) }
		function note(s,   text) {
			if ((s) in explained) return explained[s]
			if (ours[s] == "fail") text = name ": " why[s]
			if (theirs[s] == "fail") text = text (text == "" ? "" : "; ") other ": " reason[s]
			if (text != "") { unexplained[s] = 1; return text }
			if (ours[s] == "skip") return why[s]
			if (took[s] > 0 && theirTime[s] > 0) return sprintf("%.2f of the time that it takes with %s", took[s] / theirTime[s], other)
			return why[s] != "" ? why[s] : reason[s]
		}
		FILENAME ~ /differences$/ { if ($1 == engine) explained[$2] = $3; next }
		FILENAME ~ ("\\." name "\\.tsv$") { ours[$2] = $1; why[$2] = $4; took[$2] = $5; order[++n] = $2; next }
		{ theirs[$2] = $1; reason[$2] = $4; theirTime[$2] = $5; if (!($2 in ours)) order[++n] = $2 }
		END {
			if (other == "") print "| scenario | " name " | note |\n|---|---|---|"
			else print "| scenario | " name " | " other " | note |\n|---|---|---|---|"
			for (i = 1; i <= n; i++) {
				s = order[i]
				text = plain(note(s))
				if (other == "") printf "| %s | %s | %s |\n", s, mark(ours[s]), text
				else printf "| %s | %s | %s | %s |\n", s, mark(ours[s]), mark(theirs[s]), text
				count[ours[s]]++
				peer[theirs[s]]++
				if (s in unexplained) bad++
				if (other != "" && ours[s] == "fail" && theirs[s] == "pass") bad++
			}
			printf "\n%s: %d pass, %d fail, %d skipped.", name, count["pass"], count["fail"], count["skip"]
			if (other != "") printf " %s: %d pass, %d fail, %d skipped.", other, peer["pass"], peer["fail"], peer["skip"]
			print ""
			exit bad > 0
		}' "$HERE/differences" "$results/$engine.$name.tsv" ${other:+"$results/$engine.$other.tsv"} || status=1
done
exit $status
