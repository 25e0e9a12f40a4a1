#!/bin/bash
# llama-rpc-stop.timer runs this once a minute on a machine that stops itself. It powers the machine off after
# STOP_AFTER_HOURS, or after STOP_AFTER_IDLE_MINUTES without use. EC2 then stops the instance (created with
# instanceInitiatedShutdownBehavior "stop"); its disk stays and costs.
# A front is in use while it computes. A backend is in use while a front is connected: fronts stay connected for their whole
# life, so a backend follows its front. A backend waits at least LEAST_MINUTES_BEFORE_CLIENT for its first front, which may
# still be fetching the model.
# LLAMA_RPC_ROOT is for tests, as in node.sh; here it is also a prefix of /proc.
set -uo pipefail

readonly ROOT="${LLAMA_RPC_ROOT:-}"
readonly ETC="$ROOT/etc/llama-rpc-cluster" RUN="$ROOT/run/llama-rpc-cluster"
readonly LEAST_MINUTES_BEFORE_CLIENT=120

# shellcheck source=/dev/null
source "$ETC/node.conf"
read -r uptime _ <"$ROOT/proc/uptime"
uptime="${uptime%.*}"
install -d -m 0711 "$RUN"

stop() { # reason
  local line="$EPOCHSECONDS serving done stopped: $1"
  echo "llama-rpc-cluster $MACHINE: $line" | tee -a "$ROOT/dev/console"
  AWS_DEFAULT_REGION="$AWS_REGION" timeout 30 aws ssm put-parameter --overwrite --type String --name "$STATUS_PARAMETER" --value "$line" >/dev/null
  systemctl poweroff
  exit
}

setting() { # container variable
  # shellcheck source=/dev/null
  (source "$ETC/$1.conf" && printf '%s\n' "${ENVIRONMENT[@]}" | sed -n "s/^$2=//p")
}

# A front: whether it computes now, or has since the last check.
front_is_used() {
  local port counters
  port="$(setting "${CONTAINERS[0]}" APP_PORT)"
  if ! counters="$(curl --silent --fail --max-time 20 --header "@$RUN/api-header" "http://127.0.0.1:${port:-8080}/metrics")"; then
    # It is still starting. A front that does not start in time counts as unused.
    ((uptime < STARTUP_SECONDS))
    return
  fi
  counters="$(grep -E '^llamacpp:(prompt_tokens_total|tokens_predicted_total|n_decode_total|requests_processing) ' <<<"$counters")"
  [[ "$counters" == "$(cat "$RUN/counters" 2>/dev/null)" && "$counters" != *"requests_processing "[1-9]* ]] && return 1
  echo "$counters" >"$RUN/counters"
}

# A backend: whether a client is connected to one of the machine's RPC ports.
backends_are_used() {
  local name ports=""
  for name in "${CONTAINERS[@]}"; do ports+="$(printf ' %04X ' "$(setting "$name" APP_PORT)")"; done
  awk -v ports="$ports" '$4 == "01" && index(ports, " " substr($2, length($2) - 3) " ") {found = 1} END {exit !found}' "$ROOT/proc/net/tcp"
}

if [[ -n "$STOP_AFTER_HOURS" ]] && ((uptime >= STOP_AFTER_HOURS * 3600)); then
  stop "up for $STOP_AFTER_HOURS hours (limits.stopAfterHours)"
fi
[[ -n "$STOP_AFTER_IDLE_MINUTES" ]] || exit 0
minutes=$STOP_AFTER_IDLE_MINUTES
if [[ -n "${KEY_PARAMETER:-}" ]]; then
  front_is_used && echo "$uptime" >"$RUN/used"
else
  backends_are_used && echo "$uptime" >"$RUN/used"
  [[ -e "$RUN/used" ]] || minutes=$((minutes > LEAST_MINUTES_BEFORE_CLIENT ? minutes : LEAST_MINUTES_BEFORE_CLIENT))
fi
used="$(cat "$RUN/used" 2>/dev/null || echo 0)"
((uptime - used < minutes * 60)) || stop "nobody has used it for $minutes minutes (limits.stopAfterIdleMinutes)"
