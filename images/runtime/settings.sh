# shellcheck shell=bash
# What the variables mean and which values they may have. A wrong value is refused with one sentence that names the
# variable, the value, the rule and the remedy; all of them are told before the container ends with status 64.
#
#   APP_MODE            backend (default) | server | none
#   APP_BIND            address to listen on; 0.0.0.0
#   APP_PORT            port to listen on; 50052 as backend, 8080 as server
#   APP_THREADS         CPU threads; default: the program's own, but never more than the container's CPU quota
#   APP_DEVICE          comma list of devices to use (CPU, CUDA0, …); default: the program's choice
#   APP_MEM             backend: MiB of memory that this backend may use (settings of memory: see backend.sh)
#   APP_CACHE           backend: true keeps weights under /cache between starts; false
#   APP_RPC_BACKENDS    server: comma list of host:port; set but empty: no backends
#   APP_MODEL           server: path of the GGUF file
#   APP_GPU_LAYERS      server: layers to put on devices; 99
#   APP_REPEAT_PENALTY  server: 1.0
#   APP_EMBEDDING       server: true serves embeddings
#   APP_WAIT_SECONDS    server: longest wait for the backends; 300
# Everything else goes by llama.cpp's own variables (LLAMA_ARG_CTX_SIZE, LLAMA_ARG_TENSOR_SPLIT, …). An APP_* variable
# that is not set never overrides one of those.
# shellcheck disable=SC2034 # read by the files that source this one

readonly EXIT_REFUSED=64
readonly DEFAULT_BACKENDS="backend-cuda:50052,backend-cpu:50052"
readonly DEFAULT_MODEL="/app/models/TinyLlama-1.1B-q4_0.gguf"
readonly KNOWN_VARIABLES="APP_MODE APP_BIND APP_PORT APP_THREADS APP_DEVICE APP_MEM APP_CACHE APP_RPC_BACKENDS \
APP_MODEL APP_GPU_LAYERS APP_REPEAT_PENALTY APP_EMBEDDING APP_WAIT_SECONDS"

problems=()

say() { printf '[entrypoint] %s\n' "$*" >&2; }

# One wrong value. Told together with the others by stop_if_refused.
refuse() { problems+=("$1"); }

stop_if_refused() {
  [[ ${#problems[@]} -eq 0 ]] && return
  printf '[entrypoint] refused: %s\n' "${problems[@]}" >&2
  exit "$EXIT_REFUSED"
}

is_whole_number() { # value least most
  [[ "$1" =~ ^[0-9]{1,9}$ ]] && ((10#$1 >= $2 && 10#$1 <= $3))
}

is_ipv4() {
  local part parts
  [[ "$1" =~ ^[0-9]{1,3}(\.[0-9]{1,3}){3}$ ]] || return 1
  IFS=. read -ra parts <<<"$1"
  for part in "${parts[@]}"; do ((10#$part <= 255)) || return 1; done
}

has_option() { # whether the container arguments hold one of the options: has_option -m --model -- "$@"
  local wanted=() option
  while [[ "$1" != -- ]]; do wanted+=("$1") && shift; done
  shift
  for option in "$@"; do
    # llama.cpp takes --log_file for --log-file.
    [[ "$option" == --* ]] && option="${option//_/-}"
    [[ " ${wanted[*]} " == *" ${option%%=*} "* ]] && return 0
  done
  return 1
}

read_mode() {
  mode="${APP_MODE:-backend}"
  mode="${mode,,}"
  case "$mode" in
    backend | none) ;;
    server)
      if [[ ! -x "${APP_HOME}/llama-server" ]]; then
        refuse "APP_MODE='${APP_MODE}': this image holds the RPC server alone; use the image of the role 'server' for it."
      fi
      ;;
    *) refuse "APP_MODE='${APP_MODE}': not a mode; set it to backend, server or none." ;;
  esac
  stop_if_refused
  local name
  for name in $(compgen -e | grep '^APP_' || true); do
    [[ " $KNOWN_VARIABLES " == *" $name "* ]] ||
      say "${name} is no variable of this image and has no effect."
  done
}

# Sets $2 to the port that the variables say.
read_port() { # default
  port="${APP_PORT:-$1}"
  is_whole_number "$port" 1 65535 ||
    refuse "APP_PORT='${port}': a port is a whole number from 1 to 65535; set APP_PORT=$1 or another free port."
}

read_threads() {
  threads="${APP_THREADS:-}"
  if [[ -n "$threads" ]]; then
    is_whole_number "$threads" 1 1024 ||
      refuse "APP_THREADS='${threads}': a number of threads is a whole number from 1 to 1024; set it to this machine's cores or leave it unset."
    return
  fi
  # The programs see the machine's cores and not the quota: too many threads on a small quota are very slow.
  local quota
  quota="$(cpu_quota)"
  if [[ -n "$quota" ]] && ((quota < $(nproc))); then threads="$quota"; fi
}

cpu_quota() { # whole CPUs that the cgroup allows, at least 1; nothing without a limit
  local quota="" period=""
  if [[ -r /sys/fs/cgroup/cpu.max ]]; then
    read -r quota period </sys/fs/cgroup/cpu.max
  elif [[ -r /sys/fs/cgroup/cpu/cpu.cfs_quota_us ]]; then
    read -r quota </sys/fs/cgroup/cpu/cpu.cfs_quota_us
    read -r period </sys/fs/cgroup/cpu/cpu.cfs_period_us
  fi
  [[ "$quota" =~ ^[0-9]+$ && "$period" =~ ^[0-9]+$ ]] || return 0
  ((quota >= period)) && echo $((quota / period)) || echo 1
}

memory_limit_mib() { # MiB that the cgroup allows; nothing without a limit
  local limit=""
  if [[ -r /sys/fs/cgroup/memory.max ]]; then
    read -r limit </sys/fs/cgroup/memory.max
  elif [[ -r /sys/fs/cgroup/memory/memory.limit_in_bytes ]]; then
    read -r limit </sys/fs/cgroup/memory/memory.limit_in_bytes
  fi
  # Without a limit version 1 reports almost 2^63.
  [[ "$limit" =~ ^[0-9]{1,15}$ ]] && echo $((limit / 1048576))
  return 0
}

read_device() {
  device="${APP_DEVICE:-}"
  [[ -z "$device" || "$device" =~ ^[A-Za-z0-9_.:-]+(,[A-Za-z0-9_.:-]+)*$ ]] ||
    refuse "APP_DEVICE='${device}': a comma list of device names without spaces, such as CUDA0,CUDA1; 'llama-server --list-devices' shows them."
}

read_switch() { # variable's name, name of the variable to set to true or false
  local value="${!1:-false}"
  case "${value,,}" in
    true | 1 | on | yes) printf -v "$2" true ;;
    false | 0 | off | no) printf -v "$2" false ;;
    *) refuse "$1='${value}': a switch; set it to true or false." ;;
  esac
}
