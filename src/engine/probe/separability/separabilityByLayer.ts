import { drawPrompts } from "../../../dataset/select.ts";
import { layerCaveats } from "../../../protocol/layerChoice.ts";
import { type SeparabilityFigures, separabilityContract } from "../../../protocol/probe/separability.ts";
import { figure } from "../../../wording/numbers.ts";
import type { Features } from "../../backend/backend.ts";
import { defineMeasurement, type ProbeQuestion, type ProbeRow, type StateSession } from "../definition.ts";
import {
  allowedOf,
  type ContrastSource,
  choiceOf,
  chooseLayer,
  highestLayer,
  plateauOf,
} from "./layerChoice.ts";
import { draws } from "./linearProbe.ts";
import { type Measured, type MeasurePlan, measurePlan, measureSet } from "./measures.ts";
import { separabilityTables } from "./separabilityTables.ts";
import { surfaceFeatures } from "./surface.ts";

type Options = typeof separabilityContract.options._zod.output;
type State = SeparabilityFigures["states"][number];

/** Features that are held at a time; more layers than fit take another pass. */
const featureBytes = 1 << 30;

/**
 * Separability by layer. Cost: one forward pass of every layer for each prompt and state, and the ridge regressions of
 * {@link measureSet} for each layer.
 */
export const separabilityByLayer = defineMeasurement(separabilityContract, {
  plan(question) {
    const { shape, states } = question;
    const { contrast, transfer } = parts(question);
    const rows = [...contrast, ...transfer];
    const chunks = layerChunks(rows.length, shape);
    const passes = chunks.length * states.length;
    const n = contrast.length;
    return {
      forwardPasses: passes * rows.length,
      backwardPasses: 0,
      forwardTokens: passes * rows.reduce((sum, { ids }) => sum + ids.length, 0),
      backwardTokens: 0,
      otherFlops: states.length * (shape.layers + 1) * flopsOfLayer(n, rows.length, question),
      // Features, the kernel with the distances, and the matrices of a regression in float64.
      bytes: 4 * rows.length * shape.hiddenSize * chunks[0]!.length + 8 * rows.length ** 2 + 24 * n ** 2,
    };
  },
  async measure(context) {
    const { states, options, seed, shape, at, onProgress, check } = context;
    const { contrast, transfer, drawnFrom } = parts(context);
    const sourcesOf = (rows: readonly ProbeRow[]): ContrastSource[] => rows.map(contrastSource);
    const plan = measurePlan(sourcesOf(contrast), sourcesOf(transfer), {
      seed,
      strengths: options.strengths,
    });
    const rows = [...contrast, ...(plan.transfer?.members ?? []).map((i) => transfer[i]!)];
    const total = states.length * (2 * shape.layers + 1);
    let done = 0;
    const onLayer = (layers = 1) => {
      done += layers;
      onProgress(done, total);
    };
    const found: { state: State; measured: ReadonlyMap<number, Measured> }[] = [];
    for (const state of states) {
      found.push(
        await at(state, async (session) => {
          const measured = await measureLayers(session, rows, plan, { ...options, check, onLayer });
          const texts = surfaceFeatures(rows.map(({ prompt }) => prompt));
          const surface = await measureSet(session.backend, texts, plan, check);
          onLayer();
          return { state: stateOf(state.name, measured, surface, plan), measured };
        }),
      );
    }
    const proposal = propose(found[0]!.measured, found[0]!.state);
    const figures: SeparabilityFigures = {
      pooling: options.pooling,
      strengths: options.strengths,
      draws,
      proposal,
      transfer: transferFigures(plan),
      states: found.map(({ state }) => state),
    };
    return {
      figures,
      tables: separabilityTables(figures),
      caveats: [
        ...(drawnFrom > contrast.length
          ? [
              `${contrast.length} of ${drawnFrom} contrast prompts were drawn by the seed, matched pairs whole; raise "limit" for more.`,
            ]
          : []),
        ...caveatsOf(figures, options, transfer.length),
      ],
    };
  },
});

