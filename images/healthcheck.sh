#!/bin/bash
# Whether the container does its work. As a backend: the program lives and its port is in state LISTEN; no connection is
# made, because a backend serves one client and a stranger in its queue blocks or ends it. As a server: GET /health.
set -uo pipefail

# Tells the reason to `docker inspect` and ends as unhealthy.
fail() { echo "$*" && exit 1; }

# Prints the process id of a program of this container, if it runs. Under emulation its name comes after the emulator's.
process_of() {
  local directory arguments argument
  for directory in /proc/[0-9]*; do
    # A process may be gone when its command line is read.
    mapfile -d '' -t arguments 2>/dev/null <"${directory}/cmdline" || continue
    for argument in "${arguments[@]:0:3}"; do
      if [[ "${argument##*/}" == "$1" ]]; then echo "${directory#/proc/}" && return; fi
    done
  done
} 2>/dev/null

# Prints the last value of an option in the command line of a process, else its default.
option_of() { # pid default option...
  local pid="$1" value="$2" previous="" argument
  shift 2
  while IFS= read -r -d '' argument; do
    [[ " $* " == *" $previous "* && -n "$previous" ]] && value="$argument"
    previous="$argument"
  done <"/proc/${pid}/cmdline"
  echo "$value"
}

listens() { # port; reads the kernel's table, connects to nothing
  local hexadecimal
  hexadecimal="$(printf '%04X' "$1")"
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port=":${hexadecimal}\$" '$4 == "0A" && $2 ~ port {found = 1} END {exit !found}'
}

check_backend() {
  local port
  port="$(option_of "$1" 50052 --port -p)"
  listens "$port" || fail "ggml-rpc-server runs but does not listen on port ${port}"
  echo "listening on port ${port}"
}

# A front with backends is healthy only when its entry point has written down that each of them is used.
check_proof() { # pid
  [[ -n "${IGNORE_PROOF:-}" || -z "$(option_of "$1" "" --rpc)" || -s /tmp/backends-used ]] ||
    fail "not proven yet that every backend is used"
}

check_server() {
  local pid="$1" host port prefix status
  host="$(option_of "$pid" "${LLAMA_ARG_HOST:-127.0.0.1}" --host)"
  port="$(option_of "$pid" "${LLAMA_ARG_PORT:-8080}" --port)"
  prefix="$(option_of "$pid" "${LLAMA_ARG_API_PREFIX:-}" --api-prefix)"
  if [[ "$host" == *.sock ]]; then
    [[ -S "$host" ]] || fail "no socket at ${host}"
    unseen "$pid" "a socket at ${host}"
    return
  fi
  listens "$port" || fail "llama-server runs but does not listen on port ${port} yet"
  if [[ -n "$(option_of "$pid" "${LLAMA_ARG_SSL_KEY_FILE:-}" --ssl-key-file)" ]]; then
    unseen "$pid" "listening on port ${port} with TLS"
    return
  fi
  case "$host" in 0.0.0.0 | '::') host=127.0.0.1 ;; esac
  exec 3<>"/dev/tcp/${host}/${port}" || fail "no connection to ${host}:${port}"
  printf 'GET %s/health HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$prefix" >&3
  IFS= read -t 4 -r status <&3 || fail "no answer from ${host}:${port} within 4 s"
  [[ "$status" == *" 200 "* ]] || fail "llama-server answers: ${status%$'\r'}"
  check_proof "$pid"
  echo "llama-server answers: ${status%$'\r'}"
}

# There is no client here for a socket or for TLS, so that it listens has to do, which it does before the model is loaded.
unseen() { # pid what
  [[ -z "${IGNORE_PROOF:-}" ]] || fail "$2, no answer can be read"
  check_proof "$1"
  echo "$2"
}

mode="${APP_MODE:-backend}"
case "${mode,,}" in
  none) exit 0 ;;
  backend) program=ggml-rpc-server check=check_backend ;;
  server) program=llama-server check=check_server ;;
  *) fail "APP_MODE='${mode}' is no mode" ;;
esac
pid="$(process_of "$program")"
[[ -n "$pid" ]] || fail "${program} does not run (yet)"
"$check" "$pid"
