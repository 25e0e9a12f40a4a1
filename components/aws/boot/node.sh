#!/bin/bash
# `node.sh NAME`, run by the unit llama-rpc-node@NAME: starts one container of this machine, watches it, and reports each
# step in the machine's SSM parameter, on the console and in the journal, as `<unix seconds> <step> <state> <text>` (see
# aws/machine-status.ts). It ends when the container ends, or with one line that gives the fault and the remedy; systemd
# then starts it again, after a longer pause each time.
# Its configuration is in /etc/llama-rpc-cluster (see user-data.ts); fetch.sh brings it to the machine.
# For tests, both unset on a machine:
#   LLAMA_RPC_ROOT           prefix of every path of this project and of /dev/console
#   LLAMA_RPC_RETRY_SECONDS  first pause between two tries; 5
set -uo pipefail

readonly name="$1"
readonly ROOT="${LLAMA_RPC_ROOT:-}" RETRY_SECONDS="${LLAMA_RPC_RETRY_SECONDS:-5}"
readonly ETC="$ROOT/etc/llama-rpc-cluster" RUN="$ROOT/run/llama-rpc-cluster" DATA="$ROOT/var/lib/llama-rpc-cluster"
readonly GIB=1073741824
# AWS refuses signatures that differ from its own time by more than 5 minutes.
readonly MOST_CLOCK_ERROR_SECONDS=240
words=""

# shellcheck source=/dev/null # node.conf and NAME.conf set the upper-case variables that this file does not set
source "$ETC/node.conf"
# shellcheck source=/dev/null
source "$ETC/$name.conf"
export AWS_DEFAULT_REGION="$AWS_REGION" AWS_PAGER=""
export DOCKER_CONFIG="$RUN/docker" AWS_ECR_DISABLE_CACHE=true

report() { # step state text
  local text="${3//[$'\n\r\t"\\']/ }"
  echo "$EPOCHSECONDS $1 $2 ${text:0:700}" >"$RUN/status/$name"
  publish
}

# Publishes the machine's line if it has changed.
publish() {
  (
    flock 9
    local line problem
    line="$(machine_status)"
    [[ "${line#* }" == "$(cat "$RUN/published" 2>/dev/null)" ]] && return
    if problem="$(cloud ssm put-parameter --overwrite --type String --name "$STATUS_PARAMETER" --value "$line" 2>&1)"; then
      echo "${line#* }" >"$RUN/published"
      problem=""
    fi
    line="llama-rpc-cluster $MACHINE: $line${problem:+ (not written to $STATUS_PARAMETER: $(last_line <<<"$problem"))}"
    echo "$line"
    echo "$line" >>"$ROOT/dev/console"
  ) 9>"$RUN/publish.lock"
}

# One line for all containers of the machine: a failed one, else a degraded one, else the one with the least progress.
machine_status() {
  local one time step state text line="" degraded="" ready=0 rank least=99
  local -A ranks=([booted]=0 [docker]=1 [image]=2 [key]=3 [model]=4 [backends]=5 [loading]=6 [serving]=7)
  for one in "${CONTAINERS[@]}"; do
    if ! read -r time step state text <"$RUN/status/$one"; then
      time=$EPOCHSECONDS step=booted state=running text="waiting for $one"
    fi 2>/dev/null
    [[ "${#CONTAINERS[@]}" -gt 1 ]] && text="$one: $text"
    [[ "$state" == failed ]] && echo "$time $step $state $text" && return
    [[ "$state" == degraded ]] && degraded="$time $step $state $text"
    rank=$((ranks[$step] * 2))
    [[ "$state" == ready ]] && ready=$((ready + 1)) rank=$((rank + 1))
    ((rank < least)) && least=$rank line="$time $step $state $text"
  done
  [[ "${#CONTAINERS[@]}" -gt 1 && "$ready" -eq "${#CONTAINERS[@]}" ]] && line="$EPOCHSECONDS serving ready $ready backends"
  echo "${degraded:-$line}"
}

