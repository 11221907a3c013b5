// `#domain` is mapped by the nearest package.json: in the clone to the sources, in the package to
// the JavaScript that `npm pack` puts beside this file (scripts/build-package.ts).
export * from '#domain/definitions/index.ts';
