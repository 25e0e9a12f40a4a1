#!/bin/bash
# `llama-rpc-boot SCRIPT [ARGUMENT…]`: fetches this machine's scripts from the cluster's bucket, checks each against the
# SHA-256 in the user data, keeps them, and replaces itself by SCRIPT. Only this program is in the user data, which is
# limited to 16 KiB. Comments are removed from all scripts before they get to a machine.
# LLAMA_RPC_ROOT and LLAMA_RPC_RETRY_SECONDS are for tests; see node.sh.
set -uo pipefail

readonly ROOT="${LLAMA_RPC_ROOT:-}" RETRY_SECONDS="${LLAMA_RPC_RETRY_SECONDS:-5}"
readonly LIB="$ROOT/usr/local/lib/llama-rpc-cluster"
# shellcheck source=/dev/null
source "$ROOT/etc/llama-rpc-cluster/node.conf"
export AWS_DEFAULT_REGION="$AWS_REGION"
words=""

is_right() { echo "$2  $1" | sha256sum --check --status 2>/dev/null; } # file sha256

fetch() { # file sha256
  local try
  for try in 1 2 3 4 5; do
    words="$(timeout 60 aws s3 cp --only-show-errors --cli-connect-timeout 5 "s3://$BUCKET/boot/$2" "$1.new" 2>&1)" &&
      is_right "$1.new" "$2" && mv "$1.new" "$1" && return
    ((try < 5)) && sleep $((RETRY_SECONDS * try))
  done
  words="$(awk 'NF {line = $0} END {print line}' <<<"$words")"
  local line="$EPOCHSECONDS booted failed s3://$BUCKET/boot/$2 (${1##*/}): ${words:-its SHA-256 differs}; let the machine's role read it and the VPC have S3's endpoint, or run pulumi up, which uploads it"
  timeout 60 aws ssm put-parameter --overwrite --type String --name "$STATUS_PARAMETER" --value "$line" >/dev/null
  echo "llama-rpc-cluster $MACHINE: $line" | tee -a "$ROOT/dev/console"
  exit 1
}

mkdir -p "$LIB"
{
  flock 9
  for script in "${SCRIPTS[@]}"; do
    is_right "$LIB/${script% *}" "${script#* }" || fetch "$LIB/${script% *}" "${script#* }"
  done
} 9>"$LIB/lock"
exec bash "$LIB/$1" "${@:2}"
