/** Query strings of lists that come in pages. Numbers are text there. */
import { type Static, Type } from 'typebox';
import { closed } from './shapes.ts';

const text = Type.Optional(Type.String());

/** `after`: the `next` of the page before. */
export const pageQuery = closed({ after: text, limit: text });
export type PageQuery = Static<typeof pageQuery>;

export const limitQuery = closed({ limit: text });
export type LimitQuery = Static<typeof limitQuery>;
