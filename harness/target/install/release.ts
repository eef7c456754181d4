import { createReadStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { createGunzip } from "node:zlib";
import { extractFile } from "./archive.ts";
import { downloadFile, downloadText, type Network, openDispatcher } from "./download.ts";
import { type Component, type Job, WayFailed, type WayToInstall } from "./way.ts";

/** The published binaries, each held against the published SHA-256 before anything else is done with it. */
export function releaseWay(job: Job): WayToInstall {
  const { architecture, overrides, progress } = job;
  const kubernetesUrl = trimmed(overrides.kubernetesUrl ?? "https://dl.k8s.io/release");
  const etcdUrl = trimmed(overrides.etcdUrl ?? "https://github.com/etcd-io/etcd/releases/download");
  const etcdArchive = (version: string) => `etcd-${version}-linux-${architecture}`;

  const source = ({ name, version }: Component) =>
    name === "kube-apiserver"
      ? `${kubernetesUrl}/${version}/bin/linux/${architecture}/kube-apiserver`
      : `${etcdUrl}/${version}/${etcdArchive(version)}.tar.gz`;

  return {
    source,
    async get(component, folder) {
      const { name, version } = component;
      const url = source(component);
      const dispatcher = openDispatcher(job.environment);
      try {
        const network: Network = { dispatcher, clock: job.clock, signal: job.signal };
        progress({ kind: "step", text: `downloading ${url}`, usually: name === "etcd" ? "10 s" : "half a minute" });
        const onProgress = (done: number, total: number | undefined) => progress({ kind: "amount", done, total, unit: "bytes" });
        const binary = join(folder, name);
        if (name === "kube-apiserver") {
          const sha256 = checksumIn(await downloadText(`${url}.sha256`, network), undefined, `${url}.sha256`);
          await downloadFile(url, binary, sha256, network, onProgress);
          return;
        }
        const sumsUrl = `${etcdUrl}/${version}/SHA256SUMS`;
        const sha256 = checksumIn(await downloadText(sumsUrl, network), `${etcdArchive(version)}.tar.gz`, sumsUrl);
        const archive = join(folder, "etcd.tar.gz");
        await downloadFile(url, archive, sha256, network, onProgress);
        const inside = `${etcdArchive(version)}/etcd`;
        // Under another name first: what bears the component's name is whole.
        if (!(await extractFile(inside, `${binary}.part`, createReadStream(archive), createGunzip()))) {
          throw new WayFailed(`${url} does not contain ${inside}`);
        }
        await rename(`${binary}.part`, binary);
        await rm(archive);
      } finally {
        await dispatcher.destroy();
      }
    },
  };
}

/** The SHA-256 of `file` in the format of sha256sum(1), or the only one in a text that names no file. */
function checksumIn(text: string, file: string | undefined, url: string): string {
  for (const line of text.split("\n")) {
    const [sum = "", name] = line.trim().split(/\s+\*?/);
    if (/^[0-9a-f]{64}$/.test(sum) && (file === undefined || name === file)) return sum;
  }
  throw new WayFailed(`${url} holds no SHA-256${file === undefined ? "" : ` of ${file}`}`);
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, "");
}
