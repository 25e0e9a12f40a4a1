# shellcheck shell=bash
# Runs one child at a time and passes the container's signals on to it. A stop takes less than two seconds: a child that
# has not ended by then is killed, because a front that computes a long prompt handles signals only afterwards.

child=""
stopping=""
# shellcheck disable=SC2034 # read by server.sh
gave_up=""
# Descriptor of the pipe to the reader of the front's log, while there is one.
log=""

forward() {
  stopping="$1"
  [[ -z "$child" ]] && stopped
  kill -s "$1" "$child" 2>/dev/null
  {
    # The reader waits until every process has closed the pipe.
    [[ -n "$log" ]] && exec {log}>&-
    sleep 1 && kill -s KILL "$child" 2>/dev/null
  } &
}

stopped() {
  say "stopped by SIG${stopping}."
  exit 0
}
trap 'forward TERM' TERM
trap 'forward INT' INT
trap 'forward TERM' HUP

# The reader of the front's log found that a backend is not used.
trap 'gave_up=1; [[ -n "$child" ]] && kill -s TERM "$child" 2>/dev/null' USR1

# Runs a command until it ends and returns its status. Passes signals on to it.
supervise() {
  "$@" &
  child=$!
  local status
  while true; do
    wait "$child"
    status=$?
    # A trapped signal ends `wait`, not the child.
    kill -0 "$child" 2>/dev/null || break
  done
  # The status of a child that ended during the handling of a signal is still available.
  wait "$child" 2>/dev/null
  local last=$?
  [[ "$last" -ne 127 ]] && status="$last"
  child=""
  return "$status"
}

# The same for a short helper (a name lookup, a connection), so that a stop does not wait for it. Keeps its output.
attempt() { # seconds command...
  timeout --signal=KILL "$@" &
  child=$!
  wait "$child"
  local status=$?
  child=""
  [[ -n "$stopping" ]] && stopped
  return "$status"
}
