import { X509Certificate } from "node:crypto";
import { createServer, get } from "node:https";
import { expect, test } from "vitest";
import { VirtualClock } from "../virtual-clock.ts";
import { issueServerCertificates } from "./certificates.ts";

const issued = await issueServerCertificates();

/** The status with which a server that shows the issued certificate answers a client that asks for `name`. */
async function askOverTls(caPem: string, name: string): Promise<number | undefined> {
  await using server = createServer({ cert: issued.certificatePem, key: issued.keyPem }, (_request, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  const servername = name === "127.0.0.1" ? {} : { servername: name };
  return await new Promise((resolve, reject) => {
    const request = get({ host: "127.0.0.1", port: address.port, ca: caPem, agent: false, ...servername }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode));
    });
    request.on("error", reject);
  });
}

test("a client that trusts the authority reaches 127.0.0.1", async () => {
  expect(await askOverTls(issued.caPem, "127.0.0.1")).toBe(200);
});

test("a client that trusts the authority reaches localhost", async () => {
  expect(await askOverTls(issued.caPem, "localhost")).toBe(200);
});

test("another name is refused", async () => {
  await expect(askOverTls(issued.caPem, "kubernetes.example")).rejects.toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
});

test("a client that trusts another authority refuses", async () => {
  const other = await issueServerCertificates();
  await expect(askOverTls(other.caPem, "127.0.0.1")).rejects.toMatchObject({ code: "CERT_SIGNATURE_FAILURE" });
});

test("they are valid from five minutes ago for 30 days", async () => {
  const { certificatePem } = await issueServerCertificates(new VirtualClock(Date.UTC(2026, 0, 1)));
  const { validFromDate, validToDate } = new X509Certificate(certificatePem);
  expect(validFromDate.toISOString()).toBe("2025-12-31T23:55:00.000Z");
  expect(validToDate.toISOString()).toBe("2026-01-31T00:00:00.000Z");
});

test("the server's certificate cannot sign others", () => {
  expect(new X509Certificate(issued.caPem).ca).toBe(true);
  expect(new X509Certificate(issued.certificatePem).ca).toBe(false);
});
