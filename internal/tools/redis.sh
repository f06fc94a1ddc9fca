#!/bin/sh
# Prints the path of a redis-server: $ADUAN_REDIS_SERVER, PATH, or the distribution's package unpacked without
# root into .cache/redis. Exits 1, with the reason on stderr, where there is none. Run from the repository's root.
set -u
dir=$PWD/.cache/redis
say() { echo "redis.sh: $*" >&2; }
works() { "$1" --version >/dev/null 2>&1; }

if [ -n "${ADUAN_REDIS_SERVER:-}" ]; then
	works "$ADUAN_REDIS_SERVER" && echo "$ADUAN_REDIS_SERVER" && exit 0
	say "ADUAN_REDIS_SERVER=$ADUAN_REDIS_SERVER does not run"
	exit 1
fi
if [ -z "${ADUAN_REDIS_UNPACK:-}" ] && found=$(command -v redis-server) && works "$found"; then
	echo "$found"
	exit 0
fi
if [ -x "$dir/redis-server" ] && works "$dir/redis-server"; then
	echo "$dir/redis-server"
	exit 0
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
	say "not a system with apt-get and dpkg: nothing to unpack"
	exit 1
fi

# An own state and cache for apt: works without root, and on a machine that has no package lists.
work=$dir/apt
rm -rf "$dir"
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/debs" "$dir/root" || exit 1
apt() {
	apt-get -qq -o Dir::State="$work/state" -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache="$work/cache" \
		-o APT::Sandbox::User=root -o Acquire::Retries=2 -o Acquire::http::Timeout=20 "$@"
}
# redis-server is a link into redis-tools; the rest is what a minimal Debian or Ubuntu lacks for it. A package
# that this release calls otherwise (t64) is skipped: --version below is the judge.
packages="redis-server redis-tools libatomic1 libjemalloc2 liblzf1 libssl3 libssl3t64 liblua5.1-0 lua-cjson lua-bitop"
say "unpacking the distribution's redis-server into .cache/redis (no root needed)"
if ! apt update >&2; then
	say "apt-get update failed: no package list"
	rm -rf "$dir"
	exit 1
fi
(
	cd "$work/debs" || exit 1
	for p in $packages; do apt download "$p" >/dev/null 2>&1 || :; done
)
for deb in "$work"/debs/*.deb; do
	[ -f "$deb" ] && dpkg -x "$deb" "$dir/root"
done
rm -rf "$work"

libs=''
for lib in "$dir"/root/usr/lib/*-linux-gnu* "$dir"/root/lib/*-linux-gnu*; do
	[ -d "$lib" ] && libs="$libs${libs:+:}$lib"
done
# exec keeps the process id, so signals and parent-death signals reach the server itself.
for name in redis-server redis-cli; do
	cat >"$dir/$name" <<EOF
#!/bin/sh
LD_LIBRARY_PATH="$libs\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" exec "$dir/root/usr/bin/$name" "\$@"
EOF
	chmod +x "$dir/$name"
done
if ! works "$dir/redis-server"; then
	say "the unpacked redis-server does not run: $("$dir/redis-server" --version 2>&1 | head -n 1)"
	rm -rf "$dir"
	exit 1
fi
echo "$dir/redis-server"
