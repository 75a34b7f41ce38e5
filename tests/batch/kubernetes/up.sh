#!/usr/bin/env bash
# Starts a Kubernetes of one node in FOLDER from what build.sh has made there, without systemd; prints what to export.
# Wants root, etcd, containerd, runc, the CNI plugins (Debian: etcd-server containerd runc containernetworking-plugins),
# debootstrap for the image of jobs, and openssl. The node has GPUS (2) GPUs that are none.
#   tests/batch/kubernetes/up.sh FOLDER; tests/batch/kubernetes/down.sh FOLDER
set -euo pipefail
folder=$(realpath "$1") port=${PORT:-16443} etcd=${ETCD:-12379} node=deepwhisk-node
mkdir -p "$folder"/{bin,keys,log,run,cni,containerd,image}
cd "$folder"
for part in kube-apiserver kube-controller-manager kube-scheduler kubelet; do ln -sf ../kube "bin/$part"; done

begin() {
  local name=$1
  shift
  setsid "$@" >"log/$name" 2>&1 </dev/null &
  echo $! >"run/$name"
}
wait_for() {
  local what=$1
  shift
  for _ in $(seq 600); do ! "$@" >/dev/null 2>&1 || return 0; sleep 0.2; done
  echo "$what did not come; see $folder/log" >&2
  exit 1
}

# One authority; the API server's certificate and the operator's.
if [ ! -f keys/admin.crt ]; then
  openssl genrsa -out keys/accounts.key 2048
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=deepwhisk-test -keyout keys/ca.key -out keys/ca.crt
  for each in api:/CN=apiserver admin:/O=system:masters/CN=admin; do
    name=${each%%:*}
    openssl req -newkey rsa:2048 -nodes -subj "${each#*:}" -keyout "keys/$name.key" -out "keys/$name.csr"
    openssl x509 -req -days 30 -in "keys/$name.csr" -CA keys/ca.crt -CAkey keys/ca.key -CAcreateserial \
      -extfile <(echo "subjectAltName=IP:127.0.0.1,DNS:localhost,IP:10.96.0.1") -out "keys/$name.crt"
  done
fi 2>log/openssl
cat >kubeconfig <<END
apiVersion: v1
kind: Config
clusters: [{name: here, cluster: {server: "https://127.0.0.1:$port", certificate-authority: $folder/keys/ca.crt}}]
users: [{name: admin, user: {client-certificate: $folder/keys/admin.crt, client-key: $folder/keys/admin.key}}]
contexts: [{name: here, context: {cluster: here, user: admin}}]
current-context: here
END
chmod 600 kubeconfig

# Containers. The kubelet asks for an oom_score_adj of -998, which a machine that is a container itself refuses.
cat >cni/bridge.conflist <<END
{"cniVersion": "0.4.0", "name": "bridge", "plugins": [{"type": "bridge", "bridge": "deepwhisk-kube", "isGateway": true,
  "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/24"}]]}}]}
END
cat >containerd/config.toml <<END
version = 2
root = "$folder/containerd/root"
state = "$folder/containerd/state"
[grpc]
  address = "$folder/containerd/socket"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "deepwhisk.test/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$folder/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
END
begin containerd containerd --config containerd/config.toml
begin etcd etcd --data-dir "$folder/etcd" --listen-client-urls "http://127.0.0.1:$etcd" \
  --advertise-client-urls "http://127.0.0.1:$etcd" --listen-peer-urls "http://127.0.0.1:$((etcd + 1))"
begin apiserver bin/kube-apiserver --etcd-servers="http://127.0.0.1:$etcd" --bind-address=127.0.0.1 --secure-port="$port" \
  --advertise-address=127.0.0.1 --service-cluster-ip-range=10.96.0.0/16 --authorization-mode=RBAC \
  --service-account-issuer=https://kubernetes --service-account-key-file=keys/accounts.key \
  --service-account-signing-key-file=keys/accounts.key --client-ca-file=keys/ca.crt \
  --tls-cert-file=keys/api.crt --tls-private-key-file=keys/api.key \
  --kubelet-client-certificate=keys/admin.crt --kubelet-client-key=keys/admin.key
