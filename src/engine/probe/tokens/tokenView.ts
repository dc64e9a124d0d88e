import { DiscernError } from "../../../protocol/errors.ts";
import type { OptionsOf } from "../../../protocol/probe/contract.ts";
import type { ProbeTable } from "../../../protocol/probe/result.ts";
import {
  type DirectionKind,
  directionKinds,
  type TokensFigures,
  tokensContract,
  type ViewedToken,
} from "../../../protocol/probe/tokens.ts";
import type { Features, Tokens } from "../../backend/backend.ts";
import { sharedPrefixLength } from "../../backend/sharedPrefix.ts";
import type { ModelTokenizer } from "../../tokenizer/tokenizer.ts";
import { defineMeasurement, type ProbeContext, type ProbeQuestion, type ProbeRow } from "../definition.ts";
import { align } from "./align.ts";
import { cosine, fitDirections, type LayerDirections, project } from "./directions.ts";

type Options = OptionsOf<typeof tokensContract>;
type Context = ProbeContext<Options>;
type State = TokensFigures["states"][number];

/** Below so many prompts of a group a difference of means is mostly noise, which is said. */
const fewPrompts = 16;

/**
 * Projection of a prompt and its counterpart on the refusal direction, by layer and token. Cost: a forward pass of every layer for each
 * training prompt and each of the two, at every state.
 */
export const tokenView = defineMeasurement(tokensContract, {
  plan(question) {
    const { shape, states, options } = question;
    const { viewed, toxic, against } = chosen(question);
    const rows = [...viewed, ...toxic, ...against];
    const tokens = viewed.reduce((sum, { ids }) => sum + ids.length, 0);
    return {
      forwardPasses: rows.length * states.length,
      backwardPasses: 0,
      forwardTokens: rows.reduce((sum, { ids }) => sum + ids.length, 0) * states.length,
      backwardTokens: 0,
      // Means of every set in float64, directions, and the hidden states of a chunk and of the two prompts.
      bytes: shape.layers * shape.hiddenSize * (8 * (4 + 4 * options.draws) + 4 * (32 + tokens)),
    };
  },
  async measure(context) {
    const { states, at, onProgress, options } = context;
    const picked = chosen(context);
    const { viewed, toxic, against, group } = picked;
    const view = viewOf(context, viewed);
    let tokens: TokensFigures["prompts"] | undefined;
    let first: readonly LayerDirections[] | undefined;
    const found: State[] = [];
    for (const [i, state] of states.entries()) {
      const own = await at(state, async ({ backend, tokenizer }) => {
        tokens ??= await viewedPrompts(tokenizer, viewed, view);
        const isFitted = first === undefined || options.fit === "each";
        const fitted = isFitted
          ? await fitDirections(
              backend,
              { toxic: idsOf(toxic), against: idsOf(against) },
              { ...options, seed: context.seed },
            )
          : first!;
        first ??= fitted;
        const layers = fitted.map((_, k) => k + 1);
        const positions = viewed.map(({ ids }) => range(view.skipped, ids.length));
        const hidden = await backend.features(idsOf(viewed), { layers, pooling: { positions } });
        return stateOf(state.name, fitted, first, hidden, tokens);
      });
      found.push(own);
      onProgress(i + 1, states.length);
    }
    const figures: TokensFigures = {
      against: group,
      fitted: { toxic: toxic.length, against: against.length },
      fit: options.fit,
      columns: view.count,
      skipped: view.skipped,
      prompts: tokens!,
      draws: options.draws,
      states: found,
    };
    return { figures, tables: tables(figures), caveats: caveatsOf(figures) };
  },
});

function idsOf(rows: readonly ProbeRow[]): Tokens[] {
  return rows.map(({ ids }) => ids);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, k) => from + k);
}

/**
 * The prompts that are looked at, and those that the direction is fitted on: the two are never among them, nor are others of their words.
 *
 * @throws DiscernError `request-invalid` for a pair or prompts that there are not; `group-too-small`.
 */
function chosen({ prompts, options }: Pick<ProbeQuestion<Options>, "prompts" | "options">) {
  const viewed = viewedRows(prompts, options);
  const words = new Set(viewed.map(({ id }) => id));
  const pairs = new Set(viewed.flatMap(({ pair }) => pair ?? []));
  const rest = prompts.filter(({ id, pair }) => !words.has(id) && !(pair !== undefined && pairs.has(pair)));
  const of = (group: ProbeRow["group"]) => rest.filter((row) => row.group === group);
  const general = of("general");
  const group =
    options.against === "auto"
      ? general.length >= fewPrompts
        ? ("general" as const)
        : ("seemingly_toxic" as const)
      : options.against;
  const [toxic, against] = [of("toxic"), of(group)];
  if (toxic.length < 2 || against.length < 2) {
    throw new DiscernError(
      "group-too-small",
      `The direction needs two toxic and two ${group.replace("_", " ")} prompts beside those that are looked at; there are ` +
        `${toxic.length} and ${against.length}. Give more prompts, or another "against".`,
    );
  }
  return { viewed, toxic, against, group };
}

