import { DiscernError } from "../../../protocol/errors.ts";
import type { OptionsOf } from "../../../protocol/probe/contract.ts";
import {
  mostUmapPoints,
  type ProjectionFigures,
  type ProjectionPicture,
  projectionContract,
  type Separation,
} from "../../../protocol/probe/projection.ts";
import type { ModelState, ProbeTable } from "../../../protocol/probe/result.ts";
import { shuffled, stream } from "../../../statistics/random.ts";
import { count, percent } from "../../../wording/numbers.ts";
import type { Backend, Features, Tokens } from "../../backend/backend.ts";
import { sharedPrefixLength } from "../../backend/sharedPrefix.ts";
import { defineMeasurement, type ProbeContext, type ProbeQuestion, type ProbeRow } from "../definition.ts";
import { RefusalScorer } from "../refusal.ts";
import { type TextAnswer, textAnswers } from "../sample.ts";
import { tokenTrie } from "../tokenTrie.ts";
import { coordinates, type Principal, principalComponents } from "./principal.ts";
import {
  besideShuffled,
  betweenShare,
  betweenShareOfFeatures,
  type Points,
  randomPlanes,
  silhouette,
} from "./separation.ts";
import { umap } from "./umap.ts";

type Options = OptionsOf<typeof projectionContract>;

/** Principal components that UMAP reads: what it makes of more of them is the same, and takes longer. */
const mostReduced = 50;
/** Prompts that silhouettes are computed on: they take a distance for each pair, for every draw. */
const mostCompared = 1000;
/** Prompts between two reports of progress. */
const chunk = 64;

/**
 * Features of a layer in two dimensions over states. Cost: a forward pass a prompt and state up to the layer, and one over the openings of
 * a refusal, and the tokens of an answer where one is judged; min(n, C)·max(n, C)²… products of features; UMAP's own time, which grows with its points.
 */
