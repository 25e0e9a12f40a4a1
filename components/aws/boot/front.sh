# shellcheck shell=bash
# The front's part of node.sh, which sources this file: the API key, the model, and one real generation that proves that
# the cluster works.
# shellcheck disable=SC2034,SC2154 # shared with node.sh

# Writes the key from AWS to files on tmpfs: one for llama-server, one as a header for curl. The key is never on a command
# line, in an environment or in a log.
fetch_key() {
  local key
  install -d -m 0700 -o 10001 -g 10001 "$RUN/secrets"
  retried 'ParameterNotFound|InvalidKeyId' read_key
  case "$?,$words" in
    0,*) ;;
    *ParameterNotFound*) fail key "the parameter $KEY_PARAMETER does not exist: run pulumi up, which creates it" ;;
    *AccessDenied*) fail key "the machine's role may not read $KEY_PARAMETER: $(last_line <<<"$words")" ;;
    *) fail key "$KEY_PARAMETER can't be read: $(last_line <<<"$words"); the VPC needs the endpoint ssm" ;;
  esac
  key="$(<"$RUN/secrets/api-key")"
  [[ ${#key} -ge 16 ]] || fail key "the API key in $KEY_PARAMETER has ${#key} characters, at least 16 are needed: run pulumi up, which writes the key"
  (umask 077 && printf 'Authorization: Bearer %s\n' "$key" >"$RUN/api-header")
  report key "done" "$KEY_PARAMETER"
}
read_key() {
  (umask 077 && cloud ssm get-parameter --with-decryption --name "$KEY_PARAMETER" --query Parameter.Value >"$RUN/secrets/api-key") &&
    chmod 0400 "$RUN/secrets/api-key" && chown 10001:10001 "$RUN/secrets/api-key"
}

size_of() { stat --format %s "$1" 2>/dev/null || echo 0; }
# Counts blocks, not the length, because parts of a file are written out of order.
fetched_bytes() { du --summarize --block-size=1 "$DATA/models" | cut -f 1; }

fetch_model() {
  local key file here=0 sum=0
  local -A size=()
  install -d "$DATA/models"
  for key in "${MODEL_KEYS[@]}"; do
    retried '404|NoSuch|Not Found' cloud s3api head-object --bucket "$MODEL_BUCKET" --key "$key" --query ContentLength
    case "$?,$words" in
      0,*) size["$key"]="$(last_line <<<"$words")" ;;
      *404* | *NoSuch* | *"Not Found"*) fail model "s3://$MODEL_BUCKET/$key does not exist: run pulumi up, which uploads the model" ;;
      *403* | *AccessDenied*) fail model "s3://$MODEL_BUCKET/$key does not exist or the machine's role may not read it ($(last_line <<<"$words")): run pulumi up, which uploads the model" ;;
      *) fail model "s3://$MODEL_BUCKET can't be reached: $(last_line <<<"$words"); the VPC needs S3's gateway endpoint" ;;
    esac
    sum=$((sum + size["$key"]))
  done
  ((sum == MODEL_BYTES)) ||
    fail model "s3://$MODEL_BUCKET holds $sum bytes of the model, but the plan says $MODEL_BYTES: run pulumi up, which uploads the model again"
  # Remove another model or an incomplete download.
  for file in "$DATA"/models/*; do
    [[ " ${MODEL_KEYS[*]##*/} " == *" ${file##*/} "* ]] || rm -f "$file"
  done
  for key in "${MODEL_KEYS[@]}"; do here=$((here + $(size_of "$DATA/models/${key##*/}"))); done
  ((here >= MODEL_BYTES)) || need_room model "$DATA/models" $((MODEL_BYTES - here + GIB / 4)) "the model"
  for key in "${MODEL_KEYS[@]}"; do
    file="$DATA/models/${key##*/}"
    [[ "$(size_of "$file")" == "${size["$key"]}" ]] || fetch_file "$key" "$file"
    chmod 0644 "$file"
  done
  report model "done" "$(in_gib "$MODEL_BYTES") GiB"
}

fetch_file() { # key file
  local try
  for try in 1 2 3; do
    copy "$1" "$2" && return
    grep -q 'No space left' "$RUN/copy.log" && fail model "disk full: $DATA/models can't hold the model's $(in_gib "$MODEL_BYTES") GiB; give the machine a larger disk"
    ((try < 3)) && sleep $((RETRY_SECONDS * try))
  done
  fail model "s3://$MODEL_BUCKET/$1 can't be fetched: $(last_line <"$RUN/copy.log"); the VPC needs S3's gateway endpoint"
}

