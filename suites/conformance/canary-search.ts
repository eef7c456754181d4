import { Findings, inconclusive, notApplicable, type Outcome } from "./check.ts";
import { type Found, Needles } from "./needles.ts";
import type { Place, PlaceKind, SecuritySubject } from "./security-subject.ts";

const plainLabel = "what nobody encrypts";

export interface CanarySearch {
  /** Whether what nobody encrypts lies there, too: a search that does not find it would not find a Secret either. */
  readonly holdsPlain: boolean;
}

/** Searches all places of a kind for the contents of Secrets, in every spelling. */
export async function searchForSecrets(subject: SecuritySubject, kind: PlaceKind, { holdsPlain }: CanarySearch): Promise<Outcome> {
  const places = await subject.places(kind);
  if (places.length === 0) return notApplicable(`There is no place of the kind: ${kind}.`);
  const secrets = new Map([...subject.canaries].map(([provider, canary]) => [`a Secret of ${provider}`, canary]));
  const sought = new Needles([...secrets, ...subject.runSecrets, [plainLabel, subject.plainCanary]]);
  const findings = new Findings();
  let sawPlain = false;
  for (const place of places) {
    const { bytes, found } = await sought.in(place.read());
    const secret = found.filter(({ label }) => label !== plainLabel);
    sawPlain ||= secret.length < found.length;
    findings.add(secret.length === 0, {
      sent: `a search of ${place.name} (${bytes} bytes) for the contents of Secrets, in every spelling`,
      received: secret.length === 0 ? (found.length === 0 ? "none" : "none, and what nobody encrypts") : secret.map(described).join("; "),
      expected: holdsPlain ? "none; in one place at least, what nobody encrypts" : "none",
    });
  }
  if (holdsPlain && !sawPlain && !findings.hasFailed) {
    return inconclusive("The search did not find what lies there in plain text: it would not have found a Secret either.");
  }
  return findings.outcome();
}

/** Searches places for keys and credentials. */
export async function searchForCredentials(subject: SecuritySubject, places: readonly Place[]): Promise<Outcome> {
  const sought = new Needles(subject.credentials);
  const findings = new Findings();
  for (const place of places) {
    const { bytes, found } = await sought.in(place.read());
    findings.add(found.length === 0, {
      sent: `a search of ${place.name} (${bytes} bytes) for ${subject.credentials.size} keys and credentials, in every spelling`,
      received: found.length === 0 ? "none" : found.map(described).join("; "),
      expected: "none",
    });
  }
  return findings.outcome();
}

function described({ label, spelling, times }: Found): string {
  return `${label}, ${spelling}${times === 1 ? "" : `, ${times} times`}`;
}
