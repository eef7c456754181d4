export * from "./check-cache.ts";
export * from "./failure.ts";
export * from "./instant.ts";
export * from "./kms-v1.ts";
export * from "./kms-v2.ts";
export * from "./local.ts";
export * from "./transformers.ts";
export * from "./watch-cache.ts";
