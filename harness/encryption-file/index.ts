/**
 * The file of `--encryption-provider-config` as kube-apiserver reads it: text ⇄ configuration, with kube-apiserver's own words for what is
 * wrong. Pure: no I/O, and it throws nothing, whatever the text.
 */
export { type ConfigurationFault, type ConfigurationRule, startError } from "./fault.ts";
export { lineOfFault, lineOfField } from "./line-of.ts";
export { readEncryptionFile } from "./read.ts";
