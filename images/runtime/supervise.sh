# shellcheck shell=bash
# One child at a time, which gets the signals that the container gets. A stop takes under two seconds: what has not
# ended by then is killed, because a front that is busy with a long prompt looks at signals only after it.

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
    # The reader waits for everybody who holds the pipe.
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

# Runs a command until it ends; its status is the function's. Signals are passed on meanwhile.
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
  # The status of a child that ended while a signal was handled is still to be had.
  wait "$child" 2>/dev/null
  local last=$?
  [[ "$last" -ne 127 ]] && status="$last"
  child=""
  return "$status"
}

# The same for a short helper (a name lookup, a connection), so that a stop does not wait for it. Its output is kept.
attempt() { # seconds command...
  timeout --signal=KILL "$@" &
  child=$!
  wait "$child"
  local status=$?
  child=""
  [[ -n "$stopping" ]] && stopped
  return "$status"
}