function contrastSource({ prompt, group, category, pair, source, file }: ProbeRow): ContrastSource {
  return {
    prompt,
    label: group === "toxic" ? "toxic" : "seemingly_toxic",
    ...(category !== undefined && { kind: category }),
    ...(pair !== undefined && { pair }),
    origin: source ?? file,
  };
}

/** The prompts that probes are trained on, and those that they are carried over to. */
function parts({ prompts, options, seed }: Pick<ProbeQuestion<Options>, "prompts" | "options" | "seed">) {
  const named = new Set(options.transfer);
  const isTransfer = ({ file, source, category }: ProbeRow) =>
    [file, source, category].some((each) => each !== undefined && named.has(each));
  const all = prompts.filter((row) => !isTransfer(row));
  const contrast = all.length > options.limit ? drawPrompts(all, options.limit, seed) : all;
  return { contrast, transfer: prompts.filter(isTransfer), drawnFrom: all.length };
}

/** Layers 1 … L in as few parts as the features of n prompts allow. */
function layerChunks(n: number, { layers, hiddenSize }: ProbeQuestion<Options>["shape"]): number[][] {
  const size = Math.max(1, Math.floor(featureBytes / (4 * Math.max(1, n) * hiddenSize)));
  const all = Array.from({ length: layers }, (_, i) => i + 1);
  const count = Math.ceil(layers / size);
  const each = Math.ceil(layers / count);
  return Array.from({ length: count }, (_, k) => all.slice(k * each, (k + 1) * each));
}

/** How much slower an operation of a factorisation, which runs in JavaScript, is than one of a device's products. */
const slower = 40;

/** Operations of {@link measureSet}: kernels, and factorisations with their right sides in five folds of four. */
function flopsOfLayer(n: number, rows: number, { options, shape }: ProbeQuestion<Options>): number {
  const regression = (seen: number) => slower * (seen ** 3 / 3 + 4 * seen ** 2 * (draws + 1));
  const inner = options.strengths.length > 1 ? 4 * options.strengths.length * regression(0.6 * n) : 0;
  const outer = 5 * (inner + Math.min(3, options.strengths.length) * regression(0.8 * n));
  return outer + 12 * rows ** 2 * shape.hiddenSize + slower * 4 * n ** 2 * (draws + 1);
}

/** Measures every layer at one state, a chunk of layers a pass. */
async function measureLayers(
  { backend }: StateSession,
  rows: readonly ProbeRow[],
  plan: MeasurePlan,
  {
    pooling,
    check,
    onLayer,
  }: Pick<Options, "pooling"> & { check: () => void; onLayer: (layers?: number) => void },
): Promise<Map<number, Measured>> {
  const found = new Map<number, Measured>();
  const ids = rows.map((row) => row.ids);
  for (const layers of layerChunks(rows.length, backend.shape)) {
    const features: Map<number, Features> = await backend.features(ids, { layers, pooling });
    onLayer(layers.length);
    for (const [layer, set] of features) {
      found.set(layer, await measureSet(backend, set, plan, check));
      features.delete(layer);
      onLayer();
    }
  }
  return found;
}

function stateOf(
  state: string,
  measured: ReadonlyMap<number, Measured>,
  surface: Measured,
  { prompts, design, categories }: MeasurePlan,
): State {
  const fixed = [...measured].map(([layer, each]) => ({ layer, ...each.fixed }));
  return {
    state,
    choice: choiceOf(fixed, surface.fixed, prompts, design.folds),
    curve: [...measured].map(([layer, { measures }]) => ({ layer, measures })),
    surface: surface.measures,
    categories: categories.map(({ category, members }, c) => ({
      category,
      prompts: members.length,
      aurocs: [...measured.values()].map((each) => each.categories[c]!),
    })),
  };
}