export const projection = defineMeasurement(projectionContract, {
  plan(question) {
    const { prompts, openings, states, shape, options } = question;
    layerOf(question);
    fittedStates(question);
    const points = prompts.length * states.length;
    if (options.umap && points > mostUmapPoints) {
      throw new DiscernError(
        "request-invalid",
        `UMAP of ${count(points)} points (${count(prompts.length)} prompts at ${states.length} states) would take too long; ` +
          `up to ${count(mostUmapPoints)} are laid out. Name fewer prompts or states, or set umap=false for principal components alone.`,
      );
    }
    const nodes = tokenTrie(openings).nodes.length;
    const { answerTokens } = options;
    const answered = (asked: number) => (answerTokens > 0 ? asked + answerTokens : 0);
    const tokens = prompts.reduce((sum, { ids }) => sum + 2 * ids.length + nodes + answered(ids.length), 0);
    const smaller = Math.min(points, shape.hiddenSize);
    return {
      forwardPasses: (answerTokens > 0 ? 3 : 2) * points,
      backwardPasses: 0,
      forwardTokens: tokens * states.length,
      backwardTokens: 0,
      otherFlops:
        2 * points * shape.hiddenSize * (smaller + 4 * options.draws) +
        // Epochs by points by samples, and the search for neighbours; measured as time, given as operations.
        (options.umap ? 4e6 * points : 0),
      // Features in float32, and centred in float64; a matrix of the smaller side.
      bytes: 12 * points * shape.hiddenSize + 8 * smaller ** 2,
    };
  },

  async measure(context) {
    const { prompts, states, options, seed } = context;
    const layer = layerOf(context);
    // A judge that there is not is found before anything is measured.
    if (options.answerTokens > 0) await context.judge(options.judge, []);
    const { features, refusal, answers, read } = await readStates(context, layer);
    const verdicts = await verdictsOf(context, answers);
    const { check, onProgress } = context;
    const all = joined([...features.values()]);
    const together = principalComponents(all, mostReduced, { exact: 2, check });
    const fitted = fittedStates(context);
    const basis =
      fitted.length === states.length
        ? together
        : principalComponents(joined(fitted.map((name) => features.get(name)!)), 2, { check });
    const groups = prompts.map(({ group }) => group);
    const chance = { draws: options.draws, seed };
    const compared = comparedPrompts(prompts.length, seed);
    const pictures: ProjectionPicture[] = [
      {
        method: "pca",
        fitted,
        explained: [basis.explained[0] ?? 0, basis.explained[1] ?? 0],
        states: states.map(({ name }) => {
          check();
          const own = features.get(name)!;
          const points = inPlane(own, basis);
          const apart = separations(points, groups, compared, chance);
          return {
            ...{ state: name, x: Array.from(points.x), y: Array.from(points.y) },
            ...apart,
            between: apart.between && { ...apart.between, random: randomPlanes(own, groups, chance) },
          };
        }),
      },
    ];
    if (options.umap) {
      const along = coordinates(all, together);
      const rows = Array.from({ length: all.count }, (_, i) => along.map((column) => column[i]!));
      const places = await umap(rows, {
        ...{ neighbours: options.neighbours, minimumDistance: options.minimumDistance, seed },
        onProgress: async (share) => {
          check();
          onProgress(read + Math.floor(share * prompts.length), read + prompts.length);
        },
      });
      pictures.push({
        method: "umap",
        fitted: states.map(({ name }) => name),
        explained: null,
        states: states.map(({ name }, s) => {
          const [from, to] = [s * prompts.length, (s + 1) * prompts.length];
          const points = {
            x: Array.from(places.x).slice(from, to),
            y: Array.from(places.y).slice(from, to),
          };
          return { state: name, ...points, ...separations(points, groups, compared, chance) };
        }),
      });
    }
    const figures: ProjectionFigures = {
      layer,
      pooling: options.pooling,
      width: all.width,
      reduced: options.umap ? together.components.length : null,
      sampled: compared.length < prompts.length ? compared.length : null,
      pictures: pictures.map(shortened),
      whole: states.map(({ name }) => ({
        state: name,
        between: areGroups(groups) ? betweenShareOfFeatures(features.get(name)!, groups) : Number.NaN,
      })),
      refusal: states.map(({ name }) => refusal.get(name)!),
      verdicts,
    };
    return {
      figures,
      tables: [pointTable(prompts, states, figures), separationTable(figures)],
      caveats: caveatsOf(figures, basis, prompts),
    };
  },
});

/** The layer of the features. @throws DiscernError `request-invalid` for one that the model does not have. */
function layerOf({ options, shape, contrastLayer }: ProbeQuestion<Options>): number {
  const layer = options.layer ?? contrastLayer ?? Math.max(1, Math.round(shape.layers / 2));
  if (layer > shape.layers) {
    throw new DiscernError(
      "request-invalid",
      `layer: the model has ${shape.layers} layers, so there are no features of layer ${layer}. Name one from 1 to ${shape.layers}.`,
    );
  }
  return layer;
}

/** The states that the principal components are fitted on. @throws DiscernError `request-invalid` for one that is not measured. */
function fittedStates({ options: { basis }, states }: ProbeQuestion<Options>): string[] {
  const names = states.map(({ name }) => name);
  if (basis === "all") return names;
  if (names.includes(basis)) return [basis];
  throw new DiscernError(
    "request-invalid",
    `basis: the state "${basis}" is not among those that are measured (${names.join(", ")}). Name one of them, or "all".`,
  );
}

/** What is read of the model at every state: features at the layer, refusal probabilities, and answers where they are judged. */
async function readStates(context: ProbeContext<Options>, layer: number) {
  const { prompts, states, openings, options, seed, at, onProgress } = context;
  const rows = prompts.map(({ ids }) => ids);
  const perState = rows.length * (options.answerTokens > 0 ? 3 : 2);
  const read = perState * states.length;
  const total = read + (options.umap ? rows.length : 0);
  const features = new Map<string, Features>();
  const refusal = new Map<string, number[]>();
  const answers: TextAnswer[] = [];
  for (const [s, state] of states.entries()) {
    const progress = (part: number) => (done: number) =>
      onProgress(s * perState + part * rows.length + done, total);
    await at(state, async ({ backend, encoder }) => {
      features.set(state.name, await featuresOf(backend, rows, layer, options.pooling, progress(0)));
      const scores = await new RefusalScorer(backend, openings).score(rows, { onProgress: progress(1) });
      refusal.set(
        state.name,
        scores.map(({ probability }) => probability),
      );
      if (options.answerTokens === 0) return;
      const found = await textAnswers(backend, encoder, prompts, {
        ...{ samples: null, seed, maxNewTokens: options.answerTokens },
        onProgress: progress(2),
      });
      for (const [greedy] of found) answers.push(greedy!);
    });
  }
  return { features, refusal, answers, read };
}

