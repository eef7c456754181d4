import { randomBytes, randomInt } from "node:crypto";

const alphanumerics = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const lowerAlphanumerics = "abcdefghijklmnopqrstuvwxyz0123456789";

const draw = (characters: string, length: number) => Array.from({ length }, () => characters[randomInt(characters.length)]).join("");

/** Of an account or a RAM user. */
export const newAccessKeyId = () => `LTAI5t${draw(alphanumerics, 18)}`;
/** Of an assumed-role session. */
export const newSessionKeyId = () => `STS.N${draw(alphanumerics, 24)}`;
/** 30 characters, 178 bits. */
export const newAccessKeySecret = () => draw(alphanumerics, 30);
export const newSecurityToken = () => `CAIS${randomBytes(120).toString("base64")}`;
/** Users and roles have numbers of 18 digits. */
export const newPrincipalId = (first: "2" | "3") => `${first}${draw("0123456789", 17)}`;
/** The new form of key ids (spec alibaba-cloud 1.2). */
export const newKeyId = () => `key-${draw(lowerAlphanumerics, 20)}`;
