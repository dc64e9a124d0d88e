import { expect } from "vitest";
import type {
  Backend,
  Batch,
  ContrastBatch,
  Example,
  Features,
  StepFigures,
  Tokens,
  TrainerSpec,
} from "../../../src/engine/backend/backend.ts";
import { tokenTrie } from "../../../src/engine/probe/tokenTrie.ts";
import { stageSchema, type TrainRecipe } from "../../../src/protocol/recipeStages.ts";

const recipe = stageSchema.parse({ type: "contrastive" });
if (recipe.type !== "contrastive") throw new Error("the recipe is of another stage");
const { loss } = recipe;

/** Tokens of prompts and answers, in the form that stages and probes give them. */
export interface ParityTexts {
  readonly prompts: readonly { readonly ids: Tokens; readonly label: string }[];
  readonly examples: readonly Example[];
  /** Tokens that all begin with. */
  readonly shared: number;
  /** Openings of refusals. */
  readonly openings: readonly Tokens[];
}

/** Largest differences between two backends, by what was computed; of losses of training as a share of those above 1, of features of their size. */
export interface ParityFigures {
  features: number;
  refusalLogOdds: number;
  answerLosses: number;
  supervised: number;
  contrastive: number;
  /** In the first steps, as shares. */
  gradientNorms: number;
  /** Greedy tokens in which they differ. */
  greedy: number;
}

/** How two backends are compared: what is trained at which layer, and how long answers are. */
export interface ParityOptions {
  readonly train: TrainRecipe;
  readonly layer: number;
  readonly retention: "distance" | "kl";
  readonly pooling: "last" | "mean";
  readonly newTokens: number;
  readonly steps: number;
}

/** What one backend computed of the texts, and what it lost in five and five steps on them. */
export interface ParityRun {
  readonly measured: Measured;
  readonly supervised: readonly StepFigures[];
  readonly contrastive: readonly StepFigures[];
  /** What features are kept to, where the contrastive steps began. */
  readonly anchors: Anchors;
}

interface Measured {
  readonly features: readonly number[];
  readonly logOdds: readonly number[];
  readonly losses: readonly number[];
  readonly greedy: readonly number[];
}

type Anchors = NonNullable<ContrastBatch["retention"]>["anchors"];

/** Measures both backends on the same texts, then trains five and five steps on each and compares again. */
export async function parity(
  a: Backend,
  b: Backend,
  texts: ParityTexts,
  options: ParityOptions,
): Promise<ParityFigures> {
  const reference = await parityRun(a, texts, options);
  return differences(reference, await parityRun(b, texts, options, reference));
}

/** Measures a backend, then trains it on answers and on a contrast. @param reference the run whose anchors it keeps features to. */
export async function parityRun(
  backend: Backend,
  texts: ParityTexts,
  options: ParityOptions,
  reference?: ParityRun,
): Promise<ParityRun> {
  const figures = await measured(backend, texts, options);
  const supervised = await steps(backend, texts, options, answersOf);
  const anchors = reference?.anchors ?? (await anchorsOf(backend, texts, options));
  const contrast = (_: ParityTexts, step: number) => [contrastOf(backend, texts, options, anchors, step)];
  return {
    measured: figures,
    supervised,
    contrastive: await steps(backend, texts, options, contrast),
    anchors,
  };
}

/** How far two runs are apart. */
export function differences(a: ParityRun, b: ParityRun): ParityFigures {
  const [first, second] = [a.measured, b.measured];
  const pairs = (["supervised", "contrastive"] as const).map((kind) => [a[kind], b[kind]] as const);
  const [supervised, contrastive] = pairs.map(([ours, others]) =>
    Math.max(...ours.map(({ loss: x }, i) => Math.abs(x - others[i]!.loss) / Math.max(1, Math.abs(x)))),
  );
  // Later, AdamW has made whole steps of gradients that are nothing but rounding, as those of KL are where nothing has moved.
  const norms = pairs.map(([ours, others]) => Math.abs(ours[0]!.gradientNorm / others[0]!.gradientNorm - 1));
  return {
    features: furthest(first.features, second.features),
    refusalLogOdds: furthest(first.logOdds, second.logOdds),
    answerLosses: furthest(first.losses, second.losses),
    supervised: supervised!,
    contrastive: contrastive!,
    gradientNorms: Math.max(...norms),
    greedy: first.greedy.filter((token, i) => token !== second.greedy[i]).length,
  };
}

