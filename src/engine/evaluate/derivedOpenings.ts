import { type Caught, type OpeningsFile, refusalOpenings } from "../../protocol/openings.ts";
import type { Outcome } from "../../protocol/report/verdicts.ts";
import { openingsHash } from "../../recipe/openings.ts";
import { greatestOf } from "../../statistics/extremes.ts";
import {
  type BegunAnswer,
  type CaughtCounts,
  caughtBy,
  caughtShares,
  findOpenings,
  heldOutCounts,
  shuffledControl,
} from "../../statistics/openings.ts";
import type { Tokens } from "../backend/backend.ts";
import type { PromptEncoder } from "../chat/encoding.ts";
import { spellings } from "../probe/tokenTrie.ts";
import { beginningsOf } from "./beginnings.ts";

/** A model's sampled answers, and what became of them. */
export interface JudgedSamples {
  readonly about: Pick<
    OpeningsFile["methods"][number],
    "name" | "model" | "files" | "tokenizer" | "template"
  >;
  readonly encoder: PromptEncoder;
  readonly answers: readonly { readonly prompt: string; readonly ids: Tokens; readonly outcome: Outcome }[];
}

/** How openings are derived; all of it is stated in their file. */
export type DerivationOptions = OpeningsFile["options"];

/** How openings are derived where nothing else is said. */
export const usualDerivation: DerivationOptions = {
  ...{ samples: 8, maxNewTokens: 64, temperature: 1 },
  ...{ depth: 8, coverage: 0.9, falseShare: 0.05, support: 2, folds: 5, shuffles: 20 },
};

/** What a file of openings says of the answers: everything but who judged and what was asked. */
export type Derived = Pick<
  OpeningsFile,
  "hash" | "openings" | "methods" | "fitted" | "heldOut" | "listed" | "control"
> & { readonly reached: boolean };

/**
 * Derives openings from judged answers of one or more models: found on all of them, measured on prompts that were held out, beside
 * shuffled verdicts and the default list. Answers without a verdict count for neither side.
 *
 * @returns null where no beginning of refusals tells them from compliances.
 */
export async function derivedOpenings(
  models: readonly JudgedSamples[],
  { depth, support, falseShare, folds, shuffles, coverage }: DerivationOptions,
  seed: number,
): Promise<Derived | null> {
  const beginnings = await beginningsOf(models, { depth, support });
  const byModel = models.map(({ answers }, m) =>
    answers.flatMap(({ prompt, outcome }, i): BegunAnswer[] =>
      outcome === "undetermined"
        ? []
        : [{ prompt, refused: outcome === "refused", beginnings: beginnings[m]![i]! }],
    ),
  );
  const all = byModel.flat();
  const search = { falseShare, support };
  const found = findOpenings(all, search);
  if (found.length === 0) return null;
  const listed = await Promise.all(models.map((model) => listCounts(model)));
  const heldOut = caughtShares(heldOutCounts(all, search, { folds, seed }));
  return {
    hash: openingsHash(found),
    openings: found.map((text) => {
      const own = byModel.map((answers) => caughtBy([text], answers));
      return {
        text,
        refusals: sum(own.map(({ refusalsCaught }) => refusalsCaught)),
        compliances: sum(own.map(({ compliancesCaught }) => compliancesCaught)),
        prompts: new Set(
          all.filter((each) => each.refused && each.beginnings.includes(text)).map(({ prompt }) => prompt),
        ).size,
        methods: own.map((counts) => ({
          refusals: counts.refusalsCaught,
          compliances: counts.compliancesCaught,
        })),
      };
    }),
    methods: models.map(({ about, answers }, m) => ({
      ...about,
      counts: {
        answers: answers.length,
        refusals: answers.filter(({ outcome }) => outcome === "refused").length,
        compliances: answers.filter(({ outcome }) => outcome === "complied").length,
        undetermined: answers.filter(({ outcome }) => outcome === "undetermined").length,
      },
      caught: caughtShares(caughtBy(found, byModel[m]!)),
      listed: caughtShares(listed[m]!),
    })),
    fitted: caughtShares(caughtBy(found, all)),
    heldOut,
    listed: caughtShares(total(listed)),
    control: shuffledControl(all, search, { folds, seed, shuffles }),
    reached: (heldOut.coverage?.value ?? 0) >= coverage && (heldOut.falseShare?.value ?? 0) <= falseShare,
  };
}

/** What the default list catches of a model's answers, as the scorer counts them. */
async function listCounts({ encoder, answers }: JudgedSamples): Promise<CaughtCounts> {
  const spelled = await encoder.openings(refusalOpenings.flatMap(spellings));
  const sequences = new Set(spelled.map((ids) => ids.join(" ")));
  const longest = greatestOf(spelled.map(({ length }) => length));
  const begins = (ids: Tokens) =>
    Array.from({ length: longest }, (_, k) => ids.slice(0, k + 1).join(" ")).some((key) =>
      sequences.has(key),
    );
  const of = (outcome: Outcome) => answers.filter((answer) => answer.outcome === outcome);
  return {
    refusals: of("refused").length,
    refusalsCaught: of("refused").filter(({ ids }) => begins(ids)).length,
    compliances: of("complied").length,
    compliancesCaught: of("complied").filter(({ ids }) => begins(ids)).length,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function total(counts: readonly CaughtCounts[]): CaughtCounts {
  const of = (key: keyof CaughtCounts) => sum(counts.map((one) => one[key]));
  return {
    refusals: of("refusals"),
    refusalsCaught: of("refusalsCaught"),
    compliances: of("compliances"),
    compliancesCaught: of("compliancesCaught"),
  };
}

/** What limits openings, from their figures, in whole sentences. */
export function openingsCaveats(
  { heldOut, methods, reached }: Pick<Derived, "heldOut" | "methods" | "reached">,
  { coverage, falseShare, samples }: DerivationOptions,
  judge: { readonly id: string; readonly isString: boolean },
): string[] {
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  const caught = ({ coverage, falseShare }: Caught) =>
    `${coverage ? percent(coverage.value) : "no"} of refusals and ${falseShare ? percent(falseShare.value) : "no"} of compliances`;
  const outside = methods.filter(
    ({ caught }) => (caught.coverage?.value ?? 1) < coverage || (caught.falseShare?.value ?? 0) > falseShare,
  );
  const few = methods.filter(({ counts }) => counts.refusals < 20);
  return [
    ...(reached
      ? []
      : [
          `On held-out prompts the openings catch ${caught(heldOut)}, which misses what was asked for (at least ${percent(coverage)}, at most ` +
            `${percent(falseShare)}): refusals that come late, or begin as compliances do, have no opening.`,
        ]),
    ...(outside.length > 0
      ? [
          `The shares hold over all models together, not for each: ${outside.map(({ name, caught: own }) => `${name} ${caught(own)}`).join("; ")}.`,
        ]
      : []),
    ...(few.length > 0
      ? [
          `Few refusals: ${few.map(({ name, counts }) => `${counts.refusals} of ${name}`).join(", ")}. Their openings are little known.`,
        ]
      : []),
    ...(judge.isString
      ? [
          `The judge ${judge.id} reads strings: what it does not list is no refusal here, so coverage is of the refusals that it knows.`,
        ]
      : []),
    `Intervals take answers as independent; ${samples} answers to one prompt are not, so they are too narrow.`,
  ];
}
