import { randomIndex } from "./bootstrap.ts";

/** A prompt of the contrast, as far as folds are concerned. */
export interface LabelledPrompt {
  readonly label: "toxic" | "seemingly_toxic";
  /** Its category. */
  readonly kind?: string;
  /** Name it shares with its counterpart. */
  readonly pair?: string;
}

/** Prompts cut into folds of whole groups, each fold with both labels. */
export interface Folds {
  /** What is held out whole: categories, or matched pairs (and prompts without a counterpart). */
  readonly unit: "category" | "pair";
  /** Number of each prompt's group, 0 … groups − 1. */
  readonly groupOf: readonly number[];
  readonly groups: number;
  /** Indices of the prompts in each fold; at least two folds. */
  readonly folds: readonly (readonly number[])[];
}

/** Folds at the most. */
const foldCount = 5;

/**
 * Stratified folds of whole groups: every fold holds toxic and seemingly toxic prompts, so that scores can be compared
 * within it, and so does what remains for training. Groups are categories; categories that share a matched pair, or that
 * are the two sides of an XSTest category, are one group. Prompts without a category go with their counterpart, or alone.
 *
 * Where categories leave no two such folds (one category per label, or one in all), matched pairs and single prompts are
 * the groups, and `unit` says so: then what a probe finds may belong to the categories.
 *
 * @returns null where pairs leave no two folds either.
 */
export function stratifiedFolds(prompts: readonly LabelledPrompt[], seed: number): Folds | null {
  return foldsBy("category", prompts, seed) ?? foldsBy("pair", prompts, seed);
}

/** Prompts that are held out together, by index, and how many carry each label. */
interface Group {
  readonly members: readonly number[];
  readonly toxic: number;
  readonly seeming: number;
}

function foldsBy(unit: Folds["unit"], prompts: readonly LabelledPrompt[], seed: number): Folds | null {
  const groupOf = groupNumbers(prompts, unit);
  const groups: Group[] = [...Map.groupBy([...prompts.keys()], (i) => groupOf[i]).values()].map((members) => {
    const toxic = members.filter((i) => prompts[i].label === "toxic").length;
    return { members, toxic, seeming: members.length - toxic };
  });
  // The largest first, equals in seeded order.
  const random = randomIndex(seed);
  const order = new Map(groups.map((group) => [group, random(2 ** 31)]));
  groups.sort(
    (a, b) => b.members.length - a.members.length || (order.get(a) as number) - (order.get(b) as number),
  );
  const both = groups.filter(({ toxic, seeming }) => toxic && seeming);
  const toxic = groups.filter(({ seeming }) => !seeming);
  const seeming = groups.filter((group) => !group.toxic);
  const pairs = Math.min(toxic.length, seeming.length);
  const count = Math.min(foldCount, both.length + pairs);
  if (count < 2) return null;

  // A core with both labels for each fold; then every other group goes where it keeps both labels most even.
  const cores = [
    ...both.map((group) => [group]),
    ...Array.from({ length: pairs }, (_, i) => [toxic[i], seeming[i]]),
  ].slice(0, count);
  const placed = new Set(cores.flat());
  const totals = {
    toxic: groups.reduce((sum, group) => sum + group.toxic, 0),
    seeming: groups.reduce((sum, group) => sum + group.seeming, 0),
  };
  const filled = cores.map((core) => ({
    groups: core,
    toxic: core.reduce((sum, group) => sum + group.toxic, 0),
    seeming: core.reduce((sum, group) => sum + group.seeming, 0),
  }));
  for (const group of groups) {
    if (placed.has(group)) continue;
    /** What adding the group costs a fold: the growth of the sum of squared shares of each label. */
    const cost = (fold: { toxic: number; seeming: number }) =>
      (group.toxic * (2 * fold.toxic + group.toxic)) / totals.toxic ** 2 +
      (group.seeming * (2 * fold.seeming + group.seeming)) / totals.seeming ** 2;
    const target = filled.reduce((least, fold) => (cost(fold) < cost(least) ? fold : least));
    target.groups.push(group);
    target.toxic += group.toxic;
    target.seeming += group.seeming;
  }
  return {
    unit,
    groupOf,
    groups: groups.length,
    folds: filled.map((fold) => fold.groups.flatMap(({ members }) => members)),
  };
}

/** The number of each prompt's group: prompts that share a category or a pair, directly or through others, share one. */
export function groupNumbers(
  prompts: readonly Omit<LabelledPrompt, "label">[],
  unit: Folds["unit"],
): number[] {
  const parent = new Map<string, string>();
  const root = (name: string): string => {
    const above = parent.get(name) ?? name;
    if (above === name) return name;
    const top = root(above);
    parent.set(name, top);
    return top;
  };
  const names = prompts.map(({ kind, pair }, i) => {
    const own = pair === undefined ? `prompt ${i}` : `pair ${pair}`;
    if (unit === "pair" || kind === undefined) return own;
    const category = `category ${categoryOf(kind)}`;
    if (pair !== undefined) parent.set(root(own), root(category));
    return category;
  });
  const numbers = new Map<string, number>();
  return names.map((name) => {
    const top = root(name);
    const number = numbers.get(top) ?? numbers.size;
    numbers.set(top, number);
    return number;
  });
}

/** XSTest's categories whose unsafe side has another name than `contrast_` and the safe side's. */
const xstestSides: Readonly<Record<string, string>> = {
  real_group_nons_discr: "discr",
  nons_group_real_discr: "discr",
  privacy_public: "privacy",
  privacy_fictional: "privacy",
};

/** The category that both sides of one of XSTest belong to; any other as it is called. */
export function categoryOf(kind: string): string {
  const name = kind.replace(/^contrast_/, "");
  return xstestSides[name] ?? name;
}
