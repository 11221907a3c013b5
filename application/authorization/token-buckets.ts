/**
 * Token buckets, one for each id: `rate` tokens a second are added, up to `burst`; a request takes
 * one. The number of ids is bounded: past it the oldest bucket is dropped, which refills it.
 */
interface TokenBuckets {
  /** @returns 0: a token was taken; otherwise the ms until there is one */
  readonly take: (id: string, rate: number, burst: number, time: number) => number;
}

interface Bucket {
  tokens: number;
  at: number;
}

export const tokenBuckets = (kept = 10_000): TokenBuckets => {
  const buckets = new Map<string, Bucket>();
  return {
    take(id, rate, burst, time) {
      const bucket = buckets.get(id);
      if (bucket === undefined) {
        if (buckets.size >= kept) buckets.delete(buckets.keys().next().value as string);
        buckets.set(id, { tokens: burst - 1, at: time });
        return 0;
      }
      const tokens = Math.min(burst, bucket.tokens + (Math.max(0, time - bucket.at) * rate) / 1000);
      bucket.at = time;
      bucket.tokens = tokens < 1 ? tokens : tokens - 1;
      return tokens < 1 ? Math.ceil(((1 - tokens) * 1000) / rate) : 0;
    },
  };
};
