/** Adds to `found` every column that expressions anywhere in `node` name. */
export const columnsIn = (node: unknown, found: Set<string>): void => {
  if (typeof node !== 'object' || node === null) return;
  const { op, name } = node as { op?: unknown; name?: unknown };
  if (op === 'col' && typeof name === 'string') found.add(name);
  for (const child of Object.values(node)) columnsIn(child, found);
};
