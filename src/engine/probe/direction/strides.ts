/** What training did between two states of a run, and the change along the way, to first order. */

import type { Backend, Learned } from "../../backend/backend.ts";
import { type Adapter, addUpdate, scaledAdapter } from "../../model/adapter.ts";
import { loadModel } from "../../model/load.ts";
import { memoryTensor, type Parameter, type Weights } from "../../model/weights.ts";
import { refusalPoints } from "../refusalGradient.ts";
import { tokenTrie } from "../tokenTrie.ts";
import type { Asked } from "./steps.ts";

/** What a state has learned, kept when its session is gone. */
export type Kept = readonly (
  | { readonly method: "lora"; readonly adapter: Adapter }
  | { readonly method: "full"; readonly weights: ReadonlyMap<string, Parameter> }
)[];

/** Copies what was learned out of a session. Adapters lie in host memory; whole weights may lie in files or with the backend. */
export async function keepLearned(learned: readonly Learned[]): Promise<Kept> {
  return Promise.all(
    learned.map(async (each) => {
      if (each.method === "lora") return each;
      const weights = new Map<string, Parameter>();
      for (const [name, tensor] of each.weights) {
        weights.set(name, { shape: tensor.shape, data: Float32Array.from(await tensor.float32()) });
      }
      return { method: "full" as const, weights };
    }),
  );
}

/**
 * ∇RS(x′)·Δθ for each prompt, where Δθ is what the weights of a later state have more than those of this one: the derivative of the
 * refusal log-odds along the way, by a central difference over ± `share` of it. It holds for any optimiser. Cost: two forward
 * passes a prompt.
 *
 * The model stands at this state when it is called, and again, to rounding, when it returns.
 *
 * @param model folder of the model that the run began with.
 */
export async function changeAlongTheWay(
  backend: Backend,
  { prompts, openings }: Asked,
  { from, to, model, share }: { from: Kept; to: Kept; model: string; share: number },
  onProgress: (done: number) => void,
): Promise<number[]> {
  const move = await mover(backend, from, to, model);
  const trie = tokenTrie(openings);
  await move(share);
  const ahead = await refusalPoints(backend, prompts, trie, onProgress);
  await move(-share);
  const behind = await refusalPoints(backend, prompts, trie, (done) => onProgress(prompts.length + done));
  await move(0);
  return ahead.map(({ logOdds }, i) => (logOdds - behind[i]!.logOdds) / (2 * share));
}

/** @returns what moves the model to a share of the way from one state to another. */
async function mover(
  backend: Backend,
  from: Kept,
  to: Kept,
  model: string,
): Promise<(share: number) => Promise<void>> {
  let common = 0;
  while (common < Math.min(from.length, to.length) && sameLearned(from[common]!, to[common]!)) common++;
  const [less, more] = [from.slice(common), to.slice(common)];
  if ([...less, ...more].every(({ method }) => method === "lora")) {
    let at = 0;
    return async (share) => {
      for (const [sign, some] of [
        [1, more],
        [-1, less],
      ] as const) {
        for (const each of some) {
          if (each.method !== "lora") continue;
          await backend.adopt({ method: "lora", adapter: scaledAdapter(each.adapter, sign * (share - at)) });
        }
      }
      at = share;
    };
  }
  const names = new Set([...less, ...more].flatMap((each) => [...changedBy(each)]));
  // Read anew: the weights of a session have what was learned in them.
  const { weights: base } = await loadModel(model);
  const [start, end] = [await weightsOf(base, from, names), await weightsOf(base, to, names)];
  return async (share) => {
    const weights = [...start].map(([name, { shape, data }]) => {
      const goal = end.get(name)!.data;
      const moved = Float32Array.from(data, (x, i) => x + share * (goal[i]! - x));
      return [name, memoryTensor({ shape, data: moved })] as const;
    });
    await backend.adopt({ method: "full", weights: new Map(weights) });
  };
}

/** Names of the weights that something learned changes. */
function changedBy(each: Kept[number]): Iterable<string> {
  return each.method === "full"
    ? each.weights.keys()
    : [...each.adapter.modules.keys()].map((module) => `${module}.weight`);
}

/** Weights with what was learned in them, in float32. */
async function weightsOf(
  base: Weights,
  learned: Kept,
  names: ReadonlySet<string>,
): Promise<Map<string, Parameter>> {
  const found = new Map<string, Parameter>();
  for (const name of names) {
    const tensor = base.get(name)!;
    const data = Float32Array.from(await tensor.float32());
    for (const each of learned) {
      if (each.method === "full") {
        const whole = each.weights.get(name);
        if (whole) data.set(whole.data);
        continue;
      }
      const lora = each.adapter.modules.get(name.replace(/\.weight$/, ""));
      if (lora) addUpdate(data, lora);
    }
    found.set(name, { shape: tensor.shape, data });
  }
  return found;
}

function sameLearned(a: Kept[number], b: Kept[number]): boolean {
  const same = (x: Parameter | undefined, y: Parameter | undefined) =>
    x !== undefined && y !== undefined && Buffer.compare(bytes(x), bytes(y)) === 0;
  if (a.method === "full" && b.method === "full") {
    return (
      a.weights.size === b.weights.size && [...a.weights].every(([name, x]) => same(x, b.weights.get(name)))
    );
  }
  if (a.method !== "lora" || b.method !== "lora") return false;
  const others = b.adapter.modules;
  return (
    a.adapter.modules.size === others.size &&
    [...a.adapter.modules].every(([name, x]) => {
      const y = others.get(name);
      return same(x.a, y?.a) && same(x.b, y?.b) && x.scale === y?.scale;
    })
  );
}

function bytes({ data }: Parameter): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