/** The layer of the rule of `layer: "auto"`, and why. */
function propose(
  measured: ReadonlyMap<number, Measured>,
  { choice }: State,
): SeparabilityFigures["proposal"] {
  const layers = measured.size;
  const fixed = [...measured].map(([layer, each]) => ({ layer, ...each.fixed }));
  const { plateau, best } = plateauOf(allowedOf(fixed, layers));
  const nested = [...measured].map(([layer, each]) => ({ layer, ...each.nested }));
  const unit = choice.heldOut === "category" ? "categories" : "matched pairs";
  const among =
    plateau.length === 1
      ? `no other layer's AUROC lies within one standard error (${figure(best.standardError)}) of its ${figure(best.auroc)}`
      : `it is the middle of the ${plateau.length} layers (${ranges(plateau)}) whose AUROC on ${unit} that the probe has not seen lies within one ` +
        `standard error (${figure(best.standardError)}) of the best, ${figure(best.auroc)} at layer ${best.layer}`;
  return {
    layer: choice.layer,
    plateau,
    highest: highestLayer(layers),
    nested: chooseLayer(nested, layers),
    reason:
      `ℓ = ${choice.layer} of ${layers}: ${among}. Layers beyond ${highestLayer(layers)} are left out, since they belong to the next word ` +
      "more than to the prompt.",
  };
}

/** Whole numbers in order as "3–5, 8". */
function ranges(numbers: readonly number[]): string {
  const runs: number[][] = [];
  for (const each of numbers) {
    const last = runs.at(-1);
    if (last !== undefined && each === last.at(-1)! + 1) last.push(each);
    else runs.push([each]);
  }
  return runs.map((run) => (run.length > 1 ? `${run[0]}–${run.at(-1)}` : `${run[0]}`)).join(", ");
}

function transferFigures({ prompts, transfer }: MeasurePlan): SeparabilityFigures["transfer"] {
  if (transfer === null) return null;
  const known = new Set(prompts.map(({ origin }) => origin));
  const sources = [...new Set(transfer.prompts.map(({ origin }) => origin))];
  return {
    prompts: transfer.prompts.length,
    leftOut: transfer.leftOut,
    categories: new Set(transfer.prompts.flatMap(({ kind }) => kind ?? [])).size,
    sources,
    unseenSource: sources.every((source) => !known.has(source)),
  };
}

/** What limits the proposal, and what speaks against it. */
function caveatsOf(
  { proposal, transfer, states }: SeparabilityFigures,
  { transfer: named, pooling }: Options,
  given: number,
): string[] {
  const { choice, curve } = states[0]!;
  const chosen = curve.find(({ layer }) => layer === proposal.layer)!.measures;
  const { nested } = proposal;
  return [
    ...layerCaveats(choice),
    ...(nested !== null && !proposal.plateau.includes(nested)
      ? [
          `Where the strength of the probe is chosen inside the training folds the same rule proposes layer ${nested}: the proposal depends ` +
            "on the strength. A sweep over the layer decides.",
        ]
      : []),
    ...(chosen.transfer !== null && !((chosen.transfer.lower ?? 0) > 0.5)
      ? [
          `Carried over to the transfer prompts the probe at layer ${proposal.layer} has an AUROC of ${figure(chosen.transfer.value)} ` +
            `[${figure(chosen.transfer.lower)}, ${figure(chosen.transfer.upper)}], which may be chance: what it reads may be of the contrast's own prompts.`,
        ]
      : []),
    ...(transfer !== null && !transfer.unseenSource
      ? [
          "Some transfer prompts come from a source of the contrast, so transfer to unseen sources is not shown.",
        ]
      : []),
    ...(transfer === null && given > 0
      ? [
          "There is no transfer figure: too few transfer prompts have words and categories that the contrast does not have, with both labels among them.",
        ]
      : []),
    ...(named.length > 0 && given === 0
      ? [
          `No prompt is of ${named.join(", ")}, so nothing was carried over. Check the spelling of "transfer".`,
        ]
      : []),
    ...(pooling === "mean"
      ? [
          'Features are means over the prompt; `layer: "auto"` reads the last token and may choose another layer.',
        ]
      : []),
    "Separability before training says where a difference can be read, not where training changes refusals most: a sweep over the layer does.",
  ];
}