/** What the judge says of the answers of all states. */
async function verdictsOf(
  { prompts, states, options, judge }: ProbeContext<Options>,
  answers: readonly TextAnswer[],
): Promise<ProjectionFigures["verdicts"]> {
  if (options.answerTokens === 0) return null;
  const { judge: by, outcomes } = await judge(options.judge, answers);
  const { length } = prompts;
  return {
    judge: { id: by.id, version: by.version },
    states: states.map((_, s) => outcomes.slice(s * length, (s + 1) * length)),
  };
}

async function featuresOf(
  backend: Backend,
  rows: readonly Tokens[],
  layer: number,
  pooling: "last" | "mean",
  onProgress: (done: number) => void,
): Promise<Features> {
  // What all prompts share is no prompt's own, whatever a chunk of them has in common beyond it.
  const shared = sharedPrefixLength(rows);
  const parts: Features[] = [];
  for (let from = 0; from < rows.length; from += chunk) {
    const part = rows.slice(from, from + chunk);
    parts.push((await backend.features(part, { layers: [layer], pooling, shared })).get(layer)!);
    onProgress(from + part.length);
  }
  return joined(parts);
}

function joined(parts: readonly Features[]): Features {
  const width = parts[0]!.width;
  const rows = parts.reduce((sum, part) => sum + part.count, 0);
  const data = new Float32Array(rows * width);
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return { count: rows, width, data };
}

function inPlane(features: Features, basis: Principal): Points {
  const [x, y] = coordinates(features, basis);
  const none = new Float64Array(features.count);
  return { x: x ?? none, y: y ?? none };
}

/** Prompts that silhouettes are computed on, in their order. */
function comparedPrompts(prompts: number, seed: number): number[] {
  const all = Array.from({ length: prompts }, (_, i) => i);
  if (prompts <= mostCompared) return all;
  return shuffled(all, stream(seed, "projection", "compared"))
    .slice(0, mostCompared)
    .sort((a, b) => a - b);
}

const areGroups = (groups: readonly string[]) => new Set(groups).size > 1;

function separations(
  { x, y }: Points,
  groups: readonly string[],
  compared: readonly number[],
  chance: { draws: number; seed: number },
): { between: Separation | null; silhouette: Separation | null } {
  if (!areGroups(groups)) return { between: null, silhouette: null };
  const few = { x: compared.map((i) => x[i]!), y: compared.map((i) => y[i]!) };
  const fewGroups = compared.map((i) => groups[i]!);
  return {
    between: besideShuffled(groups, (labels) => betweenShare([x, y], labels), chance),
    silhouette: besideShuffled(fewGroups, (labels) => silhouette(few, labels), chance),
  };
}

/** Places to six digits, which is finer than a picture shows and keeps files small. */
function shortened(picture: ProjectionPicture): ProjectionPicture {
  const short = (values: readonly (number | null)[]) =>
    values.map((value) => (value === null ? null : Number(value.toPrecision(6))));
  return {
    ...picture,
    states: picture.states.map((each) => ({ ...each, x: short(each.x), y: short(each.y) })),
  };
}

