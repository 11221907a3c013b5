/** A thread that joins parts of a training set, one at a time. It is ended from outside. */
import { parentPort } from 'node:worker_threads';
import { messageOf } from '#domain/error-message.ts';
import { MillraceError } from '#domain/errors.ts';
import { joinPart, type Part, type PartResult } from './join-part.ts';

export type JoinAnswer =
  | { readonly results: readonly PartResult[] }
  | { readonly refused: ReturnType<MillraceError['toJSON']> }
  | { readonly error: string };

/** What a message can move instead of copying it. */
const buffersOf = (results: readonly PartResult[]): ArrayBuffer[] =>
  results.flatMap(({ values, statuses, marks }) =>
    [...values, ...statuses, marks].flatMap((column) =>
      ArrayBuffer.isView(column) ? [column.buffer as ArrayBuffer] : [],
    ),
  );

const answer = (message: JoinAnswer, moved: ArrayBuffer[] = []): void =>
  parentPort?.postMessage(message, moved);

parentPort?.on('message', (part: Part) => {
  try {
    const results = joinPart(part);
    answer({ results }, buffersOf(results));
  } catch (error) {
    if (error instanceof MillraceError) answer({ refused: error.toJSON() });
    else answer({ error: messageOf(error) });
  }
});
