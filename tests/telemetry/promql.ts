/**
 * The metrics and labels that a PromQL expression uses. Any name that is no function, no keyword
 * and no label in a label position counts as a metric, so a misspelled name is found as a metric
 * that nothing exposes.
 */
interface Uses {
  readonly metric: string;
  /** labels in its selector */
  readonly labels: readonly string[];
}

interface Expression {
  readonly metrics: readonly Uses[];
  /** labels of `by`, `on`, `without`, `ignoring` */
  readonly grouping: readonly string[];
}

const FUNCTIONS = new Set(
  'sum max min avg count rate increase irate delta deriv changes absent time histogram_quantile predict_linear clamp_min topk'.split(
    ' ',
  ),
);
const WORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'group_left', 'group_right']);
const GROUPING = new Set(['by', 'on', 'without', 'ignoring']);
const TOKEN =
  /"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[A-Za-z_:][\w:]*|\d+(?:\.\d+)?(?:e[+-]?\d+)?|=~|!~|!=|==|<=|>=|[-+*/%^<>(){},=]|\s+/gy;

const tokensOf = (text: string): string[] => {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(text)?.[0];
    if (token === undefined) throw new Error(`not PromQL at ${at}: ${text.slice(at, at + 30)}`);
    if (token.trim() !== '') tokens.push(token);
  }
  return tokens;
};

const balanced = (tokens: readonly string[]): boolean => {
  const open: string[] = [];
  for (const token of tokens) {
    if (token === '(' || token === '{') open.push(token === '(' ? ')' : '}');
    else if ((token === ')' || token === '}') && open.pop() !== token) return false;
  }
  return open.length === 0;
};

export const readPromql = (text: string): Expression => {
  const tokens = tokensOf(text);
  if (!balanced(tokens)) throw new Error(`brackets do not match: ${text}`);
  const metrics: Uses[] = [];
  const grouping: string[] = [];
  /** The names up to the closing bracket. Afterwards `i` is past the bracket. */
  let i = 0;
  const namesTo = (close: string, wanted: (at: number) => boolean): string[] => {
    const names: string[] = [];
    for (; tokens[i] !== close; i++) if (wanted(i)) names.push(tokens[i] as string);
    i++;
    return names;
  };
  const isName = (at: number): boolean => /^[A-Za-z_:]/.test(tokens[at] ?? '');
  while (i < tokens.length) {
    const token = tokens[i++] as string;
    if (!/^[A-Za-z_:]/.test(token) || WORDS.has(token)) continue;
    if (GROUPING.has(token)) {
      i++;
      grouping.push(...namesTo(')', isName));
    } else if (FUNCTIONS.has(token) && (tokens[i] === '(' || GROUPING.has(tokens[i] ?? '')))
      continue;
    else if (tokens[i] === '{') {
      i++;
      metrics.push({
        metric: token,
        labels: namesTo('}', (at) => isName(at) && /^[=!]/.test(tokens[at + 1] ?? '')),
      });
    } else metrics.push({ metric: token, labels: [] });
  }
  return { metrics, grouping };
};

/**
 * From a page of metrics in Prometheus' text form: each series' name with its labels, and the
 * declared names.
 */
export const readExposition = (
  text: string,
): { series: Map<string, Set<string>>; declared: Set<string> } => {
  const series = new Map<string, Set<string>>();
  const declared = new Set<string>();
  for (const line of text.split('\n')) {
    const help = /^# TYPE (\S+)/.exec(line)?.[1];
    if (help !== undefined) declared.add(help);
    const [, name, labels = ''] = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    if (name === undefined) continue;
    const known = series.get(name) ?? new Set();
    series.set(name, known);
    for (const [, label] of labels.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)) known.add(label as string);
  }
  return { series, declared };
};
