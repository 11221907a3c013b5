/**
 * A collector for tests: accepts OTLP over HTTP in protobuf at /v1/traces, as any collector does,
 * and keeps the spans.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** '' for the first span of a trace */
  readonly parentId: string;
  readonly name: string;
  readonly kind: string;
  readonly traceState: string;
  /** epoch ms */
  readonly start: number;
  readonly end: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly links: readonly string[];
  readonly status: string;
  readonly service: string;
}

export interface OtlpReceiver {
  readonly url: string;
  readonly spans: () => readonly ReceivedSpan[];
  readonly requests: () => number;
  /** Resolves when `enough` accepts the spans received so far. */
  readonly until: (
    enough: (spans: readonly ReceivedSpan[]) => boolean,
  ) => Promise<readonly ReceivedSpan[]>;
  readonly close: () => Promise<void>;
}

interface WireValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number;
}
interface WireAttribute {
  readonly key: string;
  readonly value: WireValue;
}
interface WireSpan {
  readonly traceId: Buffer;
  readonly spanId: Buffer;
  readonly parentSpanId: Buffer;
  readonly traceState: string;
  readonly name: string;
  readonly kind: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly WireAttribute[];
  readonly links: readonly { readonly traceId: Buffer; readonly spanId: Buffer }[];
  readonly status: { readonly code: string } | null;
}
interface WireRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly WireAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}

const protos = loadSync(join(import.meta.dirname, 'otlp.proto'), {
  longs: String,
  enums: String,
  defaults: true,
  arrays: true,
});
const service = protos['opentelemetry.proto.collector.trace.v1.TraceService'] as ServiceDefinition;
const { requestDeserialize, responseSerialize } = service.Export as NonNullable<
  (typeof service)[string]
>;

const plainValue = ({
  stringValue,
  boolValue,
  intValue,
  doubleValue,
}: WireValue): string | number | boolean =>
  stringValue ?? boolValue ?? doubleValue ?? Number(intValue);
const attributesOf = (list: readonly WireAttribute[]): Record<string, string | number | boolean> =>
  Object.fromEntries(list.map(({ key, value }) => [key, plainValue(value)]));
const ms = (nanos: string): number => Number(BigInt(nanos) / 1000n) / 1000;

const spansOf = ({ resourceSpans }: WireRequest): ReceivedSpan[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: span.traceId.toString('hex'),
        spanId: span.spanId.toString('hex'),
        parentId: span.parentSpanId.toString('hex'),
        name: span.name,
        kind: span.kind.replace('SPAN_KIND_', '').toLowerCase(),
        traceState: span.traceState,
        start: ms(span.startTimeUnixNano),
        end: ms(span.endTimeUnixNano),
        attributes: attributesOf(span.attributes),
        links: span.links.map(
          (link) => `${link.traceId.toString('hex')}-${link.spanId.toString('hex')}`,
        ),
        status: span.status?.code ?? 'STATUS_CODE_UNSET',
        service: String(attributesOf(resource.attributes)['service.name']),
      })),
    ),
  );

export const otlpReceiver = async (port = 0): Promise<OtlpReceiver> => {
  const received: ReceivedSpan[] = [];
  let requests = 0;
  let wake: () => void = () => {};
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests++;
      const wanted =
        request.url === '/v1/traces' &&
        request.headers['content-type'] === 'application/x-protobuf';
      if (wanted) {
        const body = Buffer.concat(chunks);
        const plain = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
        received.push(...spansOf(requestDeserialize(plain) as unknown as WireRequest));
        response.setHeader('content-type', 'application/x-protobuf');
      }
      response.statusCode = wanted ? 200 : 404;
      response.end(wanted ? responseSerialize({}) : undefined);
      wake();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => received,
    requests: () => requests,
    async until(enough) {
      while (!enough(received))
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      return received;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};