function caveatsOf({ pictures, sampled }: ProjectionFigures, basis: Principal, prompts: readonly ProbeRow[]) {
  const shown = (basis.explained[0] ?? 0) + (basis.explained[1] ?? 0);
  return [
    `The two principal components hold ${percent(shown)} of the variance; groups that overlap here may stand apart in the rest.`,
    ...(pictures.some(({ method }) => method === "umap")
      ? [
          "Distances between clusters, their sizes and their density mean nothing in UMAP: only who is near whom does. It separates clusters of any data, so read it beside its separation with shuffled labels.",
        ]
      : []),
    ...(sampled === null
      ? []
      : [
          `Silhouettes are those of ${count(sampled)} of ${count(prompts.length)} prompts, drawn by the seed.`,
        ]),
    ...(new Set(prompts.map(({ file }) => file)).size > 1
      ? [
          "Prompts of several files may stand apart by their style alone: colour them by source to see whether they do.",
        ]
      : []),
  ];
}

function pointTable(
  prompts: readonly ProbeRow[],
  states: readonly ModelState[],
  { pictures, refusal, verdicts }: ProjectionFigures,
): ProbeTable {
  const columns = pictures.flatMap(({ method }) => {
    const name = method === "pca" ? "PCA" : "UMAP";
    return (["x", "y"] as const).map((axis, i) => ({
      id: `${method}_${i + 1}`,
      title: `${name} ${i + 1}`,
      unit: null,
      description:
        method === "pca" ? `Coordinate along principal component ${i + 1}` : `Coordinate ${axis} of UMAP`,
    }));
  });
  return {
    id: "points",
    title: "Points",
    columns: [
      { id: "state", title: "State", unit: null, description: "State of the model" },
      { id: "id", title: "Id", unit: null, description: "Hash of the prompt's words" },
      { id: "prompt", title: "Prompt", unit: null, description: "The prompt's words" },
      { id: "group", title: "Group", unit: null, description: "toxic, seemingly_toxic or general" },
      { id: "category", title: "Category", unit: null, description: "As the file has it" },
      {
        id: "source",
        title: "Source",
        unit: null,
        description: "As the file has it; the file where it has none",
      },
      ...columns,
      {
        id: "refusal_probability",
        title: "Refusal probability",
        unit: null,
        description: "Sum over the openings, at this state",
      },
      ...(verdicts === null
        ? []
        : [
            {
              ...{ id: "verdict", title: "Verdict", unit: null },
              description: `What the judge ${verdicts.judge.id} says of the greedy answer at this state`,
            },
          ]),
    ],
    rows: states.flatMap(({ name }, s) =>
      prompts.map(({ id, prompt, group, category, source, file }, i) => [
        ...[name, id, prompt, group, category ?? null, source ?? file],
        ...pictures.flatMap(({ states: own }) => [own[s]!.x[i]!, own[s]!.y[i]!]),
        refusal[s]![i]!,
        ...(verdicts === null ? [] : [verdicts.states[s]![i]!]),
      ]),
    ),
  };
}

function separationTable({ pictures, whole }: ProjectionFigures): ProbeTable {
  const number = (id: string, title: string, description: string) => ({ id, title, unit: null, description });
  return {
    id: "separation",
    title: "How far groups stand apart",
    columns: [
      number("method", "Method", "pca, umap, or the whole features"),
      number("state", "State", "State of the model"),
      number("figure", "Figure", "Share of the variance between groups, or mean silhouette"),
      number("value", "Value", "Of the groups as they are"),
      number("shuffled_mean", "Shuffled labels, mean", "The same with shuffled labels"),
      number("shuffled_highest", "Shuffled labels, highest", "The highest of any draw"),
      number("random_mean", "Random directions, mean", "The same on random directions"),
      number("random_highest", "Random directions, highest", "The highest of any draw"),
    ],
    rows: [
      ...pictures.flatMap(({ method, states }) =>
        states.flatMap(({ state, between, silhouette: apart }) =>
          (
            [
              ["between", between],
              ["silhouette", apart],
            ] as const
          ).flatMap(([figure, found]) =>
            found === null
              ? []
              : [
                  [
                    ...[method, state, figure, found.value, found.shuffled.mean, found.shuffled.highest],
                    ...[found.random?.mean ?? null, found.random?.highest ?? null],
                  ],
                ],
          ),
        ),
      ),
      ...whole.map(({ state, between }) => ["whole", state, "between", between, null, null, null, null]),
    ],
  };
}
