import { DiscernError } from "../protocol/errors.ts";
import type { Label } from "../protocol/label.ts";
import type { SourceInput } from "../protocol/source.ts";
import { countOf, isOrAre, placeOf, shortened, unknownLabels } from "./notices.ts";
import type { PromptRecord } from "./record.ts";
import { type Selected, type SelectOptions, selectPrompts } from "./select.ts";

/** What a source is read for: a key of a recipe's data, or a suite of an evaluation. */
export type Part =
  | "contrast"
  | "general"
  | "safety"
  | "helpful"
  | "panels.toxic"
  | "panels.seeminglyToxic"
  | "panels.general"
  | "steering.harmful"
  | "steering.harmless"
  | "steering.pseudoHarmful"
  | "steering.refusals"
  | "steering.answers"
  | "suite";

/** The label that the prompts of a part have; absent where a part has prompts of several. */
const ownLabels: Partial<Record<Part, Label>> = {
  general: "general",
  safety: "toxic",
  helpful: "seemingly_toxic",
  "panels.toxic": "toxic",
  "panels.seeminglyToxic": "seemingly_toxic",
  "panels.general": "general",
  "steering.harmful": "toxic",
  "steering.harmless": "general",
  "steering.pseudoHarmful": "seemingly_toxic",
  "steering.refusals": "toxic",
  "steering.answers": "general",
};

/** Parts whose prompts mean nothing with another label: those with their own are taken where a source does not say. */
const fixedParts: ReadonlySet<Part> = new Set([
  "panels.toxic",
  "panels.seeminglyToxic",
  "steering.harmful",
  "steering.pseudoHarmful",
]);

/** The key of a recipe that names the sources of a part. */
function keyOf(part: Part): string {
  const [steered, group] = part.split("steering.");
  return steered === "" ? `steering.data.${group}` : `data.${part}`;
}

/**
 * The prompts that a source gives to a part, and what is to be said of them:
 *
 * - the contrast takes prompts that are labelled toxic or seemingly toxic;
 * - a panel, and a steering's harmful and pseudo-harmful prompts, take those with their own label, where the source does not say which labels it takes;
 * - a suite takes those that are labelled, each once, and none that its file labels both ways.
 *
 * @throws DiscernError as `selectPrompts`; "dataset-empty" when the suite has no prompt with a label.
 */
export async function selectPart(
  part: Part,
  source: SourceInput,
  options: SelectOptions = {},
): Promise<Selected> {
  if (part === "contrast") return contrastOf(source.file, await selectPrompts(source, options));
  if (part === "suite") return suiteOf(source.file, await selectPrompts(source, options));
  const own = ownLabels[part];
  // The general panel may be of prompts that are merely safe: its figures are losses, and no rate.
  const found = await selectPrompts(source, options, fixedParts.has(part) ? own : undefined);
  return withForeign(part, source, found, own!);
}

function contrastOf(file: string, { records, notices }: Selected): Selected {
  const kept = records.filter(({ label }) => label === "toxic" || label === "seemingly_toxic");
  const general = records.filter(({ label }) => label === "general").length;
  const unlabelled = records.length - kept.length - general;
  const dropped = [
    ...(unlabelled > 0 ? [`${unlabelled} without a label`] : []),
    ...(general > 0 ? [`${general} labelled general`] : []),
  ];
  return {
    records: kept,
    notices: [
      ...notices,
      ...(dropped.length === 0
        ? []
        : [
            `The contrast does not use ${dropped.join(" and ")} of the ${countOf(records.length, "prompt")} of ${file}.`,
          ]),
      ...contradicting(file, kept).sentences,
    ],
  };
}

function suiteOf(file: string, { records, notices }: Selected): Selected {
  const labelled = records.filter(({ label }) => label !== undefined);
  if (labelled.length === 0) {
    throw new DiscernError(
      "dataset-empty",
      [
        `None of the ${countOf(records.length, "prompt")} of ${file} has a label, so nothing says which should be refused. Give the ` +
          'file a label column, or its source a "label".',
        ...unknownLabels(file, records),
      ].join(" "),
    );
  }
  const bare = records.filter(({ label, labelText }) => label === undefined && labelText === undefined);
  const { ids, sentences } = contradicting(file, labelled);
  const clear = labelled.filter(({ id }) => !ids.has(id));
  if (clear.length === 0) throw new DiscernError("dataset-empty", sentences.join(" "));
  const once = [...new Map(clear.toReversed().map((record) => [record.id, record])).values()].reverse();
  const repeated = clear.length - once.length;
  return {
    records: once,
    notices: [
      ...notices,
      ...(bare.length === 0
        ? []
        : [
            `${bare.length} of the ${countOf(records.length, "prompt")} of ${file} ${isOrAre(bare.length)} not evaluated: without a ` +
              `label nothing says whether they should be refused. The first: ${placeOf(file, bare[0]!.line)}.`,
          ]),
      ...sentences.map((sentence) => `${sentence} They are not evaluated.`),
      ...(repeated === 0
        ? []
        : [
            `${countOf(repeated, "row")} of ${file} repeat a prompt of an earlier row; each prompt is evaluated once.`,
          ]),
    ],
  };
}

/** Prompts that stand in a file both as toxic and as not toxic. */
function contradicting(
  file: string,
  records: readonly PromptRecord[],
): { ids: ReadonlySet<string>; sentences: string[] } {
  const firsts = new Map<string, PromptRecord>();
  const pairs = new Map<string, [PromptRecord, PromptRecord]>();
  for (const record of records) {
    const first = firsts.get(record.id);
    if (first === undefined) firsts.set(record.id, record);
    else if ((first.label === "toxic") !== (record.label === "toxic") && !pairs.has(record.id)) {
      pairs.set(record.id, [first, record]);
    }
  }
  const [pair] = pairs.values();
  if (pair === undefined) return { ids: new Set(), sentences: [] };
  const [first, second] = pair;
  return {
    ids: new Set(pairs.keys()),
    sentences: [
      `${countOf(pairs.size, "prompt")} of ${file} ${pairs.size === 1 ? "stands" : "stand"} there with labels that contradict each other. ` +
        `The first: ${shortened(first.prompt, 80)} is ${first.label} at ${placeOf(file, first.line)} and ${second.label} at ` +
        `${placeOf(file, second.line)}.`,
    ],
  };
}

/** Says that prompts of other labels are among those of a part that has one of its own. */
function withForeign(part: Part, source: SourceInput, { records, notices }: Selected, own: Label): Selected {
  const foreign = records.filter(({ label }) => label !== undefined && label !== own);
  const [first] = foreign;
  // Who names the labels of training prompts wants them; a panel of several labels has figures that mean neither.
  const isMeant = source.labels !== undefined && !part.startsWith("panels.");
  if (first === undefined || isMeant) return { records, notices };
  const { file } = source;
  return {
    records,
    notices: [
      ...notices,
      `${keyOf(part)}: ${foreign.length} of the ${countOf(records.length, "prompt")} of ${file} ${isOrAre(foreign.length)} labelled ` +
        `otherwise than ${own} and ${isOrAre(foreign.length)} used as they are. The first: ${placeOf(file, first.line)} is ${first.label}. ` +
        `Leave them out with "labels": ["${own}"].`,
    ],
  };
}