function viewedRows(prompts: readonly ProbeRow[], { pair, prompts: ids }: Options): ProbeRow[] {
  if (ids.length > 0) {
    return ids.map((id) => {
      const found = prompts.find((row) => row.id === id || row.prompt.trim() === id.trim());
      if (found) return found;
      throw new DiscernError(
        "request-invalid",
        `None of the prompts has the id or the words ${JSON.stringify(id)}, which "prompts" names.`,
      );
    });
  }
  const of = (group: ProbeRow["group"], name: string) =>
    prompts.find((row) => row.group === group && row.pair === name);
  const names = pair === "" ? prompts.flatMap((row) => row.pair ?? []) : [pair];
  for (const name of names) {
    const both = [of("toxic", name), of("seemingly_toxic", name)];
    if (both.every((row) => row !== undefined)) return both;
  }
  throw new DiscernError(
    "request-invalid",
    pair === ""
      ? 'There is no matched pair among the prompts. Name one or two prompts by "prompts", by their ids or words.'
      : `There is no matched pair "${pair}" with a toxic and a seemingly toxic prompt.`,
  );
}

/** Which tokens are shown, and where. */
interface View {
  /** Tokens that all prompts begin with: the template's. */
  readonly skipped: number;
  /** Tokens that all prompts end with. */
  readonly suffix: number;
  readonly columns: readonly (readonly number[])[];
  readonly count: number;
}

function viewOf({ prompts }: Context, viewed: readonly ProbeRow[]): View {
  const all = idsOf(prompts);
  const skipped = sharedPrefixLength(all);
  const suffix = sharedPrefixLength(all.map((ids) => ids.slice(skipped).reverse()));
  const { columns, count } = align(viewed.map(({ ids }) => ids.slice(skipped)));
  return { skipped, suffix, columns, count };
}

async function viewedPrompts(
  tokenizer: ModelTokenizer,
  viewed: readonly ProbeRow[],
  { skipped, suffix, columns }: View,
): Promise<TokensFigures["prompts"]> {
  const found: TokensFigures["prompts"] = [];
  for (const [p, { id, prompt, group, ids }] of viewed.entries()) {
    const texts = await tokenTexts(tokenizer, ids);
    const tokens = range(skipped, ids.length).map(
      (i, k): ViewedToken => ({
        id: ids[i]!,
        text: texts[i]!,
        column: columns[p]![k]!,
        own: i < ids.length - suffix,
      }),
    );
    found.push({ id, prompt, group, tokens });
  }
  return found;
}

/** What each token adds to the text before it; its spelling in the vocabulary where it is no text of its own. */
async function tokenTexts(tokenizer: ModelTokenizer, ids: Tokens): Promise<string[]> {
  const texts: string[] = [];
  let before = "";
  for (const [i, id] of ids.entries()) {
    const text = await tokenizer.decode(ids.slice(0, i + 1), { skipSpecial: false });
    const added = text.startsWith(before) ? text.slice(before.length) : "";
    texts.push(added === "" || added.includes("\uFFFD") ? (tokenizer.token(id) ?? `#${id}`) : added);
    before = text;
  }
  return texts;
}

