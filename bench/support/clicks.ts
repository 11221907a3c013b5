/** The source that the benchmarks of the stack publish to. */
import { entity, source } from '#domain/definitions/index.ts';

export const user = entity({ name: 'user', keys: { user: 'string' } });
export const clicks = source({
  name: 'clicks',
  fields: { t: 'timestamp', user: 'string', amount: 'double' },
  eventTime: 't',
});
export const clickOf = (who: string) => ({ t: Date.now(), user: who, amount: 12.5 });
