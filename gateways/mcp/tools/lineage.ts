/** Which definitions are made from which. */
import { type Static, Type } from 'typebox';
import { fail } from '#domain/errors.ts';
import { closed } from '#gateways/http/schemas/shapes.ts';
import { READS, tool } from '../tool.ts';

const input = closed({
  name: Type.Optional(
    Type.String({
      description:
        'name of a definition or of a named data set: what it is made from, and what is made from it, however far; absent: everything',
    }),
  ),
});
type Args = Static<typeof input>;

export const showLineage = tool<Args>({
  name: 'show_lineage',
  title: 'Show lineage',
  description:
    'Which definitions and named data sets are made from which, as a graph: nodes are KIND/NAME; each edge goes from what is read to what reads it.',
  input,
  hints: READS,
  shorter:
    'give the "name" of one definition, nearer to the models (a feature service) or to the events (a source)',
  async run({ name }, { platform, caller, links, now }) {
    if (name === '') fail('MR_PARAMETER_INVALID', '"name" is empty: leave it out for everything');
    const asOf = await platform.registry.position(caller);
    const time = now();
    const { nodes, edges } = await platform.registry.lineage(name, caller, asOf);
    return {
      at: time,
      known: time,
      link: links.get(['v1', 'lineage'], { name, asOf }),
      answer: {
        nodes: nodes.map(({ id }) => id),
        edges: edges.map(({ from, to }) => [from, to]),
      },
    };
  },
});
