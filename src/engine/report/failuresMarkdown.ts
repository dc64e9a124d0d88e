import type { FailureCase } from "../../protocol/report/benchmark.ts";
import {
  evaluatedWords,
  failingOutcome,
  failureName,
  trainingWords,
} from "../../protocol/report/failureWords.ts";
import { methodName } from "../../protocol/report/methods.ts";
import type { Report } from "../../protocol/report/report.ts";
import { promptLine } from "../../wording/unseen.ts";
import { literal, table } from "./markdownText.ts";

/** The categories in which methods fail most, and the cases drawn from them with their neighbours; "" where nothing failed. */
export function failuresSection({ benchmark, methods, answers }: Report): string {
  const found = benchmark?.failures ?? [];
  if (found.length === 0) return "";
  const nameOf = (id: string) => methodName(methods, id);
  const prompts = new Map(
    answers.flatMap(({ results }) => results.map((one) => [keyOf(one), quoted(one.prompt)] as const)),
  );
  return [
    "## Failures by category",
    "The categories in which a method fails most, with its first seed, and of the cases drawn from them, which other methods fail in the same prompts.",
    byCategory(found, nameOf),
    "### Cases",
    "Beside each prompt the training prompts most like it, and what the method did with the suites' prompts most like it: its counterpart or the nearest prompt of the other side, and the nearest of its own side. Similarity is that of words and word trigrams (Jaccard).",
    table(
      [
        ...["method", "failure", "suite", "category", "prompt"],
        ...["most like it in training", "most like it in the suites", "others that fail in it"],
      ],
      found.map((one) => [
        nameOf(one.method),
        failureName(one.kind),
        one.suite,
        one.category ?? "–",
        prompts.get(keyOf(one)) ?? "–",
        listed(one.nearest.map((like) => `${quoted(like.prompt)} (${trainingWords(like)})`)),
        listed(
          (one.evaluated ?? []).map((like) => `${prompts.get(keyOf(like)) ?? "–"} (${evaluatedWords(like)})`),
        ),
        failingToo(one).map(nameOf).join(", ") || "none",
      ]),
    ),
  ].join("\n\n");
}

function byCategory(found: readonly FailureCase[], nameOf: (id: string) => string): string {
  const categories = Map.groupBy(found, ({ method, kind, suite, category }) =>
    JSON.stringify([method, kind, suite, category]),
  );
  const rows = [...categories.values()].map((cases) => {
    const { method, kind, suite, category, failed, of } = cases[0]!;
    const others = Map.groupBy(cases.flatMap(failingToo), (other) => other);
    const shared = [...others].map(([other, some]) => `${nameOf(other)} ${some.length}`).join(", ");
    return [
      nameOf(method),
      failureName(kind),
      suite,
      category ?? "–",
      `${failed} of ${of}`,
      `${cases.length}`,
      shared || "none",
    ];
  });
  return table(
    ["method", "failure", "suite", "category", "failed", "cases drawn", "of these, others fail in"],
    rows,
  );
}

/** Ids of the other methods that fail in the same prompt. */
function failingToo({ kind, others }: FailureCase): string[] {
  return others.filter(({ outcome }) => outcome === failingOutcome(kind)).map(({ method }) => method);
}

const keyOf = ({ suite, id }: { readonly suite: string; readonly id: string }) => JSON.stringify([suite, id]);

/** A prompt in a cell: its beginning where it is long; report.json has it whole. */
function quoted(prompt: string): string {
  return `"${literal(promptLine(prompt))}"`;
}

function listed(all: readonly string[]): string {
  return all.length === 0 ? "–" : all.join("; ");
}