fail() { # step reason
  report "$1" failed "$2"
  echo $(($(failures) + 1)) >"$RUN/failures.$name"
  docker rm --force "$name" >/dev/null 2>&1
  exit 1
}
failures() { cat "$RUN/failures.$name" 2>/dev/null || echo 0; }

cloud() { timeout 60 aws --output text --cli-connect-timeout 5 --cli-read-timeout 20 "$@"; }
last_line() { awk 'NF {line = $0} END {print line}'; }
in_gib() { awk -v bytes="$1" 'BEGIN {printf "%.1f", bytes / 1073741824}'; }

# Tries a command up to five times; $words is its output. A failure that matches the pattern (-: none) is not retried.
retried() { # pattern command...
  local final="$1" try
  shift
  for try in 1 2 3 4 5; do
    words="$("$@" 2>&1)" && return 0
    [[ "$final" != - && "$words" =~ $final ]] && return 1
    ((try < 5)) && sleep $((RETRY_SECONDS * try))
  done
  return 1
}

check_clock() {
  local try endpoint="${AWS_ENDPOINT_URL:-https://ssm.$AWS_REGION.amazonaws.com}" date error
  for try in 1 2; do
    # Ignores the certificate, because a clock that is years off would fail there. Sends nothing and reads only the date.
    date="$(curl --silent --insecure --head --max-time 10 "$endpoint" | sed -n 's/^[Dd]ate: *//p' | tr -d '\r')"
    if [[ -z "$date" ]]; then
      report booted running "$endpoint does not answer yet, the clock is not checked"
      return
    fi
    error=$(($(date +%s) - $(date --date="$date" +%s)))
    ((${error#-} <= MOST_CLOCK_ERROR_SECONDS)) && return
    ((try == 1)) && chronyc -a makestep >/dev/null 2>&1
  done
  fail booted "the clock is wrong by $error s, and AWS refuses requests from 300 s: let the machine reach 169.254.169.123 (Amazon Time Sync) or fix chronyd, then reboot it"
}

prepare_docker() {
  local packages=()
  command -v docker >/dev/null || packages+=(docker)
  [[ "$IMAGE" != *.dkr.ecr.* ]] || command -v docker-credential-ecr-login >/dev/null || packages+=(amazon-ecr-credential-helper)
  if [[ ${#packages[@]} -gt 0 ]]; then
    report docker running "installing ${packages[*]}"
    command -v dnf >/dev/null ||
      fail docker "${packages[*]}: not on this image, and it has no dnf: use an image of Amazon Linux 2023"
    # Other repositories, such as NVIDIA's, can't be reached from here, and dnf would wait for each.
    retried 'No match for argument' timeout 300 dnf install --assumeyes --quiet --disablerepo='*' --enablerepo='amazonlinux*' "${packages[@]}" ||
      fail docker "${packages[*]} can't be installed: $(last_line <<<"$words"); the S3 endpoint's policy has to allow al2023-repos-$AWS_REGION-*"
  fi
  if ! docker info >/dev/null 2>&1; then
    timeout 120 systemctl enable --now docker >/dev/null 2>&1
    retried - timeout 30 docker info || fail docker "docker does not run: $(last_line <<<"$words"); see journalctl -u docker"
  fi
  [[ -z "$GPUS" ]] || retried - timeout 60 nvidia-smi --list-gpus ||
    fail docker "no NVIDIA driver answers: $(last_line <<<"$words"); use a type with NVIDIA GPUs and the Deep Learning image of Amazon Linux 2023"
}

# An empty instance store, as after each stop, gets a file system; the Deep Learning image has already mounted its own.
prepare_instance_store() {
  [[ "$INSTANCE_STORE" == true ]] || return 0
  mountpoint --quiet "$DATA" && return
  local devices=(/dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_*)
  if mountpoint --quiet /opt/dlami/nvme; then
    words="$(install -d /opt/dlami/nvme/llama-rpc-cluster && mount --bind /opt/dlami/nvme/llama-rpc-cluster "$DATA" 2>&1)"
  else
    words="$({ blkid "${devices[0]}" || mkfs.xfs -q "${devices[0]}"; } 2>&1 && mount "${devices[0]}" "$DATA" 2>&1)"
  fi || fail docker "the instance store can't be mounted: $(last_line <<<"$words"); stop and start the machine, or choose another type"
}

need_room() { # step directory bytes what
  local free
  free="$(df --output=avail --block-size=1 "$2" | tail -n 1)"
  ((free >= $3)) && return
  # The cache may be removed: backends fetch missing weights over the network again.
  rm -rf "$DATA"/cache/*/rpc
  free="$(df --output=avail --block-size=1 "$2" | tail -n 1)"
  ((free >= $3)) ||
    fail "$1" "disk full: $4 needs $(in_gib "$3") GiB and $2 has $(in_gib "$free") GiB free; give the machine a larger disk"
}

pull_image() {
  docker image inspect "$IMAGE" >/dev/null 2>&1 && return
  local registry="${IMAGE%%/*}" need=$((2 * GIB)) reason
  [[ -n "$GPUS" ]] && need=$((12 * GIB))
  need_room image "$(docker info --format '{{.DockerRootDir}}')" "$need" "the image"
  report image running "pulling $IMAGE"
  install -d -m 0700 "$DOCKER_CONFIG"
  [[ "$registry" != *.dkr.ecr.* ]] || echo "{\"credHelpers\":{\"$registry\":\"ecr-login\"}}" >"$DOCKER_CONFIG/config.json"
  retried 'manifest unknown|not found|invalid reference|no matching manifest|no space left' timeout 1800 docker pull --quiet "$IMAGE" && return
  reason="$(last_line <<<"$words")"
  case "$words" in
    *"manifest unknown"* | *"not found"* | *"invalid reference"*) reason="the registry has no such digest ($reason): run pulumi up, which pushes the image" ;;
    *"no matching manifest"*) reason="the image has no $(uname -m) variant ($reason): run pulumi up, which builds it for the machine types" ;;
    *"no space left"*) reason="disk full ($reason): give the machine a larger disk" ;;
    *denied* | *authori[sz]* | *"basic auth"*) reason="the registry refuses access ($reason): the machine's role has to allow ecr:GetAuthorizationToken and pulling from this repository" ;;
    *) reason="the registry can't be reached ($reason): the VPC needs the endpoints ecr.api, ecr.dkr and S3's" ;;
  esac
  fail image "$IMAGE: $reason"
}

# The container shares the machine's network: without this rule an intruder could get the machine's role from there.
guard_metadata() {
  local rule=(OUTPUT --destination 169.254.169.254 --match owner --uid-owner 10001 --jump REJECT)
  iptables --wait --check "${rule[@]}" 2>/dev/null || words="$(iptables --wait --insert "${rule[@]}" 2>&1)" ||
    fail serving "containers can't be kept from the metadata service: $(last_line <<<"$words"); use an image with iptables"
}

start_container() {
  local options=(--detach --name "$name" --network host --read-only --cap-drop ALL --security-opt no-new-privileges)
  guard_metadata
  docker rm --force "$name" >/dev/null 2>&1
  install -d -m 0700 -o 10001 -g 10001 "$DATA/cache/$name"
  options+=(--tmpfs "/tmp:rw,nosuid,nodev,noexec,size=64m" --ulimit nproc=4096:4096)
  # The swap limit is the same: a swapping model looks alive but never answers.
  options+=(--memory "$MEMORY_BYTES" --memory-swap "$MEMORY_BYTES" --volume "$DATA/cache/$name:/cache" --health-interval 5s)
  if [[ -d /run/systemd/journal ]]; then options+=(--log-driver journald); else options+=(--log-driver json-file --log-opt max-size=10m); fi
  [[ -n "$GPUS" ]] && options+=(--gpus "$([[ "$GPUS" == all ]] && echo all || echo "\"device=$GPUS\"")")
  [[ "$ROLE" == server ]] && options+=(--volume "$DATA/models:/models:ro" --volume "$RUN/secrets:/run/secrets:ro")
  words="$(docker run "${options[@]}" "${ENVIRONMENT[@]/#/--env=}" "$IMAGE" "${ARGUMENTS[@]}" 2>&1)" ||
    fail serving "docker can't start $name: $(grep -v -- --help <<<"$words" | last_line)"
}

# running | healthy | unhealthy | ended
container_state() {
  case "$(docker inspect --format '{{.State.Running}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' "$name" 2>/dev/null)" in
    "true healthy") echo healthy ;;
    "true unhealthy") echo unhealthy ;;
    true*) echo running ;;
    *) echo ended ;;
  esac
}

# Why the container ended, in one line: its refusal, else its last error, else its last line.
end_of_container() {
  local log line ended
  ended="$(docker inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}}' "$name" 2>/dev/null)"
  log="$(docker logs --tail 300 "$name" 2>&1)"
  line="$(grep 'refused: ' <<<"$log" | sed 's/.*refused: //' | paste -s -d ' ')"
  [[ -n "$line" ]] || line="$(grep -iE 'error|fail|abort|crashed|out of memory|no such' <<<"$log" | grep -vE 'reason is above|\.sh: line [0-9]+:' | last_line)"
  [[ -n "$line" ]] || line="$(last_line <<<"$log")"
  [[ "$ended" != *true ]] || line="killed at its memory limit of $(in_gib "$MEMORY_BYTES") GiB; give it more memory. $line"
  echo "$name ended with status ${ended% *}: $line"
}

await_backend() {
  local deadline=$((SECONDS + 180))
  report serving running "starting $name"
  while ((SECONDS < deadline)); do
    case "$(container_state)" in
      healthy) return ;;
      ended) fail serving "$(end_of_container)" ;;
    esac
    sleep 1
  done
  fail serving "$name does not listen after 180 s: $(docker logs --tail 5 "$name" 2>&1 | last_line)"
}

stay() {
  local state reported=healthy round=0 lost="" before
  while state="$(container_state)" && [[ "$state" != ended ]]; do
    # Keep it running: a front that is too busy for the health check recovers by itself.
    [[ "$state" != unhealthy || "$reported" == unhealthy ]] || report serving degraded "$name fails its health check but keeps running"
    [[ "$state" != healthy || "$reported" == healthy ]] || report serving ready "$name is healthy again"
    [[ "$state" == running ]] || reported="$state"
    if [[ "$ROLE" == server ]]; then
      before="$lost" lost="$(lost_backend)"
      [[ -z "$lost" || "$lost" != "$before" ]] ||
        fail serving "the backend at $lost is gone; the front restarts and waits for it"
    fi
    ((++round % 12 == 0)) && publish
    # A stop must not wait for the sleep.
    sleep 5 &
    wait $!
  done
  fail serving "$(end_of_container)"
}

# shellcheck disable=SC2317,SC2329 # called by the trap
leave() {
  docker stop --time 10 "$name" >/dev/null 2>&1
  docker rm --force "$name" >/dev/null 2>&1
  exit 0
}

main() {
  umask 022
  install -d -m 0711 "$RUN" "$DATA"
  install -d "$RUN/status"
  trap leave TERM INT
  local before=$(($(failures) < 5 ? $(failures) : 5))
  # Keep the last failure readable in the meantime.
  ((before == 0)) || sleep $((RETRY_SECONDS * (2 ** (before - 1))))
  report booted running "try $(($(failures) + 1))"
  check_clock
  exec 8>"$RUN/prepare.lock"
  flock --wait 3600 8 || fail docker "another container of this machine has held the lock for an hour; reboot the machine"
  prepare_docker
  prepare_instance_store
  pull_image
  exec 8>&-
  report image "done" "${IMAGE##*@}"
  if [[ "$ROLE" == server ]]; then
    # shellcheck source=front.sh
    source "${BASH_SOURCE[0]%/*}/front.sh"
    prepare_front
    start_container
    await_front
  else
    start_container
    await_backend
    report serving ready "$name listens"
  fi
  rm -f "$RUN/failures.$name"
  stay
}

main
