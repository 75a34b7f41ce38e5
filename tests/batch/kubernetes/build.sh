#!/usr/bin/env bash
# Builds Kubernetes 1.34 from its Go modules into FOLDER/kube (120 MB): ten minutes of processor time the first time, then
# Go's cache has it. Wants Go 1.24 or newer.    tests/batch/kubernetes/build.sh FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd) folder=$1 version=1.34.4
mkdir -p "$folder/source"
cd "$folder/source"
cp "$here/main.go" .
export CGO_ENABLED=0 GOFLAGS="-buildvcs=false ${GOFLAGS:-}"
if [ ! -f go.sum ]; then
  printf 'module kube\n\ngo 1.24.0\n\nrequire k8s.io/kubernetes v%s\n' "$version" >go.mod
  # Kubernetes takes its libraries from its own tree; they have versions of their own, 0.34.4 for 1.34.4.
  list=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
  sed -n 's|^\t\(k8s.io/[a-z-]*\) => ./staging.*|\1|p' "$list" | while read -r library; do
    go mod edit -replace "$library=$library@v0${version#1}"
  done
  go mod tidy
fi
go build -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=v$version -X k8s.io/component-base/version.gitMajor=1 \
  -X k8s.io/component-base/version.gitMinor=34" -o "$folder/kube" .
