# shellcheck shell=bash
# APP_MODE=server: llama-server, the front of a cluster or, without backends, a plain server.

# llama-server writes which device holds which buffer from this level on; the proof below reads it.
readonly PROOF_VERBOSITY=4
# There when every backend is proven to hold a part of the model; without it healthcheck.sh calls a front unhealthy.
readonly PROOF_FILE=/tmp/backends-used
# A front that answers and has not logged the proof by then is stopped.
readonly PROOF_GRACE_SECONDS=4

start_server() {
  if has_option -h --help --usage --version --list-devices --license --cache-list -- "$@"; then
    exec "${APP_HOME}/llama-server" "$@"
  fi
  local bind="${APP_BIND:-0.0.0.0}" port threads device embedding wait_seconds="${APP_WAIT_SECONDS:-300}" arguments=()
  local backends=()
  read_address
  read_threads
  read_device
  read_switch APP_EMBEDDING embedding
  is_whole_number "$wait_seconds" 0 86400 ||
    refuse "APP_WAIT_SECONDS='${wait_seconds}': whole seconds from 0 to 86400; set APP_WAIT_SECONDS=300."
  read_model "$@"
  read_sampling "$@"
  refuse_own_backends "$@"
  choose_backends
  read_layers "$@"
  [[ ${#backends[@]} -gt 0 ]] && prepare_proof "$@"
  stop_if_refused
  if has_cuda && ! has_driver; then
    say "warning: no NVIDIA driver in this container; what this front computes itself runs on its CPU. Start it with --gpus all to use a GPU."
  fi

  has_option --host -- "$@" || [[ -z "${APP_BIND:-}" && -n "${LLAMA_ARG_HOST:-}" ]] || arguments+=(--host "$bind")
  has_option --port -- "$@" || [[ -z "${APP_PORT:-}" && -n "${LLAMA_ARG_PORT:-}" ]] || arguments+=(--port "$port")
  has_option -t --threads -- "$@" || [[ -z "$threads" || (-z "${APP_THREADS:-}" && -n "${LLAMA_ARG_THREADS:-}") ]] ||
    arguments+=(--threads "$threads")
  has_option -dev --device -- "$@" || [[ -z "$device" ]] || arguments+=(--device "$device")
  [[ "$embedding" == true ]] && arguments+=(--embeddings)
  if [[ ${#backends[@]} -gt 0 ]]; then
    arguments+=(--rpc "$(IFS=, && echo "${backends[*]}")")
    # Saving a prompt whose cache sits on a backend aborts the server (llama.cpp #26529).
    has_option -cram --cache-ram -- "$@" || [[ -n "${LLAMA_ARG_CACHE_RAM:-}" ]] || arguments+=(--cache-ram 0)
    wait_for_backends "$((10#$wait_seconds))"
  fi
  arguments+=("$@")
  [[ ${#backends[@]} -gt 0 ]] && raise_verbosity "$@"

  say "server: llama-server ${arguments[*]@Q}"
  run_server
}

read_address() {
  read_port 8080
  [[ "$bind" =~ ^[A-Za-z0-9_.:/-]+$ ]] ||
    refuse "APP_BIND='${bind}': an address, a host name or the path of a socket; set APP_BIND=0.0.0.0."
}

read_model() {
  has_option -m --model -mu --model-url -hf -hfr --hf-repo -dr --docker-repo --models-dir --models-preset -- "$@" && return
  local model="${APP_MODEL:-}"
  if [[ -z "$model" ]]; then
    [[ -n "${LLAMA_ARG_MODEL:-}${LLAMA_ARG_MODEL_URL:-}${LLAMA_ARG_HF_REPO:-}${LLAMA_ARG_DOCKER_REPO:-}${LLAMA_ARG_MODELS_DIR:-}${LLAMA_ARG_MODELS_PRESET:-}" ]] && return
    model="$DEFAULT_MODEL"
  fi
  arguments+=(--model "$model")
  if [[ ! -e "$model" ]]; then
    refuse "APP_MODEL='${model}': no such file in the container; mount the folder with your GGUF file at /models and set APP_MODEL=/models/<file>."
  elif [[ ! -f "$model" || ! -r "$model" ]]; then
    refuse "APP_MODEL='${model}': not a file that uid $(id -u) can read; mount the GGUF file itself and make it readable (chmod a+r)."
  elif [[ "$(head -c 4 "$model")" != GGUF ]]; then
    refuse "APP_MODEL='${model}': not a GGUF file; convert the model with llama.cpp's convert_hf_to_gguf.py or download a .gguf."
  fi
}

read_sampling() {
  local penalty="${APP_REPEAT_PENALTY:-}"
  [[ -z "$penalty" ]] && return
  if [[ ! "$penalty" =~ ^[0-9]+(\.[0-9]+)?$ ]]; then
    refuse "APP_REPEAT_PENALTY='${penalty}': a number such as 1.1; 1.0 switches the penalty off."
  fi
  has_option --repeat-penalty -- "$@" || arguments+=(--repeat-penalty "$penalty")
}

# The list is APP_RPC_BACKENDS if it is set, even empty; else llama.cpp's own variable; else the original's default.
choose_backends() {
  if [[ -n "${APP_RPC_BACKENDS+set}" ]]; then
    read_backends "$APP_RPC_BACKENDS" APP_RPC_BACKENDS
  elif [[ -n "${LLAMA_ARG_RPC:-}" ]]; then
    read_backends "$LLAMA_ARG_RPC" LLAMA_ARG_RPC
  else
    read_backends "$DEFAULT_BACKENDS" APP_RPC_BACKENDS
    say "APP_RPC_BACKENDS is not set: using ${DEFAULT_BACKENDS}; set it to an empty text for a server without backends."
  fi
  # The list goes in as an argument; read twice, every backend would get two connections.
  unset LLAMA_ARG_RPC
  if [[ ${#backends[@]} -gt 0 && "$(getconf LONG_BIT)" == 32 ]]; then
    refuse "APP_RPC_BACKENDS='${APP_RPC_BACKENDS:-}': a 32-bit front can't address 64-bit backends, llama.cpp keeps their addresses in pointers of its own size; use a 64-bit machine as front, this one may be a backend."
  fi
}

# Backends that come past the list would be neither waited for nor proven.
refuse_own_backends() {
  has_option --rpc -- "$@" &&
    refuse "Argument '--rpc': the entry point waits for the backends and proves that each is used, so it has to know them; set APP_RPC_BACKENDS=name:port,… instead."
}

# The proof is read from llama-server's log and kept in a file: both must be possible.
prepare_proof() {
  has_option --log-disable -- "$@" &&
    refuse "Argument '--log-disable': the proof that every backend is used is read from the log; remove it, or set APP_RPC_BACKENDS to an empty text."
  if has_option --log-file -- "$@" || [[ -n "${LLAMA_ARG_LOG_FILE:-}${LLAMA_LOG_FILE:-}" ]]; then
    refuse "Argument '--log-file' or variable LLAMA_ARG_LOG_FILE: the proof that every backend is used is read from the container's log; remove it and keep the log with 'docker logs'."
  fi
  { rm -f "$PROOF_FILE" && : >"${PROOF_FILE}.new"; } 2>/dev/null ||
    refuse "/tmp can't be written by uid $(id -u): the proof that every backend is used is kept there; mount a tmpfs with --tmpfs /tmp."
}

read_layers() {
  has_option -ngl --gpu-layers --n-gpu-layers -- "$@" && return
  local layers="${APP_GPU_LAYERS:-}"
  if [[ -z "$layers" ]]; then
    [[ -n "${LLAMA_ARG_N_GPU_LAYERS:-}" ]] && return
    layers=99
  fi
  if [[ "$layers" != auto && "$layers" != all ]] && ! is_whole_number "$layers" 0 9999; then
    refuse "APP_GPU_LAYERS='${layers}': a whole number from 0 to 9999, auto or all; set APP_GPU_LAYERS=99 for every layer."
  elif [[ "$layers" =~ ^0+$ && ${#backends[@]} -gt 0 ]]; then
    refuse "APP_GPU_LAYERS='${layers}': no layer would go to the ${#backends[@]} backends; set APP_GPU_LAYERS=99 or APP_RPC_BACKENDS to an empty text."
  fi
  arguments+=(--gpu-layers "$layers")
}

raise_verbosity() {
  local given="${LLAMA_ARG_LOG_VERBOSITY:-}" previous="" argument
  for argument in "$@"; do
    case "$previous" in -lv | --verbosity | --log-verbosity) given="$argument" ;; esac
    case "$argument" in -v | --verbose | --log-verbose) given=99 ;; esac
    previous="$argument"
  done
  is_whole_number "$given" "$PROOF_VERBOSITY" 99999 && return
  [[ -n "$given" ]] && say "log verbosity ${given} raised to ${PROOF_VERBOSITY}: the proof that every backend is used is read from those lines."
  arguments+=(--verbosity "$PROOF_VERBOSITY")
}

run_server() {
  local status reader
  if [[ ${#backends[@]} -eq 0 ]]; then
    supervise "${APP_HOME}/llama-server" "${arguments[@]}"
    status=$?
    [[ -n "$stopping" ]] && stopped
    exit "$status"
  fi
  exec {log}> >(prove_backends_used)
  reader=$!
  supervise_into "$log" "${APP_HOME}/llama-server" "${arguments[@]}"
  status=$?
  exec {log}>&-
  log=""
  wait "$reader"
  [[ -n "$stopping" ]] && stopped
  [[ -n "$gave_up" ]] && exit 1
  case "$status" in
    0) say "llama-server ended by itself with status 0." && exit 1 ;;
    134) say "llama-server was aborted: a backend went away or refused memory; its reason is above. Bring the backends back and start the front again." ;;
    *) say "llama-server ended with status ${status}; its reason is above." ;;
  esac
  exit "$status"
}

supervise_into() { # file descriptor, command...
  supervise with_output "$@"
}
with_output() {
  local descriptor="$1"
  shift
  exec "$@" >&"$descriptor" 2>&1
}

# Copies the log and looks for one model buffer per backend: `RPC0[10.0.0.2:50052] model buffer size = 33.82 MiB`.
# Decides when the model is loaded, and at the latest when the front answers: one that computes what a backend should,
# or that logs in words which are not understood here, is stopped, not served.
prove_backends_used() {
  local line="" part="" decided="" asked=$SECONDS answers_since=""
  local -A held=()
  trap '' TERM INT HUP
  while [[ -z "$decided" ]]; do
    if IFS= read -r -t 1 part; then
      line+="$part"
      printf '%s\n' "$line"
      read_log_line "$line"
      line=""
    elif (($? > 128)); then
      # Time is up in the middle of a line: the rest comes with the next read.
      line+="$part"
    else
      printf '%s' "${line}${part}"
      return
    fi
    if [[ -z "$decided" ]] && ((SECONDS - asked >= 2)); then
      asked=$SECONDS
      if ! IGNORE_PROOF=1 "${APP_HOME}/healthcheck.sh" </dev/null >/dev/null 2>&1; then
        answers_since=""
      elif [[ -z "$answers_since" ]]; then
        answers_since=$SECONDS
      elif ((SECONDS - answers_since >= PROOF_GRACE_SECONDS)); then
        decided=answers
      fi
    fi
  done
  printf '%s' "$line"
  conclude
  exec cat
}

read_log_line() { # sets held and decided of its caller
  if [[ "$1" =~ RPC[0-9]+\[([^]]+)\][[:space:]]+model\ buffer\ size\ =[[:space:]]+([0-9.]+) ]]; then
    [[ "${BASH_REMATCH[2]}" == 0.00 ]] || held["${BASH_REMATCH[1]}"]+="${held[${BASH_REMATCH[1]}]:+ + }${BASH_REMATCH[2]}"
  elif [[ "$1" == *"constructing llama_context"* || "$1" == *"model loaded"* || "$1" == *"listening on http"* || "$1" == *"listening on unix"* ]]; then
    decided=1
  fi
}

conclude() {
  local backend missing=""
  for backend in "${backends[@]}"; do
    if [[ -z "${held[$backend]:-}" ]]; then missing+=" ${backend}"; else say "backend ${backend} holds ${held[$backend]} MiB of the model."; fi
  done
  if [[ "$decided" == answers && ${#held[@]} -eq 0 ]]; then
    say "refused: llama-server answers, but its log does not show what lies on${missing}; this llama.cpp logs in words that this image does not know: use the image's own, or a version near it."
  elif [[ -n "$missing" ]]; then
    say "refused: no part of the model is on${missing}; give each backend a share (LLAMA_ARG_TENSOR_SPLIT, APP_GPU_LAYERS, APP_DEVICE) or take it out of APP_RPC_BACKENDS."
  elif printf '%s\n' "${backends[@]}" >"${PROOF_FILE}.new" && mv -f "${PROOF_FILE}.new" "$PROOF_FILE"; then
    return
  else
    say "refused: ${PROOF_FILE} can't be written, so the proof that every backend is used can't be kept; make room in /tmp."
  fi
  kill -s USR1 $$
}