function stateOf(
  state: string,
  fitted: readonly LayerDirections[],
  first: readonly LayerDirections[],
  hidden: ReadonlyMap<number, Features>,
  prompts: TokensFigures["prompts"],
): State {
  const lengths = prompts.map(({ tokens }) => tokens.length);
  const own = prompts.flatMap(({ tokens }) => tokens.map((token) => token.own));
  /** By kind, draw and layer the projections of all tokens, the first prompt's before the second's. */
  const projected = (kind: DirectionKind) => {
    const draws = kind === "refusal" ? 1 : fitted[0]!.random.length;
    return Array.from({ length: draws }, (_, d) =>
      fitted.map((at, k) => {
        const direction = kind === "refusal" ? at.refusal : at[kind][d]!;
        return project(hidden.get(k + 1)!.data, at, direction);
      }),
    );
  };
  const all = directionKinds.map(({ id }) => ({ id, draws: projected(id) }));
  const size = (draws: readonly (readonly number[][])[], layer: number) => {
    const squares = draws.flatMap((each) => each[layer]!.filter((_, t) => own[t]).map((x) => x * x));
    return Math.sqrt(squares.reduce((sum, x) => sum + x, 0) / squares.length);
  };
  return {
    state,
    layers: fitted.map(({ distance, refusal, shuffledLength }, k) => ({
      layer: k + 1,
      distance,
      cosine: cosine(refusal, first[k]!.refusal),
      shuffledLength,
      size: Object.fromEntries(all.map(({ id, draws }) => [id, size(draws, k)])) as Record<
        DirectionKind,
        number
      >,
    })),
    maps: all.flatMap(({ id: kind, draws }) =>
      lengths.map((length, prompt) => {
        const from = prompt === 0 ? 0 : lengths[0]!;
        return { kind, prompt, values: draws[0]!.map((each) => each.slice(from, from + length)) };
      }),
    ),
  };
}

function tables({ states, prompts }: TokensFigures): ProbeTable[] {
  const column = (id: string, title: string, description: string, unit: string | null = null) => ({
    ...{ id, title, unit, description },
  });
  const half = "half the distance of the means";
  return [
    {
      id: "projections",
      title: "Projections by layer and token",
      columns: [
        column("state", "State", "State of the run"),
        column("direction", "Direction", "What is projected on; of controls the first draw"),
        column("group", "Group", "Group of the prompt"),
        column("layer", "Layer", "ℓ: the number of layers computed"),
        column("position", "Position", "Of the token among those shown, from 1"),
        column("token", "Token", "As the tokenizer splits the text"),
        column(
          "value",
          "Projection",
          "+1 is the mean of the toxic training prompts, −1 that of the others",
          half,
        ),
      ],
      rows: states.flatMap(({ state, maps }) =>
        maps.flatMap(({ kind, prompt, values }) =>
          values.flatMap((row, k) =>
            row.map((value, t) => {
              const { group, tokens } = prompts[prompt]!;
              return [state, kind, group, k + 1, t + 1, tokens[t]!.text, value];
            }),
          ),
        ),
      ),
    },
    {
      id: "directions",
      title: "Directions by layer",
      columns: [
        column("state", "State", "State of the run"),
        column("layer", "Layer", "ℓ: the number of layers computed"),
        column("distance", "Distance of the means", "Length of the refusal direction"),
        column("cosine", "Cosine with the first state's", "Of this state's refusal direction"),
        column("shuffled_length", "Length with shuffled labels", "Mean over the draws, over the distance"),
        ...directionKinds.map(({ id, title }) =>
          column(
            `size_${id}`,
            `${title}, size`,
            "Root mean square over the prompts' own tokens and all draws",
            half,
          ),
        ),
      ],
      rows: states.flatMap(({ state, layers }) =>
        layers.map(({ layer, distance, cosine: along, shuffledLength, size }) => [
          ...[state, layer, distance, along, shuffledLength],
          ...directionKinds.map(({ id }) => size[id]),
        ]),
      ),
    },
  ];
}

function caveatsOf({ fitted, against, states, fit }: TokensFigures): string[] {
  const few = Math.min(fitted.toxic, fitted.against);
  const { layers } = states[0]!;
  const weak = layers
    .filter(({ shuffledLength }) => !((shuffledLength ?? 1) < 0.5))
    .map(({ layer }) => layer);
  return [
    "A projection says what can be read along a direction, not what the model does with it: ablating or adding the direction does.",
    ...(few < fewPrompts
      ? [
          `The direction is fitted on ${fitted.toxic} toxic and ${fitted.against} other prompts, which is few: much of it is those prompts' own.`,
        ]
      : []),
    ...(weak.length > 0
      ? [
          `At ${weak.length} of ${layers.length} layers the difference of means is less than twice as long as with shuffled labels ` +
            `(${weak.slice(0, 8).join(", ")}${weak.length > 8 ? ", …" : ""}): its direction there is mostly chance.`,
        ]
      : []),
    ...(against === "seemingly_toxic"
      ? [
          "The direction is that from seemingly toxic to toxic prompts, not from general ones: it tells the groups of the contrast apart.",
        ]
      : []),
    ...(states.length > 1
      ? [
          fit === "each"
            ? "Every state has a direction and a unit of its own, so values of two states compare positions between the means and not distances."
            : "All states are projected on the direction of the first, in its unit: what training turned away from it is not seen.",
        ]
      : []),
  ];
}
