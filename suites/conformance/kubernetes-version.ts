/** True if a version, `v1.37.2`, is older than 1.`minor`. */
export function isBefore(version: string, { minor }: { readonly minor: number }): boolean {
  const written = /^v1\.(\d+)\./.exec(version)?.[1];
  if (written === undefined) throw new Error(`${version} is no version of Kubernetes.`);
  return Number(written) < minor;
}
