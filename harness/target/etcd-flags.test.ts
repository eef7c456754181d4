import { expect, test } from "vitest";
import { etcdFlags } from "./etcd-flags.ts";

test("etcd speaks TLS on loopback, lets nobody in without a certificate, and keeps its defaults of durability", () => {
  const flags = etcdFlags({
    port: 2379,
    dataFolder: "/f/etcd",
    caFile: "/f/ca.pem",
    certificateFile: "/f/server.pem",
    keyFile: "/f/key.pem",
  });
  expect(flags).toEqual([
    "--name=kmsmark",
    "--data-dir=/f/etcd",
    "--listen-client-urls=https://127.0.0.1:2379",
    "--advertise-client-urls=https://127.0.0.1:2379",
    "--listen-peer-urls=http://127.0.0.1:0",
    "--initial-advertise-peer-urls=http://127.0.0.1:2380",
    "--initial-cluster=kmsmark=http://127.0.0.1:2380",
    "--client-cert-auth=true",
    "--trusted-ca-file=/f/ca.pem",
    "--cert-file=/f/server.pem",
    "--key-file=/f/key.pem",
    "--log-level=warn",
  ]);
});
