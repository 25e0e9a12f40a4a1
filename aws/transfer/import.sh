#!/usr/bin/env bash
# Imports one file of a model into the cluster's bucket. import.ts starts it in a build of CodeBuild, so that the model does
# not use the operator's connection. The file gets its final name in the bucket only after its SHA-256 was verified. Before
# that, and after a failure, the bucket holds nothing that a front could mistake for a model.
#
# MODEL_SOURCE    https://… or s3://…
# MODEL_BUCKET    bucket to write to
# MODEL_KEY       its name there: models/<file>
# MODEL_BYTES     expected size in bytes
# MODEL_IDENTITY  identity of the file, for the object's metadata
# MODEL_SHA256    expected SHA-256; empty if unknown
# MODEL_TAG       expected SHA-256 if the server does not give it (X-Linked-Etag of Hugging Face); may be empty
# HF_TOKEN        sent to MODEL_SOURCE as a bearer token if MODEL_TOKEN is "yes"; never on a command line, never printed
# CHUNK_BYTES     bytes of one request; they are kept on disk until they are in the bucket
# AT_ONCE         number of parallel requests
set -euo pipefail

: "${CHUNK_BYTES:=67108864}" "${AT_ONCE:=4}" "${RETRY_SECONDS:=2}" "${MODEL_SHA256:=}" "${MODEL_TAG:=}" "${MODEL_TOKEN:=}"
readonly ATTEMPTS=6 PROGRESS_SECONDS=10
export AWS_MAX_ATTEMPTS=8 AWS_RETRY_MODE=standard

work=$(mktemp -d)
staging=staging/${CODEBUILD_BUILD_ID:-$$-$RANDOM}
staging=${staging//:/-}/${MODEL_KEY##*/}
source_shown=${MODEL_SOURCE%%\?*}

say() { printf 'llama-rpc-cluster: %s\n' "$*"; }

fail() {
  say "failed: $*"
  exit 1
}

# Leaves nothing but the model, in all cases.
# shellcheck disable=SC2329 # called by the trap
clean_up() {
  local status=$?
  aws s3 rm --only-show-errors "s3://$MODEL_BUCKET/$staging" 2>"$work/errors" ||
    say "s3://$MODEL_BUCKET/$staging can't be removed: $(complaint "$work/errors"); the bucket removes it after a day"
  rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 143' TERM INT

# The last line of a program's error output.
complaint() { grep -v '^[[:space:]]*$' "$1" | tail -n 1 | tr -d '\r'; }

# A settings file for curl, for what must not be on a command line: the URL may be signed.
write_curl_settings() {
  local escaped=${MODEL_SOURCE//\\/\\\\}
  (
    umask 077
    printf 'url = "%s"\n' "${escaped//\"/\\\"}" >"$work/curl"
    if [[ $MODEL_TOKEN == yes && -n ${HF_TOKEN:-} ]]; then
      # curl sends it to the first host only and drops it on a redirect.
      printf 'header = "Authorization: Bearer %s"\n' "$HF_TOKEN" >>"$work/curl"
    fi
  )
}

# fetch_chunk <number>: writes that part of the file to $work/chunk.<number>, whole or not at all.
fetch_chunk() {
  local first=$(($1 * CHUNK_BYTES)) last attempt status reason
  last=$((first + CHUNK_BYTES - 1 < MODEL_BYTES - 1 ? first + CHUNK_BYTES - 1 : MODEL_BYTES - 1))
  local wanted=$((last - first + 1)) part=$work/part.$1
  for ((attempt = 1; attempt <= ATTEMPTS; attempt++)); do
    status=$(curl --config "$work/curl" --silent --show-error --location --range "$first-$last" --max-filesize "$wanted" \
      --connect-timeout 20 --speed-limit 1024 --speed-time 60 --output "$part" --write-out '%{http_code}' 2>"$part.error") || true
    if [[ -f $part && $(stat -c %s "$part") == "$wanted" && ($status == 206 || ($status == 200 && $wanted == "$MODEL_BYTES")) ]]; then
      mv "$part" "$work/chunk.$1"
      return 0
    fi
    case $status in
      200) reason="the server sends whole files only, no ranges: put the file elsewhere" ;;
      401 | 403) reason="the server refuses access ($status): if the model is gated or private, accept its terms and give a token" ;;
      404 | 410) reason="there is no such file ($status): check the source" ;;
      416) reason="the file is smaller than planned: run \`npm run plan\` again" ;;
      000) reason="the server can't be reached ($(complaint "$part.error"))" ;;
      206) reason="the connection broke off at $(stat -c %s "$part" 2>/dev/null || echo 0) of $wanted bytes" ;;
      *) reason="the server answers $status" ;;
    esac
    printf '%s\n' "$reason" >"$work/reason.$1"
    case $status in 200 | 401 | 403 | 404 | 410 | 416) return 1 ;; esac
    sleep "$((attempt * RETRY_SECONDS))"
  done
  return 1
}

