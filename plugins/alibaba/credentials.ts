/** What requests are signed with. None of it but the access key's id may ever be shown. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  /** Of temporary credentials alone. */
  readonly securityToken?: string | undefined;
  /** When they expire, milliseconds since 1970; without it they do not. */
  readonly expiresMs?: number | undefined;
}

/** Where credentials come from; each `fetch` gets new ones. */
export interface CredentialSource {
  /** In words: `the RAM role of the ECS instance`. */
  readonly name: string;
  /** @throws AlibabaFault, KmsmarkError or the signal's reason */
  fetch(signal: AbortSignal): Promise<Credentials>;
}

/** What a client asks before each call. */
export interface CredentialProvider {
  current(signal: AbortSignal): Promise<Credentials>;
  /** Other credentials than those that a service refused as expired; undefined where there are no others. */
  renewed(refused: Credentials, signal: AbortSignal): Promise<Credentials | undefined>;
}