copy() { # key file; fails after two minutes without data
  local fetched before=-1 still=0
  printf '[default]\ns3 =\n  preferred_transfer_client = crt\n  target_bandwidth = 100Gb/s\n' >"$RUN/aws.conf"
  AWS_CONFIG_FILE="$RUN/aws.conf" aws s3 cp --no-progress --only-show-errors "s3://$MODEL_BUCKET/$1" "$2" >"$RUN/copy.log" 2>&1 &
  local child=$!
  while kill -0 "$child" 2>/dev/null; do
    fetched="$(fetched_bytes)"
    still=$((fetched == before ? still + 1 : 0)) before="$fetched"
    report model running "$(in_gib "$fetched") of $(in_gib "$MODEL_BYTES") GiB"
    if ((still >= 24)); then
      kill "$child"
      echo "no data for two minutes" >>"$RUN/copy.log"
    fi
    # Wait five seconds, or less if the copy ends.
    timeout 5 tail --pid="$child" --follow /dev/null
  done
  wait "$child"
}

prepare_front() {
  fetch_key
  fetch_model
}

# Follows the container's log while it waits for the backends, then requests a generation.
await_front() {
  # The container's own time limit is shorter, because it knows which backend is missing.
  local deadline=$((SECONDS + STARTUP_SECONDS + 20)) line reported=""
  while ((SECONDS < deadline)); do
    line="$(docker logs "$name" 2>&1 | grep -oE 'backends: [0-9]+ of [0-9]+ ready( after)?' | tail -n 1)"
    case "$(container_state),$line" in
      ended,*) fail "${reported:-loading}" "$(end_of_container)" ;;
      healthy,*)
        # A quick load may end between two checks.
        [[ "$reported" == loading || -z "$line" ]] || report backends "done" "$(grep -oE '[0-9]+ of [0-9]+' <<<"$line")"
        prove_generation && return
        ;;
      *,*after | *,) [[ "$reported" == loading ]] || report_loading "$line" ;;
      *) report backends running "$(grep -oE '[0-9]+ of [0-9]+' <<<"$line")" && reported=backends ;;
    esac
    sleep 1
  done
  fail "${reported:-loading}" "the front does not answer after $STARTUP_SECONDS s: $(docker logs --tail 20 "$name" 2>&1 | last_line); allow more time, or see why the backends are slow"
}
report_loading() { # the log's line about backends, empty if there is none yet
  if [[ -n "$1" ]]; then
    report backends "done" "$(grep -oE '[0-9]+ of [0-9]+' <<<"$1")"
  elif printf '%s\n' "${ENVIRONMENT[@]}" | grep -q '^APP_RPC_BACKENDS=.'; then
    return
  fi
  reported=loading
  report loading running "copying the weights to the devices"
}

setting() { printf '%s\n' "${ENVIRONMENT[@]}" | sed -n "s/^$1=//p"; }

prove_generation() {
  local host port path=/completion body='{"prompt":"Once upon a time","n_predict":4}' proof='"tokens_predicted": *[1-9]' status answer="$RUN/answer"
  host="$(setting APP_BIND)" port="$(setting APP_PORT)"
  [[ "$host" != 0.0.0.0 ]] || host=127.0.0.1
  [[ "$(setting LLAMA_ARG_EMBEDDINGS)" != 1 ]] || path=/v1/embeddings body='{"input":"Once upon a time"}' proof='"embedding": *\['
  status="$(curl --silent --show-error --max-time 300 --output "$answer" --write-out '%{http_code}' --header "@$RUN/api-header" \
    --header 'Content-Type: application/json' --data "$body" "http://${host:-127.0.0.1}:${port:-8080}$path" 2>&1)"
  if [[ "$status" == 200 ]] && grep -q "$proof" "$answer"; then
    report serving ready "answered a generation"
    return
  fi
  fail serving "the front is healthy but does not answer a generation: status $status $(head -c 300 "$answer" 2>/dev/null)"
}

# Prints a backend that the running front has lost. llama-server keeps one connection to each backend for its whole life
# and notices a loss only during the next answer, which it then aborts. A restart before that is better.
lost_backend() {
  local backend a b c d port remote list
  list="$(setting APP_RPC_BACKENDS)"
  for backend in ${list//,/ }; do
    [[ "$backend" =~ ^[0-9.]+:[0-9]+$ ]] || continue
    IFS=.: read -r a b c d port <<<"$backend"
    printf -v remote '%02X%02X%02X%02X:%04X' "$d" "$c" "$b" "$a" "$port"
    # 01: established.
    grep -q " $remote 01 " /proc/net/tcp || { echo "$backend" && return; }
  done
}
