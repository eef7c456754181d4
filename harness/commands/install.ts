import { systemClock } from "../clock.ts";
import { defineCommand } from "../command.ts";
import { Display } from "../run/display.ts";
import { cacheFolder, defaultVersions, install, showProgress, ways } from "../target/install/index.ts";

export const command = defineCommand({
  usage: "install",
  summary: "Gets kube-apiserver and etcd: downloads them, or builds them with Go, and makes their images",
  examples: [
    { line: "kmsmark install", does: "the default versions, by the first way that works" },
    { line: "kmsmark install --kubernetes v1.36.1 --from release", does: "another version, from the published binaries" },
    { line: "kmsmark install --mirror mirror.example:5000/k8s", does: "pulls the images from a registry of yours" },
  ],
  options: (yargs) =>
    yargs
      .option("kubernetes", { type: "string", default: defaultVersions.kubernetesVersion, describe: "Version of kube-apiserver" })
      .option("etcd", { type: "string", default: defaultVersions.etcdVersion, describe: "Version of etcd" })
      .option("from", {
        choices: ["auto", ...ways] as const,
        default: "auto" as const,
        describe:
          "images: out of registry.k8s.io; release: the published binaries; go: built from the Go modules; auto: the first that works",
      })
      .option("mirror", { type: "string", describe: "Registry to use in place of registry.k8s.io" })
      .option("kube-apiserver-image", { type: "string", describe: "Image to take kube-apiserver from" })
      .option("etcd-image", { type: "string", describe: "Image to take etcd from" })
      .option("kubernetes-url", { type: "string", describe: "To use in place of https://dl.k8s.io/release" })
      .option("etcd-url", { type: "string", describe: "To use in place of https://github.com/etcd-io/etcd/releases/download" })
      .option("json", { type: "boolean", default: false, describe: "Print where things are as JSON" }),
  async run(given, { signal, stdout, stderr, environment }) {
    using progress = showProgress(Display.on(stderr, { quiet: given.json, environment, clock: systemClock, signal }));
    const installed = await install({
      kubernetesVersion: given.kubernetes,
      etcdVersion: given.etcd,
      from: given.from,
      cache: cacheFolder(environment),
      overrides: {
        mirror: given.mirror,
        kubeApiserverImage: given["kube-apiserver-image"],
        etcdImage: given["etcd-image"],
        kubernetesUrl: given["kubernetes-url"],
        etcdUrl: given["etcd-url"],
      },
      environment,
      signal,
      progress: progress.report,
      clock: systemClock,
    });
    progress[Symbol.dispose]();
    if (given.json) {
      stdout.write(`${JSON.stringify(installed, null, 2)}\n`);
      return 0;
    }
    const { kubernetesVersion, etcdVersion, binaries, sources, images, withoutImages } = installed;
    stdout.write(`kube-apiserver ${kubernetesVersion}  ${binaries.kubeApiserver}\n  from ${sources.kubeApiserver}\n`);
    stdout.write(`etcd ${etcdVersion}  ${binaries.etcd}\n  from ${sources.etcd}\n`);
    stdout.write(images === undefined ? `no images: ${withoutImages}\n` : `images ${images.kubeApiserver} and ${images.etcd}\n`);
    return 0;
  },
});
