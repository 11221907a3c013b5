/** Names of constants: the name in camel case; with the kind appended if it is already used. */

import * as entry from '#domain/definitions/index.ts';
import type { Definition, Kind } from '#domain/definitions/model.ts';
import { isIdentifier } from './print.ts';

const SUFFIX: Readonly<Record<Kind, string>> = {
  entity: 'Entity',
  source: 'Source',
  'feature-view': 'View',
  'on-demand-feature': 'Feature',
  'feature-service': 'Service',
};

export interface Variables {
  of(kind: Kind, name: string): string;
}

const camel = (name: string): string =>
  name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()).replaceAll('_', '');

export const createVariables = (definitions: readonly Definition[]): Variables => {
  const taken = new Set(Object.keys(entry));
  const byId = new Map<string, string>();
  for (const { kind, name } of definitions) {
    const plain = camel(name);
    const free = (candidate: string): boolean => isIdentifier(candidate) && !taken.has(candidate);
    let variable = free(plain) ? plain : `${plain}${SUFFIX[kind]}`;
    for (let n = 2; !free(variable); n++) variable = `${plain}${SUFFIX[kind]}${n}`;
    taken.add(variable);
    byId.set(`${kind}/${name}`, variable);
  }
  return { of: (kind, name) => byId.get(`${kind}/${name}`) as string };
};
