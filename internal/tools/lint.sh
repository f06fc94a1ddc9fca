#!/bin/sh
# lint.sh: golangci-lint (.golangci.yml), then govulncheck. lint.sh fmt: gofumpt over all files.
# The tools' versions stand in internal/tools/go.mod; they are built once into .cache/tools.
set -u
cd "$(dirname "$0")/../.." || exit 1
. internal/tools/lib.sh
bin=$PWD/.cache/tools

# A stamp of go.mod, so that a new version there is built.
want=$($GO version | cut -d' ' -f3)-$(cksum <internal/tools/go.mod | tr ' ' -)
if [ ! -x "$bin/golangci-lint" ] || [ ! -x "$bin/govulncheck" ] || [ "$(cat "$bin/stamp" 2>/dev/null)" != "$want" ]; then
	echo "aduan: building golangci-lint and govulncheck (once, a minute or two)"
	GOBIN=$bin GOFLAGS=-mod=readonly $GO -C internal/tools install tool || exit 1
	echo "$want" >"$bin/stamp"
fi
if [ "${1:-}" = fmt ]; then
	exec "$bin/golangci-lint" fmt
fi

"$bin/golangci-lint" run ./... || exit 1

# The database is not reachable everywhere: a missing answer is told, never a failure. Code 3: something was found.
out=$("$bin/govulncheck" ./... 2>&1)
case $? in
0) echo "aduan: govulncheck: no known vulnerability is reached" ;;
3)
	echo "$out"
	exit 1
	;;
*)
	echo "$out" | head -n 3
	echo "aduan: govulncheck had no answer (see above): known vulnerabilities went unchecked"
	;;
esac
