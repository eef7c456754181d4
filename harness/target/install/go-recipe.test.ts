import { describe, expect, it } from "vitest";
import { goModSchema, goRecipe } from "./go-recipe.ts";

describe("the Go recipe", () => {
  it("replaces the staging modules of kube-apiserver by the published ones of the same release", () => {
    const goMod = goModSchema.parse({
      Go: "1.26.0",
      Replace: [
        { Old: { Path: "k8s.io/api" }, New: { Path: "./staging/src/k8s.io/api" } },
        { Old: { Path: "example.org/fork" }, New: { Path: "example.org/other" } },
      ],
    });
    const { files, ldflags } = goRecipe({ name: "kube-apiserver", version: "v1.37.2" }, goMod);
    expect(files["go.mod"]).toBe(
      [
        "module kmsmark.local/kube-apiserver",
        "",
        "go 1.26.0",
        "",
        "require k8s.io/kubernetes v1.37.2",
        "",
        "replace k8s.io/api => k8s.io/api v0.37.2",
        "",
      ].join("\n"),
    );
    expect(ldflags).toContain("-X k8s.io/component-base/version.gitVersion=v1.37.2");
    expect(files["main.go"]).toContain('"k8s.io/kubernetes/cmd/kube-apiserver/app"');
  });

  it("needs no replacements for etcd", () => {
    const { files } = goRecipe({ name: "etcd", version: "v3.7.3" }, { Go: "1.26.0" });
    expect(files["go.mod"]).toBe("module kmsmark.local/etcd\n\ngo 1.26.0\n\nrequire go.etcd.io/etcd/server/v3 v3.7.3\n");
  });
});
