#!/bin/sh
# test.sh unit|browser|pictures|faults|soak|bench: runs go test with what the tests need at hand. Run from the repository's root.
# PKG and RUN narrow it, TESTFLAGS are handed on, ADUAN_REQUIRE turns gaps into failures.
set -u
cd "$(dirname "$0")/../.." || exit 1
. internal/tools/lib.sh
PKG=${PKG:-./...}
TESTFLAGS=${TESTFLAGS:-}

# having WORD: the packages of PKG whose test files contain it, so that a narrow run builds only those.
having() {
	$GO list -tags "$2" -f '{{$d := .Dir}}{{$p := .ImportPath}}{{range .TestGoFiles}}{{$p}} {{$d}}/{{.}}
{{end}}{{range .XTestGoFiles}}{{$p}} {{$d}}/{{.}}
{{end}}' $PKG | while read -r pkg file; do
		[ -n "$pkg" ] && grep -q "$1" "$file" && echo "$pkg"
	done | sort -u
}

case ${1:-unit} in
unit)
	want_redis
	want_node
	want_strangers
	want_race
	# One package after another: each starts servers of its own, and two at once starve each other of disk and cores.
	# shellcheck disable=SC2086
	$GO test -p 1 $race -timeout 10m ${RUN:+-run "$RUN"} $TESTFLAGS $PKG
	;;
browser)
	want_redis
	want_chromium
	want_axe
	pkgs=$(having '^func TestBrowser' browser)
	[ -n "$pkgs" ] || { echo "aduan: no browser tests in $PKG"; exit 0; }
	# shellcheck disable=SC2086
	$GO test -tags browser -timeout 10m -run "${RUN:-^TestBrowser}" $TESTFLAGS $pkgs
	;;
pictures)
	want_redis
	want_chromium
	$GO test -tags browser -count=1 -timeout 10m -run '^TestBrowserPicture' ./internal/browsertest -update
	;;
faults)
	want_redis
	want_race
	pkgs=$(having '^func TestFault' faults)
	[ -n "$pkgs" ] || { echo "aduan: no fault tests in $PKG"; exit 0; }
	# shellcheck disable=SC2086
	$GO test $race -tags faults -timeout 30m -run "${RUN:-^TestFault}" $TESTFLAGS $pkgs
	;;
soak)
	want_redis
	# Without the race detector: memory is looked at.
	# shellcheck disable=SC2086
	$GO test -tags soak -timeout 3h -v -run '^TestSoak' $TESTFLAGS ./internal/e2e
	;;
bench)
	want_redis
	pkgs=$(having '^func Benchmark' '')
	[ -n "$pkgs" ] || { echo "aduan: no benchmarks in $PKG"; exit 0; }
	# One package after another: two at once would measure each other.
	# shellcheck disable=SC2086
	$GO test -p 1 -timeout 30m -run '^$' -bench "${RUN:-.}" -benchmem $TESTFLAGS $pkgs
	;;
*)
	echo "test.sh: unknown kind of test: $1; unit, browser, pictures, faults, soak or bench" >&2
	exit 2
	;;
esac
status=$?
told
exit $status