ask() { curl -sf --noproxy '*' --cacert keys/ca.crt --cert keys/admin.crt --key keys/admin.key "$@"; }
api="https://127.0.0.1:$port"

# Two images, each of one layer: what holds a pod together, and a Debian with Python.
image() { # NAME LAYER COMMAND
  digest=$(sha256sum "image/$2" | cut -d' ' -f1)
  printf '{"architecture": "amd64", "os": "linux", "config": {"Cmd": ["%s"], "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}, "rootfs": {"type": "layers", "diff_ids": ["sha256:%s"]}}' \
    "$3" "$digest" >image/config.json
  printf '[{"Config": "config.json", "RepoTags": ["%s"], "Layers": ["%s"]}]' "$1" "$2" >image/manifest.json
  tar -C image -cf - manifest.json config.json "$2" | ctr --address containerd/socket --namespace k8s.io images import -
}
if [ ! -f image/pause.tar ]; then
  mkdir -p image/pause
  printf 'package main\nimport ("os"; "os/signal"; "syscall")\nfunc main() { told := make(chan os.Signal, 1); signal.Notify(told, syscall.SIGTERM); go func() { for { syscall.Wait4(-1, nil, 0, nil); syscall.Nanosleep(&syscall.Timespec{Nsec: 1e8}, nil) } }(); <-told }\n' >image/pause.go
  CGO_ENABLED=0 GO111MODULE=off go build -o image/pause/pause image/pause.go
  tar -C image/pause -cf image/pause.tar .
fi
if [ ! -f image/python.tar ]; then
  debootstrap --variant=minbase --include=python3,python3-pip,ca-certificates bookworm image/tree >log/debootstrap 2>&1
  cp /usr/local/share/ca-certificates/*.crt image/tree/usr/local/share/ca-certificates/ 2>/dev/null || true
  chroot image/tree update-ca-certificates >/dev/null 2>&1
  tar -C image/tree -cf image/python.tar . && rm -rf image/tree
fi
wait_for containerd ctr --address containerd/socket version
image deepwhisk.test/pause:1 pause.tar /pause >log/images
image deepwhisk.test/python:1 python.tar /bin/sh >>log/images

wait_for "The API server" ask "$api/readyz"
begin controllers bin/kube-controller-manager --kubeconfig=kubeconfig --service-account-private-key-file=keys/accounts.key \
  --root-ca-file=keys/ca.crt --bind-address=127.0.0.1 --leader-elect=false
begin scheduler bin/kube-scheduler --kubeconfig=kubeconfig --bind-address=127.0.0.1 --leader-elect=false
cat >kubelet.yaml <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 127.0.0.1
authentication: {anonymous: {enabled: false}, webhook: {enabled: false}, x509: {clientCAFile: $folder/keys/ca.crt}}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
failSwapOn: false
failCgroupV1: false
containerRuntimeEndpoint: unix://$folder/containerd/socket
evictionHard: {nodefs.available: "1%", imagefs.available: "1%", memory.available: 100Mi}
END
grep -q " $node\$" /etc/hosts || echo "127.0.0.1 $node" >>/etc/hosts  # the API server asks it for logs by its name
begin kubelet bin/kubelet --config=kubelet.yaml --kubeconfig=kubeconfig --hostname-override="$node" --root-dir="$folder/kubelet"
ready() { ask "$api/api/v1/nodes/$node" | python3 -c 'import json, sys
sys.exit(not any(c["type"] == "Ready" and c["status"] == "True" for c in json.load(sys.stdin)["status"]["conditions"]))'; }
wait_for "The node" ready
ask -o /dev/null -X PATCH -H 'Content-Type: application/json-patch+json' "$api/api/v1/nodes/$node/status" \
  -d "[{\"op\": \"add\", \"path\": \"/status/capacity/nvidia.com~1gpu\", \"value\": \"${GPUS:-2}\"}]"
wait_for "The default service account" ask "$api/api/v1/namespaces/default/serviceaccounts/default"
echo "export DEEPWHISK_TEST_KUBERNETES=$folder/kubeconfig"
