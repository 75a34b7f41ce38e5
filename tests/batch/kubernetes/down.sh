#!/usr/bin/env bash
# Ends what up.sh has started in FOLDER, pods first.    tests/batch/kubernetes/down.sh FOLDER
set -uo pipefail
cd "$1" || exit 1
for part in kubelet scheduler controllers apiserver etcd; do kill "$(cat "run/$part")" 2>/dev/null; done
tasks() { ctr --address containerd/socket --namespace k8s.io tasks "$@" 2>/dev/null; }
for each in $(tasks ls -q); do tasks kill --signal 9 "$each"; done
sleep 1
kill "$(cat run/containerd)" 2>/dev/null
sleep 1
grep -o " $PWD[^ ]*" /proc/mounts | sort -r | xargs -r umount --lazy
ip link delete deepwhisk-kube 2>/dev/null
sed -i '/ deepwhisk-node$/d' /etc/hosts 2>/dev/null || true
