import { UsageError } from "../../harness/errors.ts";

/**
 * Origin of an endpoint that somebody named, `host`, `host:port` or a URL. Only on loopback it may be plain http: elsewhere the plaintexts
 * of a KMS would be read by whoever is on the way.
 * @throws UsageError `bad-endpoint`; it does not quote a URL with a user name or a path.
 */
export function endpointOf(text: string, option: string): URL {
  const url = URL.parse(text.includes("://") ? text : `https://${text}`);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) throw badEndpoint(option, "is no http or https URL");
  if (url.username !== "" || url.password !== "" || url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw badEndpoint(option, "has more than a host and a port");
  }
  if (url.protocol === "http:" && !isLoopback(url)) throw badEndpoint(option, "is plain http on a host that is not loopback");
  return url;
}

function badEndpoint(option: string, why: string): UsageError {
  return new UsageError("bad-endpoint", `The value of --${option} ${why}.`, {
    hint: "Write a host name or https://HOST; http://127.0.0.1:PORT for an emulator.",
  });
}

export function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname);
}

/** `kms.cn-hangzhou.aliyuncs.com`, or `kms-vpc.…` from inside a VPC (spec alibaba-cloud 1.1, 2.1). */
export function regionalEndpoint(service: "kms" | "sts", region: string, isVpc: boolean): URL {
  return new URL(`https://${service}${isVpc ? "-vpc" : ""}.${region}.aliyuncs.com`);
}

/** @throws UsageError `bad-region` */
export function requireRegion(region: string): string {
  if (/^[a-z]{2,}(-[a-z0-9]{1,20}){1,4}$/.test(region)) return region;
  throw new UsageError("bad-region", "The region is no region id.", { hint: "Write cn-hangzhou for instance." });
}
