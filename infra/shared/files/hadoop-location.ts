/**
 * Locations as Hadoop, Iceberg and Flink write them: with a scheme, but not percent-encoded. FileIO
 * uses URIs instead.
 */
import { joinUri } from '#domain/ports/file-io.ts';

/** Splits a location into the scheme with authority, and the path. */
const PARTS = /^([a-z][a-z0-9+.-]*:\/\/[^/]*)(\/.*)$/s;

const partsOf = (location: string): readonly [origin: string, path: string] => {
  const [, origin, path] = PARTS.exec(location) ?? ['', location, '/'];
  return [origin as string, path as string];
};

/** `file:///a%20b` → `file:///a b` */
export const locationOf = (uri: string): string => {
  const [origin, path] = partsOf(uri);
  return origin + path.split('/').map(decodeURIComponent).join('/');
};

/** `file:///x`, `file:/x` (as Hadoop writes it) and `/x` are one location. */
export const withScheme = (location: string): string =>
  location.replace(/^(file:)?\/+/, 'file:///');

/** `file:///a b`, `file:/a b` or `/a b` → `file:///a%20b` */
export const uriOfLocation = (location: string): string => {
  const [origin, path] = partsOf(withScheme(location));
  return joinUri(origin, ...path.slice(1).split('/'));
};
