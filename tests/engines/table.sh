#!/bin/bash
# table.sh RESULTS "ENGINE..." NAME [OTHER]: prints a Markdown table per engine. Fails if
# NAME failed something that OTHER passed, or if there is no OTHER, anything at all.
set -euo pipefail
results=$1 engines=$2 name=$3 other=${4:-}
status=0
for engine in $engines; do
	printf '\n## %s\n\n' "$(cat "$results/$engine.version")"
	awk -F '\t' -v name="$name" -v other="$other" '
		function mark(verdict) { return verdict == "" ? "-" : verdict == "fail" ? "**fail**" : verdict }
		function note(text) { gsub(/[|`<>]/, " ", text); return substr(text, 1, 200) }
		FNR == NR { ours[$2] = $1; why[$2] = $4; order[++n] = $2; next }
		{ theirs[$2] = $1; reason[$2] = $4 }
		END {
			if (other == "") print "| scenario | " name " | remark |\n|---|---|---|"
			else print "| scenario | " name " | " other " | remark |\n|---|---|---|---|"
			for (i = 1; i <= n; i++) {
				s = order[i]
				text = why[s]
				if (ours[s] == "pass" && text != "") text = name ": " text (other == "" ? "" : "; ")
				if (ours[s] == "pass" && reason[s] != "") text = text other ": " reason[s]
				if (other == "") printf "| %s | %s | %s |\n", s, mark(ours[s]), note(text)
				else printf "| %s | %s | %s | %s |\n", s, mark(ours[s]), mark(theirs[s]), note(text)
				count[ours[s]]++
				if (theirs[s] != "") peer[theirs[s]]++
				if (ours[s] == "fail" && theirs[s] != "fail") bad++
			}
			printf "\n%s: %d pass, %d fail, %d skipped.", name, count["pass"], count["fail"], count["skip"]
			if (other != "") printf " %s: %d pass, %d fail, %d skipped.", other, peer["pass"], peer["fail"], peer["skip"]
			print ""
			exit bad > 0
		}' "$results/$engine.$name.tsv" ${other:+"$results/$engine.$other.tsv"} || status=1
done
exit $status
