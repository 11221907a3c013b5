/** A cache of a limited number of bytes; what was used last stays longest. */

export interface ByteCache<T> {
  readonly get: (key: string) => T | undefined;
  readonly set: (key: string, value: T, bytes: number) => void;
  readonly forget: (isGone: (key: string) => boolean) => void;
}

export const byteCache = <T>(limit: number): ByteCache<T> => {
  const entries = new Map<string, { readonly value: T; readonly bytes: number }>();
  let held = 0;
  return {
    get(key) {
      const found = entries.get(key);
      if (found === undefined) return undefined;
      entries.delete(key);
      entries.set(key, found);
      return found.value;
    },
    set(key, value, bytes) {
      held += bytes - (entries.get(key)?.bytes ?? 0);
      entries.delete(key);
      entries.set(key, { value, bytes });
      for (const [oldest, entry] of entries) {
        if (held <= limit || oldest === key) break;
        entries.delete(oldest);
        held -= entry.bytes;
      }
    },
    forget(isGone) {
      for (const [key, { bytes }] of entries) {
        if (!isGone(key)) continue;
        entries.delete(key);
        held -= bytes;
      }
    },
  };
};
