import type { Clock } from "../../harness/clock.ts";
import { AlibabaClient, type Product } from "../../plugins/alibaba/client.ts";
import type { CredentialProvider } from "../../plugins/alibaba/credentials.ts";
import type { ProductName } from "./stage.ts";

/** The services of which the procedure uses the API. */
export const products: Readonly<Record<ProductName, Product>> = {
  kms: { name: "KMS", version: "2016-01-20" },
  ack: { name: "ACK", version: "2015-12-15" },
  ram: { name: "RAM", version: "2015-05-01" },
  trail: { name: "ActionTrail", version: "2020-07-06" },
};

/** Clients that end together. */
export class Clients implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #open = new AsyncDisposableStack();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  open(product: ProductName, endpoint: URL, credentials: CredentialProvider): AlibabaClient {
    return this.#open.use(new AlibabaClient({ product: products[product], endpoint, credentials, clock: this.#clock }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open.disposeAsync();
  }
}
