# Sourced by the other scripts, from the root of the repository.
# gap NAME WHAT FIX: something is missing. Fails where ADUAN_REQUIRE names it, else remembers it for the last line.

GO=${GO:-go}
gaps=''

required() {
	case ",${ADUAN_REQUIRE:-}," in
	*,all,* | *",$1,"*) return 0 ;;
	esac
	return 1
}

gap() {
	echo "aduan: $2; $3" >&2
	if required "$1"; then
		echo "aduan: ADUAN_REQUIRE=$ADUAN_REQUIRE asks for $1: stopped" >&2
		exit 1
	fi
	gaps="$gaps
  - $2; $3"
}

told() {
	[ -z "$gaps" ] || echo "aduan: left out:$gaps" >&2
}

# want_redis exports ADUAN_REDIS_SERVER, or names the gap.
want_redis() {
	if ADUAN_REDIS_SERVER=$(sh internal/tools/redis.sh); then
		export ADUAN_REDIS_SERVER
		echo "aduan: redis-server: $ADUAN_REDIS_SERVER"
	else
		unset ADUAN_REDIS_SERVER
		gap redis "no redis-server: what is kept through crashes goes untested" \
			"install the package redis-server (apt install redis-server, brew install redis)"
	fi
}

# want_npm NAME UNTESTED brings what stands in internal/e2e/node/package-lock.json by npm: node-smpp, a stranger's
# SMSC and telephone, and axe-core. The gap is called NAME; UNTESTED says what is left out without it.
want_npm() {
	dir=internal/e2e/node
	have=$dir/node_modules/.package-lock.json # npm writes it last
	if [ -f $have ] && ! [ $dir/package-lock.json -nt $have ]; then
		return 0
	fi
	if ! command -v npm >/dev/null 2>&1; then
		gap "$1" "no npm: $2" "install the packages nodejs and npm"
	elif ! npm --prefix $dir ci --no-audit --no-fund --loglevel=error >&2; then
		gap "$1" "npm could not bring its packages: $2" "see its message above"
	fi
}

want_node() {
	if ! command -v node >/dev/null 2>&1; then
		gap node "no node: a stranger's SMSC goes untested" "install the packages nodejs and npm"
		return 0
	fi
	want_npm node "a stranger's SMSC goes untested"
}

# want_strangers names those whom SMPP and metrics are tried with and who are not here.
want_strangers() {
	perl -MNet::SMPP -MIO::Socket::SSL -MJSON::PP -e1 2>/dev/null ||
		gap net-smpp "no Net::SMPP: Perl's SMSC and ESME go untested" "install the packages libnet-smpp-perl and libio-socket-ssl-perl"
	[ -x /usr/sbin/bearerbox ] || command -v "${ADUAN_BEARERBOX:-bearerbox}" >/dev/null 2>&1 ||
		gap kannel "no bearerbox: Kannel as an ESME goes untested" "install the package kannel"
	command -v "${ADUAN_TSHARK:-tshark}" >/dev/null 2>&1 ||
		gap tshark "no tshark: whether captures can be read goes untested" "install the package tshark"
	command -v "${ADUAN_PROMTOOL:-promtool}" >/dev/null 2>&1 ||
		gap promtool "no promtool: the alert rules are only evaluated by the suite" "install the package prometheus"
}

want_axe() {
	[ -n "${ADUAN_AXE:-}" ] || want_npm axe "whether the pages are accessible goes untested"
}

# want_race sets race to -race where cgo and a C compiler make that possible.
want_race() {
	race=''
	cc=$($GO env CC)
	if [ "$($GO env CGO_ENABLED)" = 1 ] && command -v "${cc%% *}" >/dev/null 2>&1; then
		race=-race
	else
		gap race "no C compiler: tests run without -race" "install gcc or clang"
	fi
}

want_chromium() {
	for browser in ${ADUAN_CHROMIUM:-chromium chromium-browser google-chrome google-chrome-stable chrome}; do
		if command -v "$browser" >/dev/null 2>&1; then return 0; fi
	done
	gap chromium "no chromium: the pages go untested" "install the package chromium"
}
