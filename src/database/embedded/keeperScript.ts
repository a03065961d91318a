/**
 * The keeper: a small shell process in a session of its own that starts one server and stops it when
 * nobody uses it any more. It must outlive a `kill -9` of whoever started it (and of its process
 * group), and must not outlive the last user by more than the grace. Everything it knows about its
 * users it learns from the kernel, so nothing a killed process leaves behind can mislead it:
 *
 * - `run/holders` is a FIFO each user keeps open. While one does, `read` waits; with none left it
 *   sees the end of file. A user writes a line when it comes, which starts the grace anew.
 * - `run/server` is a FIFO too, locked with flock(1). Keeper, server and all its backends inherit the
 *   one descriptor: the lock is held, and readers see no end of file, until the last of them is gone.
 */

/** Exit status of a keeper that found another server (or the rest of one) on the directory. */
export const keeperBusy = 75

/**
 * `sh -c` text. Standard input: the reading end of `run/holders`. Arguments: the FIFO `run/server`,
 * the cluster directory, the grace in seconds, the seconds a fast shutdown may take, and the command
 * line of the server. Exit status: {@link keeperBusy}, or the server's own.
 */
export const keeperScript = `
server_fifo=$1 cluster=$2 grace=$3 patience=$4
shift 4
# Whoever stops a whole service or session by signals must not stop the server under users that drain.
trap '' HUP INT TERM
exec 3<&0 </dev/null 9<>"$server_fifo" || exit 74
if command -v flock >/dev/null; then
  flock -n 9 || exit ${keeperBusy}
  # With the lock held no server lives here: left-over pid and socket files name a dead or a foreign process
  # (a dead one may keep its number as a zombie for long where process 1 reaps none).
  rm -f "$cluster/postmaster.pid" "\${server_fifo%/*}"/.s.PGSQL.*
fi
with_parent=
if setpriv --pdeathsig INT true 2>/dev/null; then with_parent="setpriv --pdeathsig"; fi
\${with_parent:+$with_parent INT} "$@" 3<&- &
server=$!
watch='
  idle=0
  while :; do
    if read -r mark <&3; then idle=0; continue; fi
    # The last thing before the end was a look: who comes while the last second passes keeps the server.
    [ "$idle" -lt "$2" ] || break
    idle=$((idle + 1)); sleep 1 3<&-
  done
  kill -INT "$1"
  waited=0
  while [ "$waited" -lt "$3" ] && kill -0 "$1" 2>/dev/null; do sleep 1 3<&-; waited=$((waited + 1)); done
  kill -QUIT "$1"
'
\${with_parent:+$with_parent KILL} /bin/sh -c "$watch" postroom-keeper-watch "$server" "$grace" "$patience" 9<&- 2>/dev/null &
watcher=$!
exec 3<&-
trap : CHLD
status=0
while kill -0 "$server" 2>/dev/null; do
  wait "$server"; status=$?
  # Nobody would stop a server whose watcher is gone: let the next user start it again.
  kill -0 "$watcher" 2>/dev/null || kill -INT "$server" 2>/dev/null
done
kill -KILL "$watcher" 2>/dev/null
exit "$status"
`
