#!/usr/bin/env bash
# Builds the stand-in for apache/kafka from what this machine has: Maven's jars, a Java cut to what a broker
# needs with the libraries it is linked to, and busybox for a shell. Usage: build.sh TAG
# Needs docker, jlink (a JDK, not only a JRE), busybox, node 24, and mvn or cached jars.
set -euo pipefail
tag=$1
here=$(cd "$(dirname "$0")" && pwd)
for program in docker jlink busybox node ldd; do
  command -v "$program" >/dev/null || { echo "$program is not installed"; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{bin,opt/kafka/libs,opt/kafka/config,etc/kafka/docker,mnt/shared/config,var/lib/kafka/data,tmp}
chmod 1777 "$root/tmp"

jars=$(node "$here/../printJars.ts")
cp "$jars"/*.jar "$root/opt/kafka/libs/"
jlink --output "$root/opt/java" --no-header-files --no-man-pages --strip-java-debug-attributes \
  --add-modules java.se,jdk.crypto.ec,jdk.management,jdk.unsupported,jdk.zipfs

# The codecs' own libraries, for this machine and for others, which the broker unpacks out of their jars when it needs them.
native=$work/native
mkdir "$native"
for jar in "$root"/opt/kafka/libs/{zstd-jni,snappy-java,lz4-java}-*.jar; do
  (cd "$native" && jar xf "$jar")
done

# The libraries that these and Java's own are linked to, and the loader that finds them; of another machine's ldd knows nothing.
{ find "$root/opt/java" "$native" -type f \( -name java -o -name '*.so' \) -exec ldd {} + 2>/dev/null || true; } |
  awk '$2 == "=>" && $3 ~ /^\/(usr\/)?lib/ { print $3 } $1 ~ /^\/lib.*[^:]$/ { print $1 }' |
  sort -u | xargs cp -L --parents -t "$root"

cp -L "$(command -v busybox)" "$root/bin/busybox"
ldd "$root/bin/busybox" >/dev/null 2>&1 && { echo "busybox is not static"; exit 1; }
for applet in $("$root/bin/busybox" --list); do
  [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
done
echo 'root:x:0:0:root:/tmp:/bin/sh' >"$root/etc/passwd"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
install -m 755 "$here/run" "$here/archive" "$root/etc/kafka/docker/"
install -m 644 "$here/server.properties" "$root/etc/kafka/docker/"
cp "$here/Dockerfile" "$work/"
# The builder that needs nothing but the engine.
DOCKER_BUILDKIT=0 docker build -q -t "$tag" "$work"
