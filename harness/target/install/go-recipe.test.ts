import { expect, test } from "vitest";
import { goRecipe } from "./go-recipe.ts";

const goModOfKubernetes = {
  Go: "1.26.0",
  Replace: [
    { Old: { Path: "k8s.io/api" }, New: { Path: "./staging/src/k8s.io/api" } },
    { Old: { Path: "k8s.io/kms" }, New: { Path: "./staging/src/k8s.io/kms" } },
    { Old: { Path: "example.org/fork" }, New: { Path: "example.org/other" } },
  ],
};

test("kube-apiserver is built with the staging modules that were published with it", () => {
  const recipe = goRecipe({ name: "kube-apiserver", version: "v1.37.2" }, goModOfKubernetes);
  expect(recipe.files["go.mod"]).toBe(`module kmsmark.local/kube-apiserver

go 1.26.0

require k8s.io/kubernetes v1.37.2

replace k8s.io/api => k8s.io/api v0.37.2
replace k8s.io/kms => k8s.io/kms v0.37.2
`);
  expect(recipe.files["main.go"]).toBe(`package main

import (
	"os"

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	os.Exit(cli.Run(app.NewAPIServerCommand()))
}
`);
});

test("kube-apiserver is stamped with its version", () => {
  const { ldflags } = goRecipe({ name: "kube-apiserver", version: "v1.37.2" }, goModOfKubernetes);
  const variable = "-X k8s.io/component-base/version";
  expect(ldflags).toBe(`-s -w ${variable}.gitVersion=v1.37.2 ${variable}.gitMajor=1 ${variable}.gitMinor=37`);
});

test("the staging modules of a pre-release bear its name", () => {
  const recipe = goRecipe({ name: "kube-apiserver", version: "v1.38.0-rc.1" }, goModOfKubernetes);
  expect(recipe.files["go.mod"]).toContain("replace k8s.io/api => k8s.io/api v0.38.0-rc.1\n");
});

test("etcd is built from its server's module alone", () => {
  const recipe = goRecipe({ name: "etcd", version: "v3.7.3" }, { Go: "1.26.0", Replace: null });
  expect(recipe).toEqual({
    files: {
      "go.mod": "module kmsmark.local/etcd\n\ngo 1.26.0\n\nrequire go.etcd.io/etcd/server/v3 v3.7.3\n",
      "main.go": `package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
`,
    },
    ldflags: "-s -w",
  });
});
