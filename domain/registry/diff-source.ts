/** What a revision of a source changes, and what that means for the definitions over it. */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { sourceRevision } from '#domain/sources/source-revision.ts';
import { type Draft, note, type Readers } from './change.ts';

export const diffSource = (
  before: SourceDefinition,
  after: SourceDefinition,
  readers: Readers,
  draft: Draft,
): void => {
  const over = readers.ofSource(before);
  for (const change of sourceRevision(before, after)) {
    const { path } = change;
    const field = path.startsWith('fields.') ? path.slice('fields.'.length) : null;
    const used = field === null ? [] : readers.ofField(before.name, field);
    const by =
      used.length > 0 ? ` (${used.join(', ')} read${used.length === 1 ? 's' : ''} the field)` : '';
    const text = `${path}: ${change.note}${by}`;
    if (!change.compatible) {
      note(draft, path, change.before, change.after, 'breaking', text, used);
      if (change.final) draft.final.push(text);
      continue;
    }
    // Each field by itself, so that the note names the one that does not fit.
    const one =
      field === null || change.before === null
        ? null
        : { ...before, fields: { ...before.fields, [field]: String(after.fields[field]) } };
    const unfit = one === null ? [] : over.unfit(one);
    const recomputed = one === null ? [] : over.recomputed(one);
    if (unfit.length > 0)
      note(
        draft,
        path,
        change.before,
        change.after,
        'breaking',
        `${path}: ${unfit.map(({ problem }) => problem.replace(/\.$/, '')).join('; ')}`,
        unfit.map(({ reader }) => reader),
      );
    else if (recomputed.length > 0) {
      const views = recomputed.map(
        ({ view, expression }) =>
          `${view} computes ${expression} with fractions from now on, which changes earlier results outside ±(2^53 − 1): replay it`,
      );
      note(draft, path, change.before, change.after, 'replay', `${text}; ${views.join('; ')}`);
    } else note(draft, path, change.before, change.after, 'compatible', text);
  }
};
