/**
 * The explanation of an on-demand feature: its expression with the values of the inputs, each input
 * explained in turn, and the value computed again. All values are of one read, so they are of one
 * moment. Whatever two inputs share is explained once.
 */
import type {
  ExplainedInput,
  ExplainRequest,
  Explanation,
  OnDemandExplanation,
  ReadRequest,
  ReadResult,
} from '#domain/api/serving.ts';
import type { Kind, OnDemandFeatureDefinition } from '#domain/definitions/model.ts';
import { fail } from '#domain/errors.ts';
import { compileExpr } from '#domain/expressions/compile.ts';
import { formatExpr } from '#domain/expressions/format.ts';
import type { Scope } from '#domain/expressions/typecheck.ts';
import type { FeatureStatus } from '#domain/plan/plan.ts';
import { formatFieldType, parseFieldType } from '#domain/values/field-type.ts';
import { shownValue } from '#domain/values/float-digits.ts';
import { readValue } from '#domain/values/read-value.ts';
import type { FieldType, Row, Value } from '#domain/values/value.ts';
import type { ExplainFeature } from './explain-feature.ts';
import { sameResult } from './same-value.ts';

/** An on-demand feature as it is registered now. */
export interface RegisteredOnDemand {
  readonly definition: OnDemandFeatureDefinition;
  readonly version: number;
  readonly type: FieldType;
  /** the types of its inputs */
  readonly scope: Scope;
}

interface ExplainOnDemandDependencies {
  readonly read: (request: ReadRequest) => Promise<ReadResult>;
  readonly onDemand: (name: string) => RegisteredOnDemand | null;
  readonly retired: (kind: Kind, name: string) => string | null;
  readonly explainFeature: ExplainFeature;
}

/** What the feature is computed from, each once, itself first: names as a read has them. */
const featuresBelow = (name: string, onDemand: ExplainOnDemandDependencies['onDemand']) => {
  const found = new Set([name]);
  for (const one of found) {
    for (const input of Object.values(onDemand(one)?.definition.inputs ?? {})) {
      if (input.from === 'feature') found.add(`${input.view}:${input.feature}`);
      if (input.from === 'on-demand') found.add(input.name);
    }
  }
  return [...found];
};

/** As reads compute with it: a float was shown with its own digits, a time may have been text. */
const exact = (type: FieldType, value: Value): Value =>
  value === null ? null : (readValue(type, value) ?? value);

interface Outcome {
  readonly explanation: Explanation | null;
  readonly recomputed: Value;
  readonly matches: boolean;
}

export const createExplainOnDemand =
  ({ read, onDemand: find, retired, explainFeature }: ExplainOnDemandDependencies) =>
  async (request: ExplainRequest): Promise<OnDemandExplanation> => {
    const registered = new Map<string, RegisteredOnDemand | null>();
    const onDemand = (name: string): RegisteredOnDemand | null => {
      const known = registered.get(name);
      if (known !== undefined) return known;
      const found = find(name);
      registered.set(name, found);
      return found;
    };
    const { feature: wanted, entity } = request;
    const given: Row = request.request ?? {};
    if (onDemand(wanted) === null)
      return fail(
        'MR_NOT_FOUND',
        retired('on-demand-feature', wanted) ??
          `there is no on-demand feature "${wanted}" to explain; to explain a feature of a view, name the view too`,
        { feature: wanted },
      );
    const features = featuresBelow(wanted, onDemand);
    const answer = await read({
      features,
      entities: [entity],
      request: [given],
      ...(request.at === undefined ? {} : { at: request.at }),
      ...(request.known === undefined ? {} : { known: request.known }),
    });
    const { at, known } = answer;
    const past = request.known !== undefined && known === request.known;
    const placeOf = new Map(features.map((name, i) => [name, i]));
    const readOf = (name: string): Value =>
      answer.values[0]?.[placeOf.get(name) as number] as Value;
    const statusOf = (name: string): FeatureStatus =>
      answer.status[0]?.[placeOf.get(name) as number] as FeatureStatus;
    const outcomes = new Map<string, Outcome>();

    /** @returns with the explanation at the first call for a name, without it afterwards */
    const once = async (name: string, explain: () => Promise<Outcome>): Promise<Outcome> => {
      const before = outcomes.get(name);
      if (before !== undefined) return { ...before, explanation: null };
      const outcome = await explain();
      outcomes.set(name, outcome);
      return outcome;
    };
    const ofView = async (view: string, feature: string): Promise<Outcome> => {
      const name = `${view}:${feature}`;
      const [value, status] = [readOf(name), statusOf(name)];
      const found = await explainFeature({ view, feature, entity, value, status, at, known, past });
      return found === null
        ? { explanation: null, recomputed: null, matches: value === null }
        : { explanation: found, recomputed: found.recomputed, matches: found.matches };
    };
    const ofOnDemand = async (name: string): Promise<Outcome> => {
      const found = await explained(name);
      return { explanation: found, recomputed: found.recomputed, matches: found.matches };
    };

    const explained = async (name: string): Promise<OnDemandExplanation> => {
      const { definition, version, type, scope } = onDemand(name) as RegisteredOnDemand;
      const inputs: ExplainedInput[] = [];
      const values: Record<string, Value> = {};
      let matches = true;
      for (const [parameter, input] of Object.entries(definition.inputs)) {
        const inputType = scope.inputs?.[parameter] as FieldType;
        if (input.from === 'request') {
          const declared = parseFieldType(input.type);
          const value = exact(declared, given[input.name] ?? null);
          values[parameter] = value;
          inputs.push({
            parameter,
            from: 'request',
            name: input.name,
            type: input.type,
            value: shownValue(declared, value),
            explanation: null,
          });
          continue;
        }
        const id = input.from === 'feature' ? `${input.view}:${input.feature}` : input.name;
        const outcome = await once(id, () =>
          input.from === 'feature' ? ofView(input.view, input.feature) : ofOnDemand(input.name),
        );
        const value = readOf(id);
        // The last digits of a sum may differ; such a difference must not change a comparison.
        values[parameter] = exact(inputType, outcome.matches ? value : outcome.recomputed);
        matches &&= outcome.matches;
        inputs.push({
          parameter,
          from: input.from,
          name: id,
          type: formatFieldType(inputType),
          value,
          explanation: outcome.explanation,
        });
      }
      const recomputed = shownValue(type, compileExpr(definition.value, scope)(values));
      const value = readOf(name);
      return {
        feature: name,
        entity,
        request: given,
        at,
        known,
        value,
        status: statusOf(name),
        type: formatFieldType(type),
        version,
        definition,
        expression: formatExpr(definition.value),
        inputs,
        recomputed,
        matches: matches && sameResult(type, value, recomputed),
      };
    };
    return explained(wanted);
  };
