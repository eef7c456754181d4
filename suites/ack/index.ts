export { credentialKinds } from "../../plugins/alibaba/credential-chain.ts";
export { requireAckOptions, runProcedure } from "./run.ts";
export { badKeys, lacks } from "./stage.ts";
export { verifyAccount, verifyOptionsOf } from "./verify.ts";
