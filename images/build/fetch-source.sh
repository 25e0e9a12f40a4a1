#!/bin/sh
# Gets llama.cpp at a tag, a branch or a commit into /llama.cpp: fetch-source.sh REPOSITORY VERSION
set -eu
repository="$1"
version="$2"

git init --quiet /llama.cpp
cd /llama.cpp
git remote add origin "$repository"
# A full commit hash, a tag or a branch comes alone and shallow; a short hash is not a name that a server knows,
# so everything (without file contents) is fetched and the hash is looked up here.
if git fetch --quiet --depth 1 origin "$version" 2>/tmp/fetch.log; then
  git checkout --quiet --detach FETCH_HEAD
else
  git fetch --quiet --filter=blob:none --tags origin "+refs/heads/*:refs/remotes/origin/*"
  if ! commit="$(git rev-parse --verify --quiet "${version}^{commit}")"; then
    echo "LLAMACPP_VERSION='${version}' is no tag, branch or commit of ${repository}: $(tail -n 1 /tmp/fetch.log)" >&2
    exit 1
  fi
  git checkout --quiet --detach "$commit"
fi
echo "llama.cpp source: ${repository} at $(git rev-parse HEAD)"
