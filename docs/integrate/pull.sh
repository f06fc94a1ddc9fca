#!/bin/sh
# Pulls the line's events with curl: no webhook, no open port. Each page is a file; where to go on is kept beside them.
#
#   LINE=http://127.0.0.1:8080 KEY=… pull.sh FOLDER [once]
#
# It waits up to 30 seconds for the next event; with "once" it ends where nothing more is there.
set -eu
folder=$1 once=${2:-}
mkdir -p "$folder"
cursor=$folder/next
page=$(ls "$folder" | grep -c '\.json$' || true)
wait=30s
if [ "$once" = once ]; then wait=0s; fi

while :; do
	after=$(cat "$cursor" 2> /dev/null || true)
	if ! curl -sS --fail --max-time 60 -H "Authorization: Bearer $KEY" -o "$folder/new" \
		--get --data-urlencode "after=$after" -d limit=100 -d wait=$wait "$LINE/v1/events"; then
		sleep 5 # the line is away, or says too many: again
		continue
	fi
	next=$(sed -n 's/.*"next":"\([^"]*\)"}[[:space:]]*$/\1/p' "$folder/new")
	if grep -q '"items":\[\]' "$folder/new"; then
		rm "$folder/new"
		if [ "$once" = once ]; then exit 0; fi
	else
		page=$((page + 1))
		mv "$folder/new" "$folder/$(printf %08d "$page").json" # first what was told, then where to go on
	fi
	if [ -n "$next" ]; then printf %s "$next" > "$cursor.new" && mv "$cursor.new" "$cursor"; fi
done
