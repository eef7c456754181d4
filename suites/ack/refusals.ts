import { AlibabaFault } from "../../plugins/alibaba/fault.ts";

/** The service's error code of a call that it refuses; undefined where it does not. Rejects where there was no answer to judge by. */
export async function refusalOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof AlibabaFault) || thrown.kind !== "refused") throw thrown;
    return `${thrown.facts.serviceCode ?? "a refusal without a code"} (HTTP ${thrown.facts.httpStatus ?? "?"})`;
  }
}
