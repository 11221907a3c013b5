/**
 * Mutations of a request's body: of its tree (as text, so that keys may be duplicate and values
 * invalid JSON), and of its bytes.
 */
import { JSON_VALUES, KEYS, NOT_JSON } from './corpus.ts';
import type { Random } from './random.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const isTree = (value: Json): value is readonly Json[] | { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null;

const countNodes = (value: Json): number =>
  isTree(value)
    ? Object.values(value).reduce<number>((sum, child) => sum + countNodes(child as Json), 1)
    : 1;

const join = (parts: readonly string[]): string => parts.join(',');

const entry = (key: string, text: string): string => `${JSON.stringify(key)}:${text}`;

/** The text of a tree whose `at`-th node has been changed. */
const changed = (root: Json, at: number, random: Random): string => {
  let seen = -1;
  const mutate = (value: Json, whole: string): string => {
    switch (random.below(9)) {
      case 0:
        return random.pick(NOT_JSON);
      case 1:
        return `[${whole}]`;
      case 2:
        return `{"x":${whole}}`;
      case 3:
        if (Array.isArray(value) && value.length > 0)
          return `[${join(Array.from({ length: 200 }, () => JSON.stringify(value[0])))}]`;
        return JSON.stringify(String(whole).slice(0, 200));
      case 4:
        if (isTree(value) && !Array.isArray(value))
          return `{${join([whole.slice(1, -1), entry(random.pick(KEYS), random.pick(JSON_VALUES))].filter((x) => x !== ''))}}`;
        return random.pick(JSON_VALUES);
      case 5:
        if (isTree(value) && !Array.isArray(value)) {
          const entries = Object.entries(value);
          if (entries.length > 0) {
            const [key, child] = random.pick(entries) as [string, Json];
            const without = entries
              .filter(([name]) => name !== key)
              .map(([name, v]) => entry(name, JSON.stringify(v)));
            return random.chance(0.5)
              ? `{${join(without)}}`
              : `{${join([...without, entry(key, JSON.stringify(child)), entry(key, random.pick(JSON_VALUES))])}}`;
          }
        }
        return random.pick(JSON_VALUES);
      default:
        return random.pick(JSON_VALUES);
    }
  };
  const text = (value: Json): string => {
    seen++;
    const here = seen === at;
    let whole: string;
    if (Array.isArray(value)) whole = `[${join(value.map(text))}]`;
    else if (isTree(value))
      whole = `{${join(Object.entries(value).map(([key, child]) => entry(key, text(child as Json))))}}`;
    else whole = JSON.stringify(value);
    return here ? mutate(value, whole) : whole;
  };
  return text(root);
};

const changedBytes = (text: string, random: Random): Buffer => {
  let bytes = Buffer.from(text);
  for (let times = 1 + random.below(4); times > 0; times--) {
    const at = random.below(bytes.length + 1);
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
    switch (random.below(7)) {
      case 0:
        bytes = Buffer.concat([head, tail.subarray(1)]);
        break;
      case 1:
        bytes = Buffer.concat([head, Buffer.from([random.below(256)]), tail]);
        break;
      case 2:
        bytes = Buffer.concat([head, Buffer.from([random.below(256)]), tail.subarray(1)]);
        break;
      case 3:
        bytes = head;
        break;
      case 4:
        bytes = Buffer.concat([head, tail, tail]);
        break;
      case 5:
        bytes = Buffer.concat([
          head,
          Buffer.from(random.pick([...NOT_JSON, '\ufeff', '\r\n', '\n', '\u0000'])),
          tail,
        ]);
        break;
      default:
        bytes = Buffer.concat([
          head,
          Buffer.from(
            random.pick([
              [0xff],
              [0xc0, 0x80],
              [0xed, 0xa0, 0x80],
              [0xf0, 0x9f],
              [0xe2, 0x28, 0xa1],
            ]),
          ),
          tail,
        ]);
    }
  }
  return bytes;
};

/** A mutated body. By chance it may still be valid. */
export const mutateBody = (body: unknown, random: Random): Buffer => {
  const root = body as Json;
  if (random.chance(0.3)) return changedBytes(JSON.stringify(root), random);
  let text = changed(root, random.below(countNodes(root)), random);
  if (random.chance(0.3)) {
    try {
      const again = JSON.parse(text) as Json;
      text = changed(again, random.below(Math.min(500, countNodes(again))), random);
    } catch {
      // no longer JSON, or too deep to walk: one mutation is enough
    }
  }
  return Buffer.from(text);
};
