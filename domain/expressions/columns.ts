/** Adds the columns that an expression names, wherever in a definition it stands. */
export const columnsIn = (node: unknown, found: Set<string>): void => {
  if (typeof node !== 'object' || node === null) return;
  const { op, name } = node as { op?: unknown; name?: unknown };
  if (op === 'col' && typeof name === 'string') found.add(name);
  for (const child of Object.values(node)) columnsIn(child, found);
};
