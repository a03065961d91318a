#!/usr/bin/env bash
# Judges Postroom's Telegram by software of others: the gotd client and Telethon use the sandbox server, Postroom's
# gateway uses gotd's test server. Installs what it needs by go and pip into a cache outside the repository
# (PEERS_CACHE, by default ~/.cache/postroom-peers). Exits 1 when anything is missing or differs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
cache=${PEERS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/postroom-peers}/telegram
node="$root/node_modules/.bin/node"
mkdir -p "$cache"

missing=()
command -v go >/dev/null || missing+=("go 1.24 or later (https://go.dev/dl)")
command -v python3 >/dev/null || missing+=("python3 with venv")
[ -x "$node" ] || missing+=("Postroom's own packages (npm ci)")
if [ ${#missing[@]} -gt 0 ]; then
  printf 'MISSING: %s\n' "${missing[@]}" >&2
  exit 1
fi

for part in gotd-client gotd-server; do
  echo "== building $part (the first time takes about two minutes)"
  (cd "$here/$part" && go build -mod=readonly -o "$cache/$part" .)
done
if [ ! -x "$cache/venv/bin/python" ]; then python3 -m venv "$cache/venv"; fi
"$cache/venv/bin/python" -c 'import telethon; assert telethon.__version__ == "1.39.0"' 2>/dev/null ||
  "$cache/venv/bin/pip" install --quiet --disable-pip-version-check telethon==1.39.0

work=$(mktemp -d)
server=
finish() {
  exec 3>&- || true
  [ -z "$server" ] || wait "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

mkfifo "$work/input"
"$node" "$here/serve-sandbox.ts" "$work/sandbox.json" <"$work/input" >"$work/sandbox.out" 2>&1 &
server=$!
exec 3>"$work/input"
for _ in $(seq 100); do [ -s "$work/sandbox.json" ] && break; sleep 0.1; done
[ -s "$work/sandbox.json" ] || { echo "FAIL the sandbox did not start"; cat "$work/sandbox.out"; exit 1; }

for transport in full intermediate padded abridged; do
  echo "== gotd client v0.118.0 on the sandbox, transport $transport"
  "$cache/gotd-client" "$work/sandbox.json" "$transport"
done
echo "== Telethon 1.39.0 on the sandbox"
"$cache/venv/bin/python" "$here/telethon_client.py" "$work/sandbox.json"
exec 3>&-
wait "$server"
server=
cat "$work/sandbox.out"
echo "== Postroom's gateway on gotd's test server"
"$node" "$here/gateway-on-gotd.ts" "$cache/gotd-server"
echo "== all peers agree"
