#!/bin/bash
# Entry point of the llama.cpp RPC images: APP_MODE says what runs.
#   backend  ggml-rpc-server, lends this machine's devices to a front
#   server   llama-server, the front: waits for its backends, proves that each is used, serves the API
#   none     nothing; the container idles, for `docker exec`
# Container arguments are appended to the program's; if the first names a program, it runs instead.
# Every variable is described in settings.sh.
set -uo pipefail

APP_HOME="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)"
readonly APP_HOME

# shellcheck source=runtime/settings.sh
source "${APP_HOME}/runtime/settings.sh"
# shellcheck source=runtime/supervise.sh
source "${APP_HOME}/runtime/supervise.sh"
# shellcheck source=runtime/backend.sh
source "${APP_HOME}/runtime/backend.sh"
# shellcheck source=runtime/waiting.sh
source "${APP_HOME}/runtime/waiting.sh"
# shellcheck source=runtime/server.sh
source "${APP_HOME}/runtime/server.sh"

main() {
  if [[ $# -gt 0 && "$1" != -* ]]; then
    run_command "$@"
  fi
  read_mode
  case "$mode" in
    backend) start_backend "$@" ;;
    server) start_server "$@" ;;
    none) idle ;;
  esac
}

# Arguments that start with a program's name, as in `docker run IMAGE llama-cli --help` or `docker run IMAGE bash`.
run_command() {
  if [[ -x "${APP_HOME}/$1" && ! -d "${APP_HOME}/$1" && "$1" != */* ]]; then
    exec "${APP_HOME}/$1" "${@:2}"
  fi
  if ! command -v -- "$1" >/dev/null; then
    refuse "Argument '$1': neither an option (they start with '-') nor a program of this image; programs are in /app."
    stop_if_refused
  fi
  exec "$@"
}

idle() {
  say "APP_MODE=none: idle; run programs with 'docker exec'."
  supervise sleep infinity
  stopped
}

main "$@"
