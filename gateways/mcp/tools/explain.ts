/** Why a value is what it is. */
import { type Static, Type } from 'typebox';
import type {
  ExplainRequest,
  Explanation,
  OnDemandExplanation,
  ViewExplanation,
} from '#domain/api/serving.ts';
import { featureReference } from '#domain/definitions/names.ts';
import { fail } from '#domain/errors.ts';
import type { EntityKey } from '#domain/plan/plan.ts';
import type { Row } from '#domain/values/value.ts';
import { compact } from '#gateways/http/compact.ts';
import { closed, record, time } from '#gateways/http/schemas/shapes.ts';
import { optionalTime } from '#gateways/shared/parameters.ts';
import type { Links, ReproducingLink } from '../links.ts';
import { AT, described, KNOWN } from '../schemas.ts';
import { timeText } from '../times.ts';
import { READS, tool } from '../tool.ts';

const DEFAULT_EVENTS = 20;
const MAX_EVENTS = 200;

const input = closed({
  feature: Type.String({
    description: '"view:feature", or the name of an on-demand feature',
  }),
  entity: described(record<EntityKey>(), 'all keys of the entity by name: {"origin":"ATL"}'),
  request: Type.Optional(described(record<Row>(), 'request inputs of an on-demand feature')),
  at: Type.Optional(described(time, AT)),
  known: Type.Optional(described(time, KNOWN)),
  events: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: MAX_EVENTS,
      description: `how many raw events to list, the newest; default ${DEFAULT_EVENTS}`,
    }),
  ),
});
type Args = Static<typeof input>;

type Named = Pick<ExplainRequest, 'view' | 'feature'>;

const namedOf = (text: string): Named => {
  const reference = featureReference(text);
  if (reference === null) return { feature: text };
  const { view, version, feature } = reference;
  if (version !== undefined)
    fail(
      'MR_PARAMETER_INVALID',
      `"feature" names a version: write ${JSON.stringify(`${view}:${feature}`)}, and "known" for the version of an earlier time`,
      { parameter: 'feature' },
    );
  return { view, feature };
};

/** A value as a query string has it. A list is JSON. */
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '');

/** What the explained value was computed from, by the names of entity keys and request inputs. */
const usedBy = (
  explanation: Explanation,
): { readonly entity: EntityKey; readonly request: Row } => {
  if ('view' in explanation) return { entity: explanation.entity, request: {} };
  const below = explanation.inputs.flatMap(({ explanation: one }) => (one ? [usedBy(one)] : []));
  const own = explanation.inputs.flatMap(({ from, parameter, name, value }) =>
    from === 'request' ? [[name ?? parameter, value] as const] : [],
  );
  return {
    entity: Object.assign({}, ...below.map(({ entity }) => entity)) as EntityKey,
    request: Object.assign(Object.fromEntries(own), ...below.map(({ request }) => request)) as Row,
  };
};

const linkOf = (links: Links, { view, feature }: Named, found: Explanation): ReproducingLink => {
  const { entity, request } = usedBy(found);
  const prefixed = (prefix: string, row: object): [string, string][] =>
    Object.entries(row).map(([name, value]) => [`${prefix}.${name}`, textOf(value)]);
  return links.get(['v1', 'explain'], {
    view,
    feature,
    ...Object.fromEntries([...prefixed('entity', entity), ...prefixed('request', request)]),
    at: found.at,
    known: found.known,
  });
};

const ofView = (explanation: ViewExplanation, events: number): object => {
  const { view, feature, value, status, type, version, generation, window, hop } = explanation;
  const { covers, recomputed, matches, eventsTotal } = explanation;
  const shown = events === 0 ? [] : explanation.events.slice(-events);
  return {
    feature: `${view}:${feature}`,
    value,
    status,
    type,
    recomputed,
    matches,
    version,
    generation,
    window,
    hop,
    covers: { from: timeText(covers.from), to: timeText(covers.to) },
    eventsTotal,
    events: shown.map(({ position, eventTime, logTime, row, counted, why }) => ({
      position,
      eventTime: timeText(eventTime),
      logTime: timeText(logTime),
      counted,
      ...(why === null ? {} : { why }),
      row,
    })),
  };
};

const ofOnDemand = (explanation: OnDemandExplanation, events: number): object => {
  const { feature, value, status, type, recomputed, matches, version, expression, request } =
    explanation;
  return {
    feature,
    value,
    status,
    type,
    recomputed,
    matches,
    version,
    expression,
    request,
    inputs: explanation.inputs.map(({ parameter, from, name, value: given, explanation: of }) => ({
      parameter,
      from,
      name,
      value: given,
      ...(of === null ? {} : { explanation: shortened(of, events) }),
    })),
  };
};

const shortened = (explanation: Explanation, events: number): object =>
  'view' in explanation ? ofView(explanation, events) : ofOnDemand(explanation, events);

export const explainValue = tool<Args>({
  name: 'explain_value',
  title: 'Explain a value',
  description:
    'Why a feature has its value for one entity: the interval of event time that it covers, the raw events with their positions and whether each counted, and the value recomputed from them ("matches" says whether it is equal). An on-demand feature is explained by its expression and its inputs.',
  input,
  hints: READS,
  shorter: 'ask for fewer events with "events"',
  async run(args, { platform, caller, links }) {
    const named = namedOf(args.feature);
    const { entity, request, events = DEFAULT_EVENTS } = args;
    const asked = { ...named, entity, ...compact({ request }) };
    const times = compact({
      at: optionalTime('at', args.at),
      known: optionalTime('known', args.known),
    });
    let found = await platform.serving.explain({ ...asked, ...times }, caller);
    // The value lagged behind the log: as a past value of the same moment, it will not change.
    if (!found.matches && times.known === undefined)
      found = await platform.serving.explain(
        { ...asked, at: found.at, known: found.known },
        caller,
      );
    return {
      at: found.at,
      known: found.known,
      link: linkOf(links, named, found),
      answer: shortened(found, events),
    };
  },
});
