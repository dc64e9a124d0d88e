import type { MethodAnswers } from "../../protocol/report/answers.ts";
import { type Method, methodName } from "../../protocol/report/methods.ts";
import type { Series } from "../../protocol/report/training.ts";
import { methodStyles, styleCount } from "../ui/methodStyle.ts";

/** What the page knows of the answers of a method and seed without reading them. */
type Run = Pick<MethodAnswers, "method" | "seed">;

/** The style of a method: the same colour and shape wherever it is shown. */
export function styleOf(methods: readonly Pick<Method, "id" | "name">[], id: string): number {
  return styleNumber(methods, id) % styleCount;
}

/** As `styleOf`, beyond `styleCount` where colours repeat. */
export function styleNumber(methods: readonly Pick<Method, "id" | "name">[], id: string): number {
  const place = methods.findIndex((method) => method.id === id);
  return methodStyles(methods.map(({ name }) => name))[Math.max(0, place)] ?? 0;
}

/** What the answers of a method and seed are called; the seed is left out where there is only one. */
export function runTitle(
  { methods, answers }: { readonly methods: readonly Method[]; readonly answers: readonly Run[] },
  index: number,
): string {
  const { method, seed } = answers[index]!;
  const name = methodName(methods, method);
  return answers.filter((run) => run.method === method).length > 1 ? `${name}, seed ${seed}` : name;
}

/**
 * The two runs that a reader most wants to see side by side: one, the last where left out, and of the method before it the
 * run with the same seed.
 *
 * @returns two indices, equal where there is only one run
 */
export function defaultPair(
  answers: readonly Run[],
  right = answers.length - 1,
): [left: number, right: number] {
  const shown = answers[right];
  const others = answers.map((run, i) => ({ ...run, i })).filter(({ method }) => method !== shown?.method);
  const before = others.filter(({ i }) => i < right);
  const near = before.length > 0 ? before : others;
  const other = near.findLast(({ seed }) => seed === shown?.seed) ?? near.at(-1);
  return [other?.i ?? right, right];
}

/** The run of a method and seed; where that seed is missing or none is named, the first of the method. */
export function runIndex(answers: readonly Run[], method: string, seed: number | null): number {
  const exact = answers.findIndex((run) => run.method === method && run.seed === seed);
  return exact >= 0 ? exact : answers.findIndex((run) => run.method === method);
}

/** What each series is called: its method, with the seed where there are several. */
export function seriesTitles(methods: readonly Method[], series: readonly Series[]): (one: Series) => string {
  const several = new Set(series.map(({ seed }) => seed)).size > 1;
  return ({ method, seed }) => {
    const name = methodName(methods, method);
    return several ? `${name}, seed ${seed}` : name;
  };
}
