#!/bin/sh
# Runs every fuzz target of PKG for FUZZTIME, one after another. A failure leaves its input in testdata/fuzz: commit it.
set -u
cd "$(dirname "$0")/../.." || exit 1
. internal/tools/lib.sh
PKG=${PKG:-./...}
status=0
for dir in $($GO list -f '{{.Dir}}' $PKG); do
	grep -qs '^func Fuzz' "$dir"/*_test.go || continue
	for target in $($GO test -list '^Fuzz' "$dir" | grep '^Fuzz'); do
		echo "== $target ($dir) for ${FUZZTIME:-30s}"
		$GO test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-30s}" "$dir" || status=1
	done
done
exit $status
