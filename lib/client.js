// See index.js.
export * from '#client/index.ts';
