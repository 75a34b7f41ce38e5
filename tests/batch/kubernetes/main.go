// Kubernetes in one program, told by the name it is called by which of its four parts to be: one build, one real cluster.
package main

import (
	"context"
	"log"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	var part *cobra.Command
	switch name := filepath.Base(os.Args[0]); name {
	case "kube-apiserver":
		part = apiserver.NewAPIServerCommand()
	case "kube-controller-manager":
		part = controllers.NewControllerManagerCommand()
	case "kube-scheduler":
		part = scheduler.NewSchedulerCommand()
	case "kubelet":
		part = kubelet.NewKubeletCommand(context.Background())
	default:
		log.Fatalf("%s is no part of Kubernetes", name)
	}
	os.Exit(cli.Run(part))
}