/** Expects what two backends in float32 may differ by. */
export function expectAlike(found: ParityFigures): void {
  expect(found.features).toBeLessThan(1e-4);
  expect(found.refusalLogOdds).toBeLessThan(1e-2);
  expect(found.answerLosses).toBeLessThan(1e-3);
  expect(found.supervised).toBeLessThan(1e-3);
  expect(found.contrastive).toBeLessThan(1e-3);
  expect(found.gradientNorms).toBeLessThan(1e-3);
  expect(found.greedy).toBe(0);
}

async function measured(
  backend: Backend,
  { prompts, examples, openings }: ParityTexts,
  options: ParityOptions,
): Promise<Measured> {
  const rows = prompts.map(({ ids }) => ids);
  const layers = [options.layer, backend.shape.layers - 1];
  const features = await backend.features(rows, { layers, pooling: options.pooling });
  const trie = tokenTrie(openings);
  const scores = await backend.score(rows, trie);
  const first = trie.edges.flatMap(({ parent }, i) => (parent === -1 ? [i] : []));
  const logOdds = rows.map((_, i) => {
    const p = first.reduce((sum, edge) => sum + Math.exp(scores.get(i)!.logProbabilities[edge]!), 0);
    return Math.log(p / (1 - p));
  });
  const losses = (await backend.losses(examples)).map((each) => each.loss / each.tokens);
  const answers = await backend.generate(rows, { maxNewTokens: options.newTokens, eosIds: [] });
  return {
    features: [...features.values()].flatMap(scaled),
    logOdds,
    losses,
    greedy: rows.flatMap((_, i) => answers.get(i)!.ids),
  };
}

async function steps(
  backend: Backend,
  texts: ParityTexts,
  { train, steps: count }: ParityOptions,
  batchesOf: (texts: ParityTexts, step: number) => Batch[],
): Promise<StepFigures[]> {
  const optimiser: TrainerSpec["optimiser"] = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01 };
  const trainer = await backend.createTrainer({ train, optimiser, seed: 5, kinds: batchesOf(texts, 0) });
  const figures: StepFigures[] = [];
  for (let step = 0; step < count; step++) {
    const found = await trainer.backward(batchesOf(texts, step));
    figures.push(found);
    await trainer.update(train.method === "lora" ? 2e-3 : 1e-4, Math.min(1, 1 / found.gradientNorm));
  }
  await trainer.finish();
  return figures;
}

/** Two passes a step, so that gradients add up. */
function answersOf({ examples, shared }: ParityTexts, step: number): Batch[] {
  const half = examples.length / 2;
  const rows = [...examples.slice(step % half), ...examples.slice(0, step % half)];
  const labels = rows.reduce((sum, { ids, promptLength }) => sum + ids.length - promptLength, 0);
  return [rows.slice(0, half), rows.slice(half)].map((of) => ({
    kind: "answers",
    examples: of,
    maskPrompt: true,
    weight: 1 / labels,
    shared,
  }));
}

async function anchorsOf(backend: Backend, { examples, shared }: ParityTexts, { layer }: ParityOptions) {
  const rows = examples.slice(0, 4).map(({ ids }) => ids);
  const positions = rows.map(({ length }) => [length - 1, Math.floor((shared + length) / 2)]);
  const { data, width } = (await backend.features(rows, { layers: [layer], pooling: { positions } })).get(
    layer,
  )!;
  return rows.map((ids, i) => ({
    ids,
    positions: positions[i]!,
    features: data.slice(2 * i * width, 2 * (i + 1) * width),
  }));
}

function contrastOf(
  { shape }: Backend,
  { prompts, shared }: ParityTexts,
  { layer, pooling, retention }: ParityOptions,
  anchors: Anchors,
  step: number,
): ContrastBatch {
  const size = 8;
  const own = Array.from({ length: size }, (_, i) => prompts[(step * size + i) % prompts.length]!);
  return {
    kind: "contrast",
    prompts: own,
    layer,
    pooling,
    centre: new Float32Array(shape.hiddenSize).fill(0.01),
    loss,
    retention: { type: retention, weight: 5, anchors },
    shared,
  };
}

/** Features in units of the root mean square of their vector, where that is above 1: rounding grows with it. */
function scaled({ data, width }: Features): number[] {
  return Array.from({ length: data.length / width }, (_, row) => {
    const own = Array.from(data.subarray(row * width, (row + 1) * width));
    const size = Math.sqrt(own.reduce((sum, x) => sum + x * x, 0) / width);
    return own.map((x) => x / Math.max(1, size));
  }).flat();
}

/** The largest difference; NaN where any is. */
function furthest(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (const [i, x] of a.entries()) {
    const apart = Math.abs(x - b[i]!);
    if (!(apart <= most)) most = apart;
  }
  return most;
}
