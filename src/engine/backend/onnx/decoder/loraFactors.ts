import type { Adapter, LoraModule } from "../../../model/adapter.ts";
import type { Parameter } from "../../../model/weights.ts";
import { type LoraPlan, type LoraSpec, loraNames } from "./parameters.ts";

/** An adapter in the form in which a `LiveModel` attaches it: A (r, in) and B (out, r) of each module, by name. */
export function loraFactors(adapter: Adapter): { plan: LoraPlan; factors: Map<string, Parameter> } {
  const plan = new Map<string, LoraSpec>();
  const factors = new Map<string, Parameter>();
  for (const [module, { a, b, scale }] of adapter.modules) {
    const names = loraNames(module);
    plan.set(module, { rank: a.shape[0] as number, scale });
    factors.set(names.a, a);
    factors.set(names.b, b);
  }
  return { plan, factors };
}

/** The adapter that factors by name make; the inverse of {@link loraFactors}. */
export function adapterOf(plan: LoraPlan, factors: ReadonlyMap<string, Parameter>): Adapter {
  const modules = new Map<string, LoraModule>();
  for (const [module, { scale }] of plan) {
    const names = loraNames(module);
    modules.set(module, {
      a: factors.get(names.a) as Parameter,
      b: factors.get(names.b) as Parameter,
      scale,
    });
  }
  return { modules, baseModel: null };
}