# Writes the whole file to standard output. Requests run ahead of the output, and each is retried by itself.
stream() {
  local count=$(((MODEL_BYTES + CHUNK_BYTES - 1) / CHUNK_BYTES)) started=0 number written=0 reported=$SECONDS
  local -a fetches=()
  for ((number = 0; number < count; number++)); do
    while ((started < count && started < number + AT_ONCE)); do
      fetch_chunk "$started" &
      fetches[started]=$!
      started=$((started + 1))
    done
    if ! wait "${fetches[number]}"; then
      mv "$work/reason.$number" "$work/reason"
      kill "${fetches[@]:number+1}" 2>/dev/null || true
      return 1
    fi
    # A broken pipe: the bucket has refused the upload.
    cat "$work/chunk.$number" || return 1
    written=$((written + $(stat -c %s "$work/chunk.$number")))
    rm "$work/chunk.$number"
    if ((SECONDS - reported >= PROGRESS_SECONDS || number == count - 1)); then
      say "progress $written of $MODEL_BYTES bytes" >&2
      reported=$SECONDS
    fi
  done
}

# The SHA-256 that Hugging Face states for a large file; empty if it states none.
linked_sha256() {
  curl --config "$work/curl" --silent --head --location --connect-timeout 20 --max-time 60 |
    tr -d '\r"' | sed -n 's/^[Xx]-[Ll]inked-[Ee][Tt][Aa][Gg]: *\(W\/\)\{0,1\}\([0-9a-f]\{64\}\)$/\2/p' | tail -n 1
}

# From HTTP: streams and hashes the file.
from_http() {
  write_curl_settings
  if [[ -z $MODEL_SHA256 ]]; then
    MODEL_SHA256=$(linked_sha256 || true)
    MODEL_SHA256=${MODEL_SHA256:-$MODEL_TAG}
  fi
  mkfifo "$work/copy"
  sha256sum <"$work/copy" >"$work/sha256" &
  local hashing=$! ended
  set +e
  stream | tee "$work/copy" | aws s3 cp --only-show-errors --expected-size "$MODEL_BYTES" - "s3://$MODEL_BUCKET/$staging" 2>"$work/errors"
  ended=("${PIPESTATUS[@]}")
  set -e
  wait "$hashing"
  # Report the bucket's refusal first, because it also ends the stream.
  [[ ${ended[2]} == 0 ]] || fail "the bucket $MODEL_BUCKET does not accept $source_shown: $(complaint "$work/errors")"
  [[ ${ended[0]} == 0 ]] || fail "$source_shown can't be fetched: $(complaint "$work/reason")"
}

# From another bucket: S3 copies the file, and the copy is read once to hash it.
from_s3() {
  local bucket=${MODEL_SOURCE#s3://} region
  bucket=${bucket%%/*}
  region=$(aws s3api head-bucket --bucket "$bucket" --query BucketRegion --output text 2>/dev/null || true)
  local -a from=()
  if [[ -n $region && $region != None ]]; then from=(--source-region "$region"); fi
  aws s3 cp --only-show-errors --metadata-directive REPLACE "${from[@]}" "$MODEL_SOURCE" "s3://$MODEL_BUCKET/$staging" 2>"$work/errors" ||
    fail "$MODEL_SOURCE can't be copied: $(complaint "$work/errors")"
  say "progress $MODEL_BYTES of $MODEL_BYTES bytes"
  aws s3 cp --only-show-errors "s3://$MODEL_BUCKET/$staging" - 2>"$work/errors" | sha256sum >"$work/sha256" ||
    fail "the copy of $MODEL_SOURCE can't be read: $(complaint "$work/errors")"
}

say "importing $source_shown into s3://$MODEL_BUCKET/$MODEL_KEY, $MODEL_BYTES bytes"
case $MODEL_SOURCE in
  s3://*) from_s3 ;;
  *) from_http ;;
esac

bytes=$(aws s3api head-object --bucket "$MODEL_BUCKET" --key "$staging" --query ContentLength --output text)
[[ $bytes == "$MODEL_BYTES" ]] || fail "$source_shown has $bytes bytes instead of $MODEL_BYTES: run \`npm run plan\` again"
read -r sha256 _ <"$work/sha256"
if [[ -n $MODEL_SHA256 && $sha256 != "$MODEL_SHA256" ]]; then
  fail "$source_shown has the SHA-256 $sha256 instead of $MODEL_SHA256: it was changed or damaged; run \`npm run plan\` again if it was changed"
fi
[[ -n $MODEL_SHA256 ]] || say "the SHA-256 of $source_shown is not known in advance and was not checked"

aws s3 cp --only-show-errors --metadata-directive REPLACE --content-type application/octet-stream \
  --metadata "{\"identity\":\"$MODEL_IDENTITY\",\"sha256\":\"$sha256\"}" \
  "s3://$MODEL_BUCKET/$staging" "s3://$MODEL_BUCKET/$MODEL_KEY" 2>"$work/errors" ||
  fail "s3://$MODEL_BUCKET/$MODEL_KEY can't be written: $(complaint "$work/errors")"
say "done, SHA-256 $sha256"
