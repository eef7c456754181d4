import { isIPv4, isIPv6 } from "node:net";
import { quote } from "./go-text.ts";

/** What Go's `url.Parse` makes of an endpoint, as far as kube-apiserver asks, or its words against it. */
export type ParsedUrl = { readonly scheme: string; readonly path: string } | { readonly fault: string };

/** Parses a URL as Go 1.26's net/url does. */
export function parseUrl(text: string): ParsedUrl {
  const hash = text.indexOf("#");
  const [url, fragment] = hash < 0 ? [text, ""] : [text.slice(0, hash), text.slice(hash + 1)];
  const parsed = parse(url);
  if (typeof parsed === "string") return { fault: `parse ${quote(url)}: ${parsed}` };
  const bad = badEscape(fragment);
  return bad === undefined ? parsed : { fault: `parse ${quote(text)}: ${bad}` };
}

/** The parts, or what is wrong. */
function parse(url: string): { scheme: string; path: string } | string {
  if ([...url].some((character) => character < " " || character === "\x7f")) return "net/url: invalid control character in URL";
  if (url.startsWith(":")) return "missing protocol scheme";
  const written = /^([a-zA-Z][a-zA-Z\d+.-]*):/.exec(url)?.[1];
  const scheme = written?.toLowerCase() ?? "";
  const [rest = ""] = url.slice(written === undefined ? 0 : written.length + 1).split("?");
  if (!rest.startsWith("/")) {
    if (written !== undefined) return { scheme, path: "" };
    if (rest.split("/")[0]?.includes(":")) return "first path segment in URL cannot contain colon";
  }
  const hasAuthority = rest.startsWith("//") && (written !== undefined || !rest.startsWith("///"));
  const [authority = "", ...segments] = hasAuthority ? rest.slice(2).split("/") : [];
  const path = hasAuthority ? segments.map((segment) => `/${segment}`).join("") : rest;
  const fault = authorityFault(authority, scheme) ?? badEscape(path);
  return fault ?? { scheme, path: unescaped(path) };
}

function authorityFault(authority: string, scheme: string): string | undefined {
  const at = authority.lastIndexOf("@");
  const fault = hostFault(authority.slice(at + 1), scheme);
  if (fault !== undefined || at < 0) return fault;
  const user = authority.slice(0, at);
  return /^[\w\-.:~!$&'()*+,;=%@]*$/.test(user) ? badEscape(user) : "net/url: invalid userinfo";
}

function hostFault(host: string, scheme: string): string | undefined {
  const bracket = host.lastIndexOf("[");
  if (bracket > 0) return "invalid IP-literal";
  if (bracket === 0) return literalFault(host);
  // A scheme of the web takes one colon; of others all but the last belong to the name.
  const colon = /^https?$/.test(scheme) ? host.indexOf(":") : host.lastIndexOf(":");
  if (colon >= 0 && !isPort(host.slice(colon))) return `invalid port ${quote(host.slice(colon))} after host`;
  return hostEscapeFault(host);
}

/** Of an address in brackets. */
function literalFault(host: string): string | undefined {
  const end = host.lastIndexOf("]");
  if (end < 0) return "missing ']' in host";
  const port = host.slice(end + 1);
  if (!isPort(port)) return `invalid port ${quote(port)} after host`;
  const inside = host.slice(1, end);
  const zone = inside.indexOf("%25");
  const address = zone < 0 ? inside : inside.slice(0, zone);
  const fault = hostEscapeFault(address) ?? (zone < 0 ? undefined : badEscape(inside.slice(zone)));
  if (fault !== undefined) return fault;
  if (isIPv4(address)) return "invalid IP-literal";
  return isIPv6(address) ? undefined : `invalid host: ParseAddr(${quote(unescaped(inside))}): unable to parse IP`;
}

function isPort(text: string): boolean {
  return /^(:\d*)?$/.test(text);
}

/** Only bytes outside of ASCII may be escaped in a host. */
function hostEscapeFault(host: string): string | undefined {
  for (const [part = "", digits] of host.matchAll(/%(.{0,2})|[ \\^`{|}]/gsu)) {
    if (digits === undefined) return `invalid character ${quote(part)} in host name`;
    if (part !== "%25" && !/^[89a-f][\da-f]$/i.test(digits)) return `invalid URL escape ${quote(part)}`;
  }
  return undefined;
}

function badEscape(text: string): string | undefined {
  const bad = /%(?![\da-fA-F]{2}).{0,2}/su.exec(text)?.[0];
  return bad === undefined ? undefined : `invalid URL escape ${quote(bad)}`;
}

function unescaped(text: string): string {
  const bytes = text.replaceAll(/[^%]+|%([\da-fA-F]{2})/g, (part, hex: string | undefined) => hex ?? Buffer.from(part).toString("hex"));
  return Buffer.from(bytes, "hex").toString();
}
