"""What needs a real Kubernetes is collected where DEEPWHISK_TEST_KUBERNETES names its kubeconfig."""

from fixtures.kubernetes import KUBECONFIG

collect_ignore = [] if KUBECONFIG else ["test_kubernetes.py"]
