/** The sampler of OTEL_TRACES_SAMPLER and its argument, as OpenTelemetry specifies them. */
import type { Sampler } from '@opentelemetry/sdk-trace';

type Sdk = Pick<
  typeof import('@opentelemetry/sdk-trace'),
  'AlwaysOffSampler' | 'AlwaysOnSampler' | 'ParentBasedSampler' | 'TraceIdRatioBasedSampler'
>;

const PARENT_BASED = 'parentbased_';
const DEFAULT = 'parentbased_always_on';

export const samplerOf = (
  sdk: Sdk,
  name: string | null,
  argument: string | null,
  warn: (message: string) => void,
): Sampler => {
  const ratio = (): number => {
    const share = argument === null ? 1 : Number(argument);
    if (share >= 0 && share <= 1) return share;
    warn(
      `OTEL_TRACES_SAMPLER_ARG is "${argument}" and must be a share from 0 to 1: every trace is sampled`,
    );
    return 1;
  };
  const roots: Readonly<Record<string, () => Sampler>> = {
    always_on: () => new sdk.AlwaysOnSampler(),
    always_off: () => new sdk.AlwaysOffSampler(),
    traceidratio: () => new sdk.TraceIdRatioBasedSampler(ratio()),
  };
  const requested = name ?? DEFAULT;
  const root =
    roots[requested.startsWith(PARENT_BASED) ? requested.slice(PARENT_BASED.length) : requested];
  if (root === undefined) {
    warn(
      `OTEL_TRACES_SAMPLER is "${requested}", which is not one of ${Object.keys(roots).join(', ')}, alone or after "${PARENT_BASED}": ${DEFAULT} is used`,
    );
    return samplerOf(sdk, DEFAULT, null, warn);
  }
  return requested.startsWith(PARENT_BASED) ? new sdk.ParentBasedSampler({ root: root() }) : root();
};
