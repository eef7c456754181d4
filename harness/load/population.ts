import { Random } from "../random.ts";
import { type SecretShape, shapes } from "./secret-shapes.ts";
import type { SecretSpec } from "./secret-spec.ts";

/** The namespaces that kube-apiserver makes by itself. */
const namespacesOfEveryCluster: ReadonlySet<string> = new Set(["default", "kube-node-lease", "kube-public", "kube-system"]);

export interface PopulationOptions {
  /** How many Secrets; from 1. */
  readonly secrets: number;
  /** All contents descend from it. */
  readonly seed: string;
  /**
   * Put before the name of every namespace, so that the population stays apart from what a cluster in use already holds under the same
   * names. Default none.
   */
  readonly namespacePrefix?: string;
}

/**
 * The Secrets of a fresh cluster, or as many times that as it takes. A Secret is made when it is asked for and depends on the seed, its
 * name and its generation alone.
 */
export interface Population {
  /** Those that have to be created first, in order. */
  readonly namespaces: readonly string[];
  readonly count: number;
  /**
   * The Secret at a place in the order of the etcd keys (`namespace/name`, byte by byte), after so many updates. An update changes every
   * value and keeps name, type, labels and sizes. A Secret without values does not change. Throws RangeError outside of `count`.
   */
  at(index: number, generation?: number): SecretSpec;
}

interface Place {
  readonly shape: SecretShape;
  /** How many copies of the shape there are, and how many Secrets come before them. */
  readonly copies: number;
  readonly before: number;
}

/**
 * The population `bootstrap`: 50 shapes (docs/population.md). More Secrets than shapes are copies of the shapes with numbered names; what
 * is left over, or a population smaller than 50, takes the shapes from the top of the table, which mixes the kinds.
 */
export function population({ secrets, seed, namespacePrefix = "" }: PopulationOptions): Population {
  if (!Number.isSafeInteger(secrets) || secrets < 1) throw new RangeError(`A population of ${secrets} Secrets cannot be made.`);
  const random = new Random(seed).child("population");
  const places = placesOf(secrets);
  const namespaces = new Set(places.map(({ shape }) => namespacePrefix + shape.namespace));
  return {
    count: secrets,
    namespaces: [...namespaces].filter((name) => !namespacesOfEveryCluster.has(name)).sort(),
    at(index, generation = 0) {
      const place = places.find(({ before, copies }) => index >= before && index < before + copies);
      if (place === undefined || !Number.isInteger(index)) throw new RangeError(`There is no Secret ${index} among ${secrets}.`);
      const { shape, before } = place;
      const name = nameOf(shape, index - before);
      return {
        namespace: namespacePrefix + shape.namespace,
        name,
        type: shape.type,
        ...(shape.labels === undefined ? {} : { labels: shape.labels }),
        data: shape.draw(random.child(`${shape.namespace}/${name}/${generation}`)),
      };
    },
  };
}

/** The shapes in the order of their keys, with the number of copies of each. */
function placesOf(secrets: number): Place[] {
  const rounds = Math.floor(secrets / shapes.length);
  const left = secrets % shapes.length;
  let before = 0;
  return shapes
    .map((shape, rank) => ({ shape, copies: rounds + (rank < left ? 1 : 0) }))
    .filter(({ copies }) => copies > 0)
    .sort((a, b) => (keyOf(a.shape) < keyOf(b.shape) ? -1 : 1))
    .map(({ shape, copies }) => {
      const place = { shape, copies, before };
      before += copies;
      return place;
    });
}

function keyOf({ namespace, name }: SecretShape): string {
  return `${namespace}/${name}`;
}

/** The first copy bears the shape's own name; the number of a later one has a fixed width, so that names sort as numbers do. */
function nameOf({ name }: SecretShape, copy: number): string {
  return copy === 0 ? name : `${name}-${String(copy).padStart(6, "0")}`;
}
