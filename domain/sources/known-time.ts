/** Whether an event may have a known time: every imported one must, and no other. */
import type { SourceDefinition } from '#domain/definitions/model.ts';
import { formatTime } from '#domain/values/time.ts';
import type { Row } from '#domain/values/value.ts';
import { type Imports, knownTimeOf } from './knowledge.ts';
import { type Refusal, refuse } from './refusal.ts';

/**
 * @param imports absent: the event is published as a live one
 * @returns why the event is rejected; null: it is not
 */
export const refuseKnownTime = (
  source: SourceDefinition,
  row: Row,
  time: number,
  imports?: Imports,
): Refusal | null => {
  const field = source.knownTime;
  if (field === undefined) return null;
  const known = knownTimeOf(source, row);
  const wrong = (what: string): Refusal => refuse(source, 'MR_KNOWN_TIME_INVALID', field, what);
  if (imports === undefined)
    return known === null
      ? null
      : wrong(
          `the known time is ${formatTime(known)}, and only an import sets it: leave it out, or use \`millrace import history\``,
        );
  if (known === null)
    return wrong('the known time is missing: an imported event needs the time when it was known');
  if (known > time)
    return wrong(`the known time ${formatTime(known)} is after now (${formatTime(time)})`);
  if (imports.firstLive !== null && known >= imports.firstLive)
    return wrong(
      `the known time ${formatTime(known)} is not before the first live event, which the log accepted at ${formatTime(imports.firstLive)}: publish such an event instead`,
    );
  return null;
};
