import { UsageError } from "../../errors.ts";

/** What is measured when no version is asked for. */
export const defaultVersions = { kubernetesVersion: "v1.37.2", etcdVersion: "v3.7.3" } as const;

const format = /^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(?:alpha|beta|rc)\.(?:0|[1-9]\d*))?$/;

/**
 * `1.37.2` or `v1.37.2` as `v1.37.2`. Before v1.29 KMS v2 was not generally available (KEP-3299), and no way to install is known to work.
 * @throws UsageError with code `bad-version` or `unsupported-version`
 */
export function parseKubernetesVersion(text: string): string {
  return parseVersion(text, { name: "Kubernetes", example: defaultVersions.kubernetesVersion, oldest: [1, 29] });
}

/**
 * `3.7.3` or `v3.7.3` as `v3.7.3`. Before v3.5 etcd's server was not a Go module of its own.
 * @throws UsageError with code `bad-version` or `unsupported-version`
 */
export function parseEtcdVersion(text: string): string {
  return parseVersion(text, { name: "etcd", example: defaultVersions.etcdVersion, oldest: [3, 5] });
}

function parseVersion(text: string, of: { name: string; example: string; oldest: readonly [major: number, minor: number] }): string {
  const [, major, minor, patch, preRelease = ""] = format.exec(text.trim()) ?? [];
  if (major === undefined || minor === undefined || patch === undefined) {
    throw new UsageError("bad-version", `"${text}" is not a version of ${of.name}.`, { hint: `Versions look like ${of.example}.` });
  }
  const version = `v${major}.${minor}.${patch}${preRelease}`;
  if (Number(major) !== of.oldest[0] || Number(minor) < of.oldest[1]) {
    throw new UsageError("unsupported-version", `${of.name} ${version} is not supported: kmsmark runs v${of.oldest.join(".")} and later.`, {
      hint: `For example ${of.example}.`,
    });
  }
  return version;
}
