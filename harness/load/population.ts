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

/** A Secret before its values are drawn. */
interface Place {
  readonly namespace: string;
  readonly name: string;
  readonly shape: SecretShape;
}

/**
 * The population `bootstrap`: 50 shapes (docs/population.md). A smaller one takes the shapes from the top of the table, which mixes the
 * kinds. A larger one adds copies of the whole, each as a tenant with a namespace of its own, so that also in the order of the keys large
 * Secrets stand among small ones and never come in bursts.
 */
export function population({ secrets, seed, namespacePrefix = "" }: PopulationOptions): Population {
  if (!Number.isSafeInteger(secrets) || secrets < 1) throw new RangeError(`A population of ${secrets} Secrets cannot be made.`);
  const random = new Random(seed).child("population");
  const places = placesOf(secrets);
  const namespaces = new Set(places.map(({ namespace }) => namespacePrefix + namespace));
  return {
    count: secrets,
    namespaces: [...namespaces].filter((name) => !namespacesOfEveryCluster.has(name)),
    at(index, generation = 0) {
      const place = places[index];
      if (place === undefined) throw new RangeError(`There is no Secret ${index} among ${secrets}.`);
      const { namespace, name, shape } = place;
      return {
        namespace: namespacePrefix + namespace,
        name,
        type: shape.type,
        ...(shape.labels === undefined ? {} : { labels: shape.labels }),
        data: shape.draw(random.child(`${namespace}/${name}/${generation}`)),
      };
    },
  };
}

/** In the order of their etcd keys. */
function placesOf(secrets: number): Place[] {
  const tenants = Math.ceil(secrets / shapes.length);
  return Array.from({ length: tenants }, (_, tenant) =>
    shapes.slice(0, secrets - tenant * shapes.length).map((shape) => placeOf(shape, tenant)),
  )
    .flat()
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** The first tenant is the cluster itself; the number of a later one has a fixed width, so that names sort as numbers do. */
function placeOf(shape: SecretShape, tenant: number): Place {
  if (tenant === 0) return { namespace: shape.namespace, name: shape.name, shape };
  return { namespace: `tenant-${String(tenant).padStart(6, "0")}`, name: `${shape.namespace}.${shape.name}`, shape };
}

function keyOf({ namespace, name }: Place): string {
  return `${namespace}/${name}`;
}
