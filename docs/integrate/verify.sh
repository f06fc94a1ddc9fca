#!/bin/sh
# Verifies one event with openssl, for who has nothing else (a CGI script, a queue's filter).
#
#   WEBHOOK_SECRET=whsec_… verify.sh ID TIMESTAMP SIGNATURES < body
#
# Exit code 0: the line signed it within the last five minutes; 1: it did not.
set -eu
id=$1 at=$2 signatures=$3
body=$(mktemp)
trap 'rm -f "$body"' EXIT
cat > "$body"

case $at in '' | *[!0-9]*) echo "no time" >&2; exit 1 ;; esac
age=$(($(date +%s) - at))
if [ "$age" -gt 300 ] || [ "$age" -lt -300 ]; then echo "too old, or a clock is wrong" >&2; exit 1; fi

for secret in $WEBHOOK_SECRET; do
	key=$(printf %s "${secret#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \n')
	want=v1,$({ printf %s.%s. "$id" "$at"; cat "$body"; } | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)
	for got in $signatures; do
		if [ "$got" = "$want" ]; then exit 0; fi
	done
done
echo "not signed by the line" >&2
exit 1
