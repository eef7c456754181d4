import { socketPathBytesMax } from "../../../harness/kms/socket.ts";
import { adviceCheck, kmsProviders, nameOf } from "../config-rule.ts";

export const check = adviceCheck({
  id: "config/sockets",
  title: "KMS sockets lie in the file system, under a path that a socket can have.",
  invariants: [],
  source: "unix(7): 107 bytes; spec encryption-at-rest 1.1: `@` names an abstract socket, whose access no file mode limits",
  remedy: "Let the plugin listen on a socket in a folder that only the API server may enter.",
  otherwise: "It has no KMS provider.",
  find(configuration) {
    const kms = kmsProviders(configuration);
    if (kms.length === 0) return undefined;
    return kms.flatMap((provider) => {
      if (provider.socket.startsWith("@"))
        return [
          {
            about: provider,
            told: `${nameOf(provider)} is reached over an abstract socket: any process of the host's network can connect, or take the name before the plugin does.`,
          },
        ];
      const bytes = Buffer.byteLength(provider.socket);
      return bytes > socketPathBytesMax
        ? [{ about: provider, told: `The socket of ${nameOf(provider)} has a path of ${bytes} bytes; ${socketPathBytesMax} is the most.` }]
        : [];
    });
  },
});
