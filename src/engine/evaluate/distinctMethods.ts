import type { MethodAnswers } from "../../protocol/report/answers.ts";
import { isUntrained, type Method, numbered } from "../../protocol/report/methods.ts";

/** The methods and answers of one report, and what belongs to them by method and seed. */
export interface ReportPart {
  /** Where it was read from, as a person named it. */
  readonly from?: string;
  readonly methods: readonly Method[];
  readonly answers: readonly MethodAnswers[];
  readonly series: readonly { readonly method: string; readonly seed: number }[];
}

/** The methods of several reports in one. */
export interface JoinedParts<P extends ReportPart> {
  readonly methods: Method[];
  /** The parts with ids that hold for `methods`; `series` beyond method and seed stays as it is. */
  readonly parts: P[];
  /** What a reader must know of it. */
  readonly notes: string[];
}

/**
 * Joins the methods of several reports. Runs of one method with different seeds are seeds of it. Of one method and seed they
 * are two methods: every figure is known by them, so one such run would stand for both, and the same seed twice is no second
 * draw of the training's luck. The later ones get a number behind their name, and nobody pools them as seeds. A method without
 * training that gave the same answers again is the same, whatever the seed, and is left out.
 *
 * @param parts reports in the order in which they are to be shown
 */
export function joinMethods<P extends ReportPart>(parts: readonly P[]): JoinedParts<P> {
  const joined = new Map<string, Method>();
  const used = new Set<string>();
  const known = new Set<string>();
  const changed: string[] = [];
  const found = parts.map((part) => {
    const ids = new Map<string, string[]>();
    const answers = part.answers.flatMap((one) => {
      const method = part.methods.find(({ id }) => id === one.method) ?? unknownMethod(one.method);
      if (isUntrained(method)) {
        const answered = JSON.stringify([
          method.id,
          one.results.map(({ suite, id, response }) => [suite, id, response]),
          one.choices?.map(({ suite, id, logLikelihoods }) => [suite, id, logLikelihoods]),
        ]);
        if (known.has(answered)) return [];
        known.add(answered);
      }
      let n = 1;
      while (used.has(keyOf(numbered(method.id, n), one.seed))) n++;
      const id = numbered(method.id, n);
      used.add(keyOf(id, one.seed));
      ids.set(keyOf(one.method, one.seed), [...(ids.get(keyOf(one.method, one.seed)) ?? []), id]);
      if (!joined.has(id)) joined.set(id, n > 1 ? { ...method, id, name: numbered(method.name, n) } : method);
      if (n > 1 && !isUntrained(method)) {
        const whose = part.from === undefined ? "another" : `${part.from}, another`;
        const { name } = joined.get(id)!;
        changed.push(`"${name}" is ${whose} run of name "${method.name}" and seed ${one.seed}`);
      }
      return [n > 1 ? { ...one, method: id } : one];
    });
    // The n-th series of a method and seed belongs to the n-th of its answers.
    const series = part.series.map((one) => {
      const [id = one.method, ...rest] = ids.get(keyOf(one.method, one.seed)) ?? [];
      if (rest.length > 0) ids.set(keyOf(one.method, one.seed), rest);
      return id === one.method ? one : { ...one, method: id };
    });
    return { ...part, answers, series };
  });
  const methods = [...joined.values()];
  return {
    methods,
    parts: found,
    notes: [
      ...(changed.length > 0
        ? [`${changed.join("; ")}: they are shown as methods of their own, not as seeds of one.`]
        : []),
      ...(methods.filter(isUntrained).length > 1
        ? ["The untrained models gave different answers: other models, prompts or settings were compared."]
        : []),
    ],
  };
}

/** A method that a report names and does not describe. */
function unknownMethod(id: string): Method {
  return { id, name: id, from: { kind: "unknown" }, stages: [], interventions: [] };
}

const keyOf = (method: string, seed: number) => `${seed} ${method}`;
