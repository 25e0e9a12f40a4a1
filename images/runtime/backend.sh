# shellcheck shell=bash
# APP_MODE=backend: ggml-rpc-server.

# Memory of a backend. Today's ggml-rpc-server has no --mem: it tells the front about the whole machine's memory, and a
# front that believes it overfills the container. APP_MEM is the honest bound: what this backend may use, in MiB.
#   cpu   enforced by RLIMIT_DATA: an allocation beyond it fails, and the front's start ends with that error instead of
#         the kernel ending the backend in the middle of an answer. The bound is APP_MEM and PROGRAM_OVERHEAD_MIB for the
#         program itself, but always OUTSIDE_MIB below the container's own memory limit: where APP_MEM is that limit, as
#         in a stack, the program's share comes out of it
#   cuda  declared and checked against the GPUs' free memory; the split of the front has to keep to it
#   a binary that still knows --mem gets it
# The front's LLAMA_ARG_TENSOR_SPLIT should follow the backends' APP_MEM, as this project's planner makes it.
readonly PROGRAM_OVERHEAD_MIB=64
# What the container's limit counts and RLIMIT_DATA does not: the entry point, tini, a health check that runs, page tables,
# sockets, the working set of files in the page cache.
readonly OUTSIDE_MIB=24
# A container that leaves less than this is refused: nothing of a model would fit beside the program.
readonly LEAST_BOUND_MIB=40

start_backend() {
  if has_option -h --help -- "$@"; then exec "${APP_HOME}/ggml-rpc-server" "$@"; fi
  local bind="${APP_BIND:-0.0.0.0}" port threads device cache memory="${APP_MEM:-}" arguments
  is_ipv4 "$bind" ||
    refuse "APP_BIND='${bind}': ggml-rpc-server listens on an IPv4 address only, names and IPv6 are not understood; set APP_BIND=0.0.0.0 or an address of this container."
  read_port 50052
  read_threads
  read_device
  read_switch APP_CACHE cache
  [[ -n "$memory" ]] && check_memory "$memory"
  if has_cuda && ! has_driver && [[ "$device" != CPU ]]; then
    refuse "APP_MODE='${APP_MODE:-backend}': no NVIDIA driver in this container, so this image's CUDA code can't run; start it with --gpus all, or lend the CPU with APP_DEVICE=CPU."
  fi
  if [[ "${cache:-}" == true ]] && ! mkdir -p "${LLAMA_CACHE:-/cache}/rpc" 2>/dev/null; then
    refuse "APP_CACHE='${APP_CACHE}': '${LLAMA_CACHE:-/cache}' can't be written by uid $(id -u); mount a volume there that belongs to 10001 or set APP_CACHE=false."
  fi
  stop_if_refused

  arguments=(--host "$bind" --port "$port")
  [[ -n "$threads" ]] && arguments+=(--threads "$threads")
  [[ -n "$device" ]] && arguments+=(--device "$device")
  [[ "$cache" == true ]] && arguments+=(--cache)
  [[ -n "$memory" ]] && limit_memory "$memory"
  arguments+=("$@")

  say "backend: ggml-rpc-server ${arguments[*]@Q}"
  # A front that goes away while an answer is on its way must not end the backend: with SIGPIPE ignored, and the
  # program inherits that, the answer fails and the next front is served.
  trap '' PIPE
  # It flushes its output with the first client only; by line, the log says that it listens.
  supervise stdbuf --output=L "${APP_HOME}/ggml-rpc-server" "${arguments[@]}"
  local status=$?
  [[ -n "$stopping" ]] && stopped
  # It says 0 for a port in use, an unknown option and a failed accept.
  say "ggml-rpc-server ended by itself with status ${status}; its reason is above (a port in use, an address that is not this container's, an unknown option or device, memory)."
  [[ "$status" -eq 0 ]] && exit 1
  exit "$status"
}

has_cuda() { [[ -e "${APP_HOME}/libggml-cuda.so" ]]; }

# The driver's library is no part of the image: the engine puts it in with the GPU.
has_driver() { ! ldd "${APP_HOME}/libggml-cuda.so" 2>/dev/null | grep -q 'libcuda\.so\.1 => not found'; }

check_memory() { # MiB
  if ! is_whole_number "$1" 1 99999999; then
    refuse "APP_MEM='$1': memory in MiB is a whole number above 0; set APP_MEM=2048 for 2 GiB or leave it unset."
    return
  fi
  if has_cuda; then check_gpu_memory "$1"; return; fi
  local limit available
  limit="$(memory_limit_mib)"
  if [[ -n "$limit" ]] && ((10#$1 > limit)); then
    refuse "APP_MEM='$1': more MiB than this container's memory limit of ${limit}; lower APP_MEM or raise the limit."
    return
  fi
  if [[ -n "$limit" ]] && ((limit - OUTSIDE_MIB < LEAST_BOUND_MIB)); then
    refuse "APP_MEM='$1': this container's memory limit of ${limit} MiB leaves no room for weights beside the program; raise the limit to $((OUTSIDE_MIB + LEAST_BOUND_MIB)) MiB and what the model needs."
    return
  fi
  available="$(awk '/^MemAvailable:/ {print int($2 / 1024)}' /proc/meminfo)"
  if [[ -n "$available" ]] && ((10#$1 > available)); then
    say "warning: APP_MEM=$1 MiB, but only ${available} MiB are available on this machine now."
  fi
}

check_gpu_memory() { # MiB
  local free
  free="$(nvidia-smi --query-gpu=memory.free --format=csv,noheader,nounits 2>/dev/null | awk '{sum += $1} END {print sum}')"
  [[ -n "$free" ]] && ((10#$1 > free)) &&
    refuse "APP_MEM='$1': more MiB than the ${free} that are free on this container's GPUs; lower APP_MEM or hand over another GPU."
}

limit_memory() { # MiB
  if "${APP_HOME}/ggml-rpc-server" --help 2>&1 | grep -q -e '--mem '; then
    arguments+=(--mem "$1")
    say "memory: APP_MEM=$1 MiB handed to ggml-rpc-server."
  elif has_cuda; then
    say "memory: APP_MEM=$1 MiB of GPU memory declared; not enforced, the front's tensor split has to keep to it."
  else
    local bound=$((10#$1 + PROGRAM_OVERHEAD_MIB)) limit why=""
    limit="$(memory_limit_mib)"
    if [[ -n "$limit" ]] && ((limit - OUTSIDE_MIB < bound)); then
      bound=$((limit - OUTSIDE_MIB))
      why=", by this container's limit of ${limit} MiB"
    fi
    ulimit -d $((bound * 1024))
    say "memory: at most APP_MEM=$1 MiB for this backend, ${bound} MiB with the program itself${why}; an allocation beyond it fails and the front says so."
  fi
}
