/**
 * The partials of one window as functions over consecutive slots. The functions are generated once:
 * each call in them has one target, which V8 inlines; a loop over the partials would look its
 * target up some hundred million times.
 */
import type { Order, Partial, Slots } from '#domain/aggregations/aggregation.ts';
import type { Value } from '#domain/values/value.ts';

export interface WindowPartial {
  readonly partial: Partial;
  /** indices into the results of the view's expressions; −1: none */
  readonly input: number;
  readonly filter: number;
}

export interface CompiledPartials {
  /** number of slots of all partials */
  readonly nums: number;
  readonly refs: number;
  readonly offsets: readonly { readonly n: number; readonly r: number }[];
  readonly identity: (s: Slots) => void;
  readonly add: (s: Slots, results: readonly Value[], order: Order) => void;
  readonly merge: (into: Slots, from: Slots) => void;
}

export const compilePartials = (partials: readonly WindowPartial[]): CompiledPartials => {
  let nums = 0;
  let refs = 0;
  const offsets = partials.map(({ partial }) => {
    const offset = { n: nums, r: refs };
    nums += partial.nums.length;
    refs += partial.refs.length;
    return offset;
  });
  const each = (line: (p: string, i: number) => string): string =>
    partials.map((_, i) => `{ ${line(`p${i}`, i)} }`).join('\n');
  const shift = (s: string, i: number, base: string): string =>
    `${s}.n = ${base}n + ${offsets[i]?.n}; ${s}.r = ${base}r + ${offsets[i]?.r};`;
  const add = (p: string, i: number): string => {
    const { input, filter } = partials[i] as WindowPartial;
    const call = `${shift('s', i, 'b')} ${p}.add(s, ${input < 0 ? 'true' : 'v'}, order);`;
    const checked = input < 0 ? call : `const v = results[${input}]; if (v !== null) { ${call} }`;
    return filter < 0 ? checked : `if (results[${filter}] === true) { ${checked} }`;
  };
  const body = `'use strict';
    return {
      identity(s) { const bn = s.n, br = s.r; ${each((p, i) => `${shift('s', i, 'b')} ${p}.identity(s);`)} s.n = bn; s.r = br; },
      add(s, results, order) { const bn = s.n, br = s.r; ${each(add)} s.n = bn; s.r = br; },
      merge(into, from) { const an = into.n, ar = into.r, bn = from.n, br = from.r;
        ${each((p, i) => `${shift('into', i, 'a')} ${shift('from', i, 'b')} ${p}.merge(into, from);`)}
        into.n = an; into.r = ar; from.n = bn; from.r = br; },
    };`;
  const make = new Function(...partials.map((_, i) => `p${i}`), body) as (
    ...of: Partial[]
  ) => Pick<CompiledPartials, 'identity' | 'add' | 'merge'>;
  return { nums, refs, offsets, ...make(...partials.map(({ partial }) => partial)) };
};
