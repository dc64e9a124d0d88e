import { parse } from "jsonc-parser";
import * as z from "zod";
import { trains } from "../../protocol/benchmark.ts";
import { comparedMethods } from "../../protocol/comparedMethod.ts";
import { stageKindSchema } from "../../protocol/recipeStages.ts";
import { suitesSchema } from "../../protocol/suite.ts";
import { knownSuites } from "../../suites/registry.ts";
import type { Suggestion, TypedValue } from "../recipe/valueAt.ts";
import { judgeChoices } from "./newBenchmark.ts";

/**
 * The names that can stand at a value of a recipe, or of a file that describes several runs: ids of suites and judges, and, where a benchmark
 * names a method or suite of its own, those. Nothing for any other place.
 *
 * @param text of the file, which may be no whole JSON yet
 */
export function namesAt(text: string, { path }: Pick<TypedValue, "path">): readonly Suggestion[] {
  const inner = path[0] === "recipe" ? path.slice(1) : path;
  const place = inner.map((key) => (typeof key === "number" ? "#" : key)).join(".");
  if (/^(evaluate\.|tuning\.)?suites\.#(\.suite)?$/.test(place)) return suites;
  if (/^(evaluate\.)?judges\.#$/.test(place)) return judges;
  const own = path[1];
  switch (path.map((key) => (typeof key === "number" ? "#" : key)).join(".")) {
    case "reference":
      return suggested(methodsOf(text).filter(({ controlOf }) => controlOf === undefined));
    case "methods.#.on":
      return suggested(
        methodsOf(text).filter((method, i) => i !== own && method.steering === undefined && trains(method)),
      );
    case "methods.#.controlOf":
      return suggested(methodsOf(text).filter(({ steering }, i) => i !== own && steering !== undefined));
    case "methods.#.control.suites.#":
      return namedSuites(text);
    default:
      return [];
  }
}

const suites = knownSuites
  .filter(({ task }) => task !== "training")
  .map(({ id, title }): Suggestion => ({ name: id, description: title }));

const judges = judgeChoices.flatMap(({ judge, about }): Suggestion[] =>
  typeof judge === "string" ? [{ name: judge, description: about }] : [],
);

/** A method that is being written: what it says that can be read. */
const writtenMethod = z
  .object({
    name: z.string().catch(""),
    stages: z.array(stageKindSchema).optional().catch(undefined),
    on: z.string().optional().catch(undefined),
    controlOf: z.string().optional().catch(undefined),
    steering: z
      .object({ type: z.string().catch("") })
      .optional()
      .catch(undefined),
  })
  .catch({ name: "" });
type WrittenMethod = z.infer<typeof writtenMethod>;

/** The methods of a file in their places; those of every benchmark where it has none yet. */
function methodsOf(text: string): WrittenMethod[] {
  const { methods = comparedMethods } = written(text);
  return Array.isArray(methods) ? methods.map((method) => writtenMethod.parse(method)) : [];
}

function suggested(methods: readonly WrittenMethod[]): Suggestion[] {
  return methods.flatMap(({ name, steering, on, stages }): Suggestion[] => {
    if (name === "") return [];
    const what = steering?.type ?? (stages && (stages.join(" → ") || "no stages"));
    return [{ name, description: [what, on && `on ${on}`].filter(Boolean).join(" ") }];
  });
}

/** The suites of a benchmark by their names in its report; none while its list has a fault. */
function namedSuites(text: string): Suggestion[] {
  const { data = [] } = suitesSchema.safeParse(written(text).suites);
  return data.map(({ name }) => ({ name, description: "suite of this benchmark" }));
}

/** The file as far as it can be read. */
function written(text: string): { readonly methods?: unknown; readonly suites?: unknown } {
  const value: unknown = parse(text);
  return typeof value === "object" && value !== null ? value : {};
}
