import { request } from "node:http";
import { connect, type SecureVersion } from "node:tls";
import { systemCodeOf } from "../../harness/errors.ts";

/** A TLS server on this machine. */
interface Door {
  /** `https://127.0.0.1:2379` */
  readonly url: string;
  readonly caPem?: string | undefined;
}

interface Credential {
  readonly certificatePem?: string | undefined;
  readonly keyPem?: string | undefined;
}

const timeoutMs = 10_000;

/** What a server says that is spoken to without TLS: `HTTP 400`, or `ECONNRESET` where it hangs up. */
export function withoutTls({ url }: Door, path: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const asked = request({ host: hostname, port, path, timeout: timeoutMs }, (response) => {
      response.resume();
      resolve(`HTTP ${response.statusCode}`);
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer")));
    asked.on("error", (fault) => resolve(systemCodeOf(fault) ?? fault.message));
    asked.end();
  });
}

/**
 * How a handshake of at most this version ends: `TLSv1.3`, or the error's code. The server's certificate has to be of the door's authority and
 * name its host. A server that wants a client certificate says so only after a handshake of TLS 1.3, so that one byte is waited for.
 */
export function handshake({ url, caPem }: Door, { certificatePem, keyPem }: Credential, version?: SecureVersion): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({
      ...{ host: hostname, port: Number(port), timeout: timeoutMs },
      ...(caPem === undefined ? {} : { ca: caPem }),
      ...(certificatePem === undefined ? {} : { cert: certificatePem }),
      ...(keyPem === undefined ? {} : { key: keyPem }),
      // OpenSSL offers nothing below TLS 1.2 at its usual level of security, and then nothing would have been asked.
      ...(version === undefined ? {} : { minVersion: version, maxVersion: version, ciphers: "DEFAULT@SECLEVEL=0" }),
    });
    const end = (how: string) => {
      resolve(how);
      socket.destroy();
    };
    socket.on("secureConnect", () => {
      const protocol = socket.getProtocol() ?? "TLS";
      socket.once("data", () => end(protocol));
      socket.once("end", () => end("hung up"));
      socket.write(`GET / HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`);
    });
    socket.on("timeout", () => end("no answer"));
    socket.on("error", (fault) => end(systemCodeOf(fault) ?? fault.message));
  });
}
