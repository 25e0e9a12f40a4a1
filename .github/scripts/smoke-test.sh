#!/bin/bash
# Serves a model with a backend and a server image and requests a completion: smoke-test.sh BACKEND SERVER MODEL-FOLDER
# PLATFORM and FLAVOUR are those of the images. For a foreign platform everything is emulated and slow.
# The containers are restricted as in a cluster: no privileges, read-only root, a network without Internet access.
set -euo pipefail
backend_image="$1" server_image="$2" models="$(realpath "$3")"
model="$(basename "$(find "$models" -maxdepth 1 -name '*.gguf' | head -n 1)")"
id="smoke-$$"
backend="${id}-backend" server="${id}-server"
patience_s=600

finish() {
    code=$?
    if [ "$code" -ne 0 ]; then
        for container in "$backend" "$server"; do
            echo "::group::log of ${container}"
            docker logs "$container" 2>&1 | tail -n 200 || true
            echo "::endgroup::"
        done
    fi
    docker rm --force "$backend" "$server" >/dev/null 2>&1 || true
    docker network rm "$id" >/dev/null 2>&1 || true
    exit "$code"
}
trap finish EXIT

fail() {
    echo "smoke test: $1" >&2
    exit 1
}

health() { docker inspect --format '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' "$1"; }

wait_healthy() {
    for ((waited = 0; waited < patience_s; waited += 2)); do
        case "$(health "$1")" in
            "running healthy") return ;;
            exited*) fail "$1 has ended with exit code $(docker inspect --format '{{.State.ExitCode}}' "$1")" ;;
        esac
        sleep 2
    done
    fail "$1 is not healthy after ${patience_s} s"
}

confined=(--platform "$PLATFORM" --network "$id" --read-only --tmpfs /tmp
    --cap-drop ALL --security-opt no-new-privileges --memory 2g)

docker network create --internal "$id" >/dev/null
# A CUDA backend refuses to start without a GPU, and these runners have none, so it is set to lend its CPU.
lends=()
if [ "${FLAVOUR:-cpu}" = cuda ]; then lends=(--env APP_DEVICE=CPU); fi
docker run --detach --name "$backend" "${confined[@]}" --env APP_MODE=backend "${lends[@]}" "$backend_image" >/dev/null
wait_healthy "$backend"

# A 32-bit front can't use backends and reports that, but it must still serve alone.
rpc="${backend}:50052"
if [ "$PLATFORM" = linux/arm/v7 ]; then rpc=""; fi
docker run --detach --name "$server" "${confined[@]}" --volume "${models}:/models:ro" \
    --env APP_MODE=server --env "APP_RPC_BACKENDS=${rpc}" --env "APP_MODEL=/models/${model}" \
    --env APP_WAIT_SECONDS="$patience_s" --env LLAMA_ARG_CTX_SIZE=512 --env LLAMA_ARG_N_PARALLEL=1 \
    "$server_image" >/dev/null
wait_healthy "$server"

# The network can't be reached from outside, so send the request from inside, over bash's /dev/tcp.
request='{"prompt":"The capital of France is","n_predict":8,"temperature":0}'
answer="$(docker exec "$server" bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080
    printf "POST /completion HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" "${#1}" "$1" >&3
    cat <&3' ask "$request")"
content="$(sed -n 's/.*"content":"\([^"]*\)".*/\1/p' <<<"$answer")"
[ -n "${content// /}" ] || fail "no answer came: ${answer:0:500}"
echo "The capital of France is${content}"

for container in "$server" "$backend"; do
    started=$SECONDS
    docker stop --time 30 "$container" >/dev/null
    [ $((SECONDS - started)) -lt 15 ] || fail "${container} did not stop when asked to"
done
