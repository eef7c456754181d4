// @peculiar/x509 finds its parts by tsyringe, which needs this polyfill before it.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { type Clock, systemClock } from "../clock.ts";

/** A certificate authority made for one control plane and forgotten at once, and the only certificate it ever signed. */
export interface ServerCertificates {
  /** What a client verifies against. */
  readonly caPem: string;
  /** For 127.0.0.1 and localhost, as server and as client: kube-apiserver shows the same one to etcd. */
  readonly certificatePem: string;
  /** PKCS #8. Write it with mode 0600. */
  readonly keyPem: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256" };
const signingAlgorithm = { name: "ECDSA", hash: "SHA-256" };
/** Clocks of containers and of the machine may differ a little. */
const backdatedMs = 5 * 60_000;
/** What `up` leaves running works this long. */
const validityMs = 30 * 24 * 3_600_000;

/** Issues fresh certificates (RFC 5280) for servers on loopback, valid for 30 days. The authority's key is not kept. */
export async function issueServerCertificates(clock: Pick<Clock, "wallMs"> = systemClock): Promise<ServerCertificates> {
  const authority = await webcrypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
  const server = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const validity = { notBefore: new Date(clock.wallMs() - backdatedMs), notAfter: new Date(clock.wallMs() + validityMs) };
  const ca = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    name: "CN=kmsmark control plane CA",
    keys: authority,
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  const certificate = await X509CertificateGenerator.create({
    ...validity,
    subject: "CN=kmsmark control plane",
    issuer: ca.subject,
    publicKey: server.publicKey,
    signingKey: authority.privateKey,
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension([
        { type: "ip", value: "127.0.0.1" },
        { type: "dns", value: "localhost" },
      ]),
    ],
  });
  const key = await webcrypto.subtle.exportKey("pkcs8", server.privateKey);
  return {
    caPem: `${ca.toString("pem")}\n`,
    certificatePem: `${certificate.toString("pem")}\n`,
    keyPem: `${PemConverter.encode(key, PemConverter.PrivateKeyTag)}\n`,
  };
}
