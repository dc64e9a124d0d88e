import { refusalContract } from "../../../protocol/probe/refusal.ts";
import type { ProbeTable } from "../../../protocol/probe/result.ts";
import { shuffled, stream } from "../../../statistics/random.ts";
import { defineMeasurement, type ProbeRow } from "../definition.ts";
import { type RefusalScore, RefusalScorer } from "../refusal.ts";
import { tokenTrie } from "../tokenTrie.ts";

/** Refusal of each prompt at each state. Cost: a forward pass a prompt and state over its tokens and the trie's inner nodes. */
export const refusalByState = defineMeasurement(refusalContract, {
  plan({ prompts, openings, states }) {
    const nodes = tokenTrie(openings).nodes.length;
    const tokens = prompts.reduce((sum, { ids }) => sum + ids.length + nodes, 0);
    return {
      forwardPasses: prompts.length * states.length,
      backwardPasses: 0,
      forwardTokens: tokens * states.length,
      backwardTokens: 0,
      bytes: 0,
    };
  },
  async measure({ prompts, openings, states, options, seed, at, onProgress }) {
    const rows = prompts.map(({ ids }) => ids);
    const scores: RefusalScore[][] = [];
    for (const [i, state] of states.entries()) {
      const before = i * rows.length;
      const found = await at(state, ({ backend }) =>
        new RefusalScorer(backend, openings).score(rows, {
          onProgress: (done) => onProgress(before + done, rows.length * states.length),
        }),
      );
      scores.push(found);
    }
    return {
      figures: {
        states: states.map(({ name }, i) => ({
          state: name,
          groups: groupsOf(prompts, scores[i]!),
          gap: gapOf(prompts, scores[i]!, options.permutations, seed),
        })),
        probability: scores.map((each) => each.map(({ probability }) => probability)),
        logOdds: scores.map((each) => each.map(({ logOdds }) => logOdds)),
      },
      tables: [
        promptTable(
          prompts,
          states.map(({ name }) => name),
          scores,
        ),
      ],
      caveats: [
        "Only the openings that are named count as refusals, so the probability is a lower bound of that of any refusal.",
      ],
    };
  },
});

const groups = ["toxic", "seemingly_toxic", "general"] as const;

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function groupsOf(prompts: readonly ProbeRow[], scores: readonly RefusalScore[]) {
  return groups.flatMap((group) => {
    const own = scores.filter((_, i) => prompts[i]!.group === group);
    if (own.length === 0) return [];
    return {
      group,
      count: own.length,
      probability: mean(own.map(({ probability }) => probability)),
      logOdds: mean(own.map(({ logOdds }) => logOdds)),
    };
  });
}

/** The gap between the groups' mean log-odds, beside that of shuffled labels: a permutation test. */
function gapOf(
  prompts: readonly ProbeRow[],
  scores: readonly RefusalScore[],
  permutations: number,
  seed: number,
) {
  const both = scores.flatMap(({ logOdds }, i) => {
    const { group } = prompts[i]!;
    return group === "general" ? [] : [{ logOdds, isToxic: group === "toxic" }];
  });
  const toxic = both.filter(({ isToxic }) => isToxic).length;
  if (toxic === 0 || toxic === both.length) return null;
  const values = [...both]
    .sort((a, b) => Number(b.isToxic) - Number(a.isToxic))
    .map(({ logOdds }) => logOdds);
  const gap = (all: readonly number[]) => mean(all.slice(0, toxic)) - mean(all.slice(toxic));
  const value = gap(values);
  const random = stream(seed, "refusal probe", "labels");
  const chance = Array.from({ length: permutations }, () => gap(shuffled(values, random))).sort(
    (a, b) => a - b,
  );
  const quantile = (q: number) => chance[Math.round(q * (chance.length - 1))]!;
  const asFar = chance.filter((each) => Math.abs(each) >= Math.abs(value)).length;
  return {
    value,
    shuffled: {
      mean: mean(chance),
      lower: quantile(0.025),
      upper: quantile(0.975),
      // The labels as they are count as one of the shuffles (Phipson and Smyth 2010), so that p is never 0.
      p: (asFar + 1) / (permutations + 1),
    },
  };
}

function promptTable(
  prompts: readonly ProbeRow[],
  states: readonly string[],
  scores: readonly (readonly RefusalScore[])[],
): ProbeTable {
  return {
    id: "prompts",
    title: "Refusal of each prompt",
    columns: [
      { id: "state", title: "State", unit: null, description: "State of the model" },
      { id: "id", title: "Id", unit: null, description: "Hash of the prompt's words" },
      { id: "group", title: "Group", unit: null, description: "toxic, seemingly_toxic or general" },
      { id: "category", title: "Category", unit: null, description: "As the file has it" },
      { id: "probability", title: "Refusal probability", unit: null, description: "Sum over the openings" },
      { id: "log_odds", title: "Refusal log-odds", unit: "nats", description: "ln P − ln(1 − P)" },
    ],
    rows: states.flatMap((state, s) =>
      prompts.map(({ id, group, category }, i) => {
        const { probability, logOdds } = scores[s]![i]!;
        return [state, id, group, category ?? null, probability, logOdds];
      }),
    ),
  };
}
