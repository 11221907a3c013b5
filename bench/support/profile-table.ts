/** A CPU profile by owner: each function's own time, under its library or its part of Millrace. */
import type { Profiler } from 'node:inspector';

interface Share {
  readonly who: string;
  /** share of the time in which the process ran */
  readonly share: number;
  /** the functions with the most time */
  readonly most: readonly string[];
}

type Frame = Profiler.ProfileNode['callFrame'];

/** Functions without a file are Node's native ones. */
const NATIVE: readonly (readonly [RegExp, string])[] = [
  [/^\(garbage collector\)$/, 'garbage collection'],
  [/^\(program\)$/, 'native code called from no JavaScript: epoll, socket reads, parsing of HTTP'],
  [
    /^(write\w*String|writeBuffer|writev|shutdown|respond|trailers|readStart)$/,
    'socket writes (system calls)',
  ],
  [/\$(decode|encode|toObject|fromObject|verify)$/, 'protobufjs'],
  [/^validate\d*$/, 'ajv: validation of the body'],
];

const FILES: readonly (readonly [RegExp, string])[] = [
  [/node_modules\/(@grpc\/grpc-js)\//, '@grpc/grpc-js'],
  [/node_modules\/(protobufjs|@grpc\/proto-loader|long|@protobufjs)\//, 'protobufjs'],
  [/node_modules\/ioredis\//, 'ioredis'],
  [/node_modules\/(fastify|find-my-way|avvio|@fastify)/, 'Fastify'],
  [/node_modules\//, 'other libraries'],
  [
    /(gateways\/http\/(features-json|json-bytes)|domain\/values\/number-bytes)/,
    'Millrace: the answer as JSON',
  ],
  [/gateways\/http\/body-parsers/, 'Millrace: the body parsed (JSON.parse)'],
  [/gateways\/grpc\/(encode|wire)/, 'Millrace: the answer as protobuf'],
  [/gateways\/grpc\/decode/, 'Millrace: the request from protobuf'],
  [/gateways\//, 'Millrace: gateway'],
  [/infra\/redis\//, 'Millrace: blocks from Redis'],
  [/(projections\/serving|domain)\//, 'Millrace: the read'],
  [/bench\/|node:inspector/, 'the bench itself'],
  [/node:(internal\/)?(http2)/, 'node:http2'],
  [/node:(_http|internal\/http)/, 'node:http'],
  [/node:(net|internal\/(stream|streams|js_stream))/, 'node:net and streams'],
  [/node:(internal\/buffer|buffer)/, 'buffers'],
  [/node:/, 'node: event loop, timers, promises'],
];

const nameOf = (frame: Frame): string | null => {
  const table = frame.url === '' ? NATIVE : FILES;
  const text = frame.url === '' ? frame.functionName : frame.url;
  return table.find(([pattern]) => pattern.test(text))?.[1] ?? null;
};

export const sharesOf = (profile: Profiler.Profile, most = 3): readonly Share[] => {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const callerOf = new Map(
    profile.nodes.flatMap((node) =>
      (node.children ?? []).map((child) => [child, node.id] as const),
    ),
  );
  /** A native function without a name here counts for its caller. */
  const whoOf = (id: number): string => {
    for (let at: number | undefined = id; at !== undefined; at = callerOf.get(at)) {
      const who = nameOf((nodes.get(at) as Profiler.ProfileNode).callFrame);
      if (who !== null) return who;
    }
    return 'V8 itself';
  };
  const own = new Map<number, number>();
  profile.samples?.forEach((id, i) =>
    own.set(id, (own.get(id) ?? 0) + (profile.timeDeltas?.[i] ?? 0)),
  );
  const groups = new Map<string, Map<string, number>>();
  let total = 0;
  for (const [id, time] of own) {
    const frame = (nodes.get(id) as Profiler.ProfileNode).callFrame;
    const who = whoOf(id);
    if (frame.functionName === '(idle)' || who === 'the bench itself') continue;
    total += time;
    const functions = groups.get(who) ?? new Map<string, number>();
    groups.set(who, functions);
    const name = frame.functionName === '' ? 'anonymous' : frame.functionName;
    functions.set(name, (functions.get(name) ?? 0) + time);
  }
  return [...groups]
    .map(([who, functions]): Share => {
      const sorted = [...functions].sort((a, b) => b[1] - a[1]);
      return {
        who,
        share: sorted.reduce((sum, [, time]) => sum + time, 0) / total,
        most: sorted
          .slice(0, most)
          .map(([name, time]) => `${name} ${((100 * time) / total).toFixed(1)}`),
      };
    })
    .sort((a, b) => b.share - a.share);
};
