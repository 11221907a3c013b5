/** A view of a day and of all time, for suites of stores that are filled without an engine. */
import { count, entity, featureView, source } from '#domain/definitions/index.ts';
import type {
  EntityDefinition,
  FeatureViewDefinition,
  SourceDefinition,
} from '#domain/definitions/model.ts';
import { parseDefinition } from '#domain/definitions/parse.ts';
import { planView } from '#domain/plan/plan-view.ts';
import type { TilesTarget } from '#domain/ports/online-store.ts';
import { uniqueName } from './platform.ts';

const parsed = <T>(definition: unknown): T =>
  parseDefinition(JSON.parse(JSON.stringify(definition))) as T;

export const countedTarget = (): TilesTarget => {
  const shop = entity({ name: 'shop', keys: { shop: 'string' } });
  const sales = source({
    name: 'sales',
    fields: { t: 'timestamp', shop: 'string' },
    eventTime: 't',
  });
  const view = featureView({
    name: uniqueName('counted'),
    entity: shop,
    source: sales,
    features: { day: count({ window: '1d', hop: '1h' }), ever: count({}) },
  });
  const plan = planView(
    parsed<FeatureViewDefinition>(view),
    parsed<SourceDefinition>(sales),
    parsed<EntityDefinition>(shop),
  );
  return { plan, generation: 1 };
};
