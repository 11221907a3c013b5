/** Feature values of entities, pinned so that the same read answers the same later. */
import { type Static, Type } from 'typebox';
import type { ReadRequest, ReadResult, Serving } from '#domain/api/serving.ts';
import { fail, MillraceError } from '#domain/errors.ts';
import type { Value } from '#domain/values/value.ts';
import { compact } from '#gateways/http/compact.ts';
import { readBody } from '#gateways/http/schemas/features.ts';
import { closed } from '#gateways/http/schemas/shapes.ts';
import { bounded, checkRead } from '#gateways/shared/checks.ts';
import { setOwn } from '#gateways/shared/own-property.ts';
import { optionalTime } from '#gateways/shared/parameters.ts';
import { AT, described, KNOWN } from '../schemas.ts';
import { timeText } from '../times.ts';
import { READS, type ToolContext, tool } from '../tool.ts';

/** More would not fit into an answer. */
const MAX_ENTITIES = 200;

const { service, features, entities, request, at, known } = readBody.properties;

const input = closed({
  service: described(service, 'name of a feature service: all features of one model'),
  view: Type.Optional(
    Type.String({ description: 'name of a feature view: all its features, without a service' }),
  ),
  features: described(
    features,
    'single features instead: "view:feature", or the name of an on-demand feature',
  ),
  entities: described(
    entities,
    'the entities, each with all its keys by name: [{"origin":"ATL"}]. show_definition says which keys are needed',
    { minItems: 1, maxItems: MAX_ENTITIES },
  ),
  request: described(
    request,
    'values of request inputs of on-demand features: one object for each entity, or one for all',
  ),
  at: described(at, AT),
  known: described(known, KNOWN),
});
type Args = Static<typeof input>;

type Wanted = Pick<ReadRequest, 'service' | 'features'>;

/** Versions of a view that are tried. */
const MAX_VERSIONS = 20;

/**
 * What the read may be of, in the order to try: the newest version of a view may have features that
 * the live one, which answers, lacks.
 *
 * @throws MR_PARAMETER_INVALID unless exactly one of the three says what is read
 */
async function* wantedOf(
  { service, view, features }: Args,
  { platform, caller }: ToolContext,
): AsyncGenerator<Wanted> {
  if ([service, view, features].filter((one) => one !== undefined).length !== 1)
    fail('MR_PARAMETER_INVALID', 'give exactly one of "service", "view" and "features"');
  if (view === undefined) return yield compact({ service, features });
  const show = (version?: number) => platform.registry.show('feature-view', view, version, caller);
  const newest = await show();
  for (const { version } of newest.versions.toReversed().slice(0, MAX_VERSIONS)) {
    const { definition } = version === newest.version ? newest : await show(version);
    const names = definition.kind === 'feature-view' ? Object.keys(definition.features) : [];
    yield { features: names.map((name) => `${view}:${name}`) };
  }
}

const lacksFeature = (error: unknown): boolean =>
  error instanceof MillraceError &&
  error.code === 'MR_NOT_FOUND' &&
  typeof error.details.feature === 'string';

/** @throws the first refusal, where none can be read */
const firstRead = async (
  candidates: AsyncIterable<Wanted>,
  read: (wanted: Wanted) => Promise<ReadResult>,
): Promise<{ readonly wanted: Wanted; readonly result: ReadResult }> => {
  let refusal: unknown;
  for await (const wanted of candidates) {
    try {
      return { wanted, result: await read(wanted) };
    } catch (error) {
      refusal ??= error;
      if (!lacksFeature(error)) break;
    }
  }
  throw refusal;
};

/**
 * Where the values may lag behind the log, as on the stack profile, the read is made again as a
 * past read of the same moment: only then will it answer the same later.
 */
const pinnedRead = async (
  request: ReadRequest,
  { platform, caller }: ToolContext,
): Promise<ReadResult> => {
  const read: Serving['read'] = platform.serving.read;
  const result = await read(request, caller);
  const { at, known, views } = result;
  const isComplete = views.every(
    ({ completeThrough }) => completeThrough !== null && completeThrough >= known,
  );
  return request.known !== undefined || isComplete
    ? result
    : read({ ...request, at, known }, caller);
};

/** The values of one entity, and the statuses other than `present`. */
const rowOf = ({ features, entities, values, status }: ReadResult, row: number): object => {
  const named: Record<string, Value> = {};
  const others: Record<string, string> = {};
  features.forEach((name, i) => {
    setOwn(named, name, values[row]?.[i] ?? null);
    const one = status[row]?.[i] ?? 'null';
    if (one !== 'present') setOwn(others, name, one);
  });
  const complete = Object.keys(others).length === 0;
  return { entity: entities[row], values: named, ...(complete ? {} : { status: others }) };
};

export const readFeatures = tool<Args>({
  name: 'read_features',
  title: 'Read feature values',
  description: `Values of features for given entities, now or at any past moment. Without "at" and "known", the present values. Each row has the values by feature name; "status" is there for values that are not present: null (computed, but null), not-found (the entity has no event that counts), expired (its newest event is too old), overflow. At most ${MAX_ENTITIES} entities.`,
  input,
  hints: READS,
  shorter: 'read fewer entities, or fewer features',
  async run(args, context) {
    const { entities, request } = args;
    const given = { entities, ...compact({ request }) };
    const times = compact({
      at: optionalTime('at', args.at),
      known: optionalTime('known', args.known),
    });
    const { wanted, result } = await firstRead(wantedOf(args, context), (one) => {
      checkRead({ ...one, entities }, context.limits);
      return pinnedRead(bounded({ ...one, ...given, ...times }, context.limits), context);
    });
    const { at, known, views, degraded } = result;
    return {
      at,
      known,
      link: context.links.post(['v1', 'features'], { ...wanted, ...given, at, known }),
      answer: {
        rows: result.entities.map((_, row) => rowOf(result, row)),
        views: views.map(({ view, version, generation, eventTime, completeThrough }) => ({
          view,
          version,
          generation,
          newestEventTime: timeText(eventTime),
          completeThrough: timeText(completeThrough),
        })),
        ...compact({ degraded }),
      },
    };
  },
});
