import type { EtcdAccess } from "../../harness/target/etcd-store.ts";
import type { Findings } from "./check.ts";
import { handshake, withoutTls } from "./doors.ts";

/** TLS itself: that it is spoken, in which versions, and by whose certificate. */
export async function judgeTls(findings: Findings, who: string, door: EtcdAccess): Promise<void> {
  const plain = await withoutTls(door, "/version");
  findings.add(!/^HTTP [123]/.test(plain), { sent: `a request to ${who} without TLS`, received: plain, expected: "no answer of use" });
  for (const version of ["TLSv1", "TLSv1.1"] as const) {
    const how = await handshake(door, door, version);
    findings.add(!how.startsWith("TLS"), { sent: `a handshake of ${version} with ${who}`, received: how, expected: "a refusal" });
  }
  const how = await handshake(door, door);
  findings.add(/^TLSv1\.[23]$/.test(how), {
    sent: `a handshake with ${who} of a client that trusts its authority alone`,
    received: how,
    expected: "TLSv1.2 or TLSv1.3",
  });
}

/** That who has no certificate, though they speak TLS, is not let in. */
export async function judgeWithoutCertificate(findings: Findings, who: string, { url, caPem }: EtcdAccess): Promise<void> {
  const how = await handshake({ url, caPem }, {});
  findings.add(!how.startsWith("TLS"), {
    sent: `a request to ${who} by TLS without a client certificate`,
    received: how,
    expected: "a refusal",
  });
}
