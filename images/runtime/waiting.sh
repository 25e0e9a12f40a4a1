# shellcheck shell=bash
# The front's wait for its backends, and the proof that each one is a device.
# A backend serves one client at a time and dies of nothing more easily than of strangers: a connection that says HELLO
# and leaves before the answer used to kill it. So a backend is asked in two steps: connect and close without a word
# (harmless), and, when all answer that, one real HELLO by llama-server itself, which waits for the answer.

readonly PROGRESS_SECONDS=5
readonly HELLO_SECONDS=30

declare -A backend_state=()

# Fills the array `backends` from the list, each entry once and well formed.
read_backends() {
  local list="$1" variable="$2" entry host backend_port seen=" " number
  backends=()
  [[ -z "$list" ]] && return
  local entries
  IFS=, read -ra entries <<<"${list},"
  for entry in "${entries[@]}"; do
    entry="${entry#"${entry%%[![:space:]]*}"}"
    entry="${entry%"${entry##*[![:space:]]}"}"
    host="${entry%:*}"
    backend_port="${entry##*:}"
    if [[ ! "$entry" =~ ^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?:[0-9]+$ ]] || ! is_whole_number "$backend_port" 1 65535; then
      refuse "${variable}='${list}': '${entry}' is no backend; write name:port or IPv4-address:port, separated by commas, such as 10.0.0.2:50052."
      continue
    fi
    if [[ "$host" =~ ^[0-9.]+$ ]] && ! is_ipv4 "$host"; then
      refuse "${variable}='${list}': '${host}' is no IPv4 address; correct it."
      continue
    fi
    number="${host,,}:$((10#$backend_port))"
    if [[ "$seen" == *" $number "* ]]; then
      refuse "${variable}='${list}': '${entry}' is there twice, and a backend serves one client; name it once."
      continue
    fi
    seen+="$number "
    backends+=("$entry")
  done
}

wait_for_backends() { # longest wait in seconds
  local limit="$1" ready backend told=-"$PROGRESS_SECONDS"
  local start=$SECONDS
  while true; do
    ready=0
    for backend in "${backends[@]}"; do
      knock "$backend" && ready=$((ready + 1))
    done
    if ((ready == ${#backends[@]})); then
      if greet_backends $((limit - (SECONDS - start))); then
        say "backends: ${ready} of ${#backends[@]} ready after $((SECONDS - start)) s."
        return
      fi
      ready="$(count_greeted)"
    fi
    if ((SECONDS - start >= limit)); then
      say "refused: backends ${ready} of ${#backends[@]} ready after APP_WAIT_SECONDS=${limit}: $(describe_missing). Start them, correct APP_RPC_BACKENDS or raise APP_WAIT_SECONDS."
      exit 1
    fi
    if ((SECONDS - start - told >= PROGRESS_SECONDS)); then
      told=$((SECONDS - start))
      say "waiting for backends: ${ready} of ${#backends[@]} ready, ${told} of at most ${limit} s: $(describe_missing)."
    fi
    attempt 5 sleep 1
  done
}

# Connects to a backend and closes at once. The client knows IPv4 only, so this looks no further.
knock() {
  local backend="$1" address
  local host="${backend%:*}" backend_port="${backend##*:}"
  if is_ipv4 "$host"; then
    address="$host"
  else
    # An `attempt` in a subshell: a signal reaches the shell when the lookup ends, at most 1.5 s later.
    address="$(timeout --signal=KILL 1.5 getent ahostsv4 "$host" | awk 'NR == 1 {print $1}')"
    if [[ -z "$address" ]]; then
      backend_state["$backend"]="the name '${host}' has no IPv4 address"
      return 1
    fi
  fi
  # shellcheck disable=SC2016 # expanded by the inner shell
  if attempt 2 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$address" "$backend_port" 2>/dev/null; then
    backend_state["$backend"]="ready"
    return 0
  fi
  backend_state["$backend"]="no answer at ${address}:${backend_port}"
  return 1
}

# One HELLO to each, by the program that will use them; backend_state says who did not become a device.
greet_backends() { # seconds left
  local seconds=$1 answer list backend line text=""
  ((seconds > HELLO_SECONDS)) && seconds=$HELLO_SECONDS
  ((seconds < 3)) && seconds=3
  list="$(IFS=, && echo "${backends[*]}")"
  exec {answer}< <(exec timeout --signal=KILL "$seconds" "${APP_HOME}/llama-server" --rpc "$list" --list-devices 2>&1)
  # shellcheck disable=SC2034 # the handler of signals ends it
  child=$!
  # A second at a time, so that a stop is seen meanwhile.
  while [[ -z "$stopping" ]]; do
    if IFS= read -r -t 1 -u "$answer" line; then text+="${line}"$'\n'; elif (($? <= 128)); then break; fi
  done
  exec {answer}<&-
  # shellcheck disable=SC2034
  child=""
  [[ -n "$stopping" ]] && stopped
  local missing=0
  for backend in "${backends[@]}"; do
    if [[ "$text" =~ RPC[0-9]+:[^$'\n']*"$backend" ]]; then
      backend_state["$backend"]="ready"
    else
      missing=$((missing + 1))
      backend_state["$backend"]="accepts connections but gives no device (another front uses it, or it is no ggml-rpc-server)"
    fi
  done
  if [[ "$text" == *"version mismatch"* ]]; then
    say "refused: a backend speaks another version of the RPC protocol than this front ($(build_fact RPC_PROTOCOL)); run images of one llama.cpp commit everywhere. llama.cpp says: $(grep -m 1 'version mismatch' <<<"$text")"
    exit 1
  fi
  ((missing == 0))
}

count_greeted() {
  local backend count=0
  for backend in "${backends[@]}"; do [[ "${backend_state[$backend]}" == ready ]] && count=$((count + 1)); done
  echo "$count"
}

describe_missing() {
  local backend text=""
  for backend in "${backends[@]}"; do
    [[ "${backend_state[$backend]:-}" == ready ]] || text+="; ${backend}: ${backend_state[$backend]:-not asked yet}"
  done
  echo "${text#; }"
}

build_fact() { sed -n "s/^$1=//p" "${APP_HOME}/build-info" 2>/dev/null; }
