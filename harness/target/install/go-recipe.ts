import { z } from "zod";
import type { Component } from "./way.ts";

/** What `go mod edit -json` says of a go.mod (go help mod edit), as far as a recipe needs it. */
export const goModSchema = z.object({
  Go: z.string(),
  Replace: z.array(z.object({ Old: z.object({ Path: z.string() }), New: z.object({ Path: z.string() }) })).nullish(),
});
type GoMod = z.infer<typeof goModSchema>;

/** How a component is built from its published Go modules. */
export interface GoRecipe {
  /** `go.mod` and `main.go`. */
  readonly files: Readonly<Record<"go.mod" | "main.go", string>>;
  /** The linker's flags. */
  readonly ldflags: string;
}

/** The module that holds a component's server, and whose go.mod the recipe is made of. */
export function moduleOf({ name }: Component): string {
  return name === "etcd" ? "go.etcd.io/etcd/server/v3" : "k8s.io/kubernetes";
}

/** @param goMod - the go.mod of {@link moduleOf} at the component's version */
export function goRecipe(component: Component, goMod: GoMod): GoRecipe {
  const strip = "-s -w";
  if (component.name === "etcd") {
    return { files: { "go.mod": goModText(component, goMod.Go, []), "main.go": etcdMain }, ldflags: strip };
  }
  // Kubernetes replaces its staging modules by folders that the published module does not have. Each is published by itself, with v0 for v1.
  const published = component.version.replace(/^v1\./, "v0.");
  const staging = (goMod.Replace ?? []).filter(({ New }) => New.Path.startsWith("./staging/")).map(({ Old }) => Old.Path);
  const [major, minor] = component.version.slice(1).split(".");
  const stamp = (variable: string, value: string | undefined) => `-X k8s.io/component-base/version.${variable}=${value}`;
  return {
    files: {
      "go.mod": goModText(
        component,
        goMod.Go,
        staging.map((path) => `replace ${path} => ${path} ${published}\n`),
      ),
      "main.go": kubeApiserverMain,
    },
    // What an unstamped kube-apiserver says at /version (v0.0.0-master) is no version that clients can work with.
    ldflags: [strip, stamp("gitVersion", component.version), stamp("gitMajor", major), stamp("gitMinor", minor)].join(" "),
  };
}

function goModText(component: Component, goVersion: string, replaces: readonly string[]): string {
  const text = `module kmsmark.local/${component.name}\n\ngo ${goVersion}\n\nrequire ${moduleOf(component)} ${component.version}\n`;
  return replaces.length === 0 ? text : `${text}\n${replaces.join("")}`;
}

const kubeApiserverMain = `package main

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
`;

const etcdMain = `package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
`;
