#!/usr/bin/env bash
# Builds an image of runtimes/python with the docker that DOCKER_HOST names, keeps it as a tar that docker and udocker
# load, and prints the path of that. What has not changed since is not built again.
#
#   build.sh NAME:TAG --target runtime
#   build.sh NAME:TAG --build-arg MODEL=language-identification
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
name=$1
shift
folder="${XDG_CACHE_HOME:-$HOME/.cache}/deepwhisk-ci/images"
base=$("$here/base.sh")
inside=(runtimes/python)
if [[ "$*" == *MODEL=* ]]; then inside+=(catalog); fi
digest=$({ echo "$name $*"; find "${inside[@]}" -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum; } \
  | sha256sum | cut -c -16)
stem=${name//[\/:]/-}
exec 9>"$folder/$stem.lock"
flock 9
if [ ! -f "$folder/$stem-$digest.tar" ]; then
  docker image inspect debian:bookworm-slim >/dev/null 2>&1 \
    || docker import -c 'CMD ["bash"]' -c 'ENV DEBIAN_FRONTEND=noninteractive' "$base" debian:bookworm-slim >&2
  DOCKER_BUILDKIT=0 docker build --network host -f runtimes/python/Dockerfile -t "$name" "$@" . >&2
  find "$folder" -name "$stem-*.tar" -mmin +60 -delete  # another checkout may be about to load its own
  docker save -o "$folder/$stem-$digest.new" "$name"
  mv "$folder/$stem-$digest.new" "$folder/$stem-$digest.tar"
fi
touch "$folder/$stem-$digest.tar"
echo "$folder/$stem-$digest.tar"
