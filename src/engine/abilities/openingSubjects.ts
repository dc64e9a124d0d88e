import { basename, resolve } from "node:path";
import { contamination } from "../../dataset/hygiene.ts";
import { shortened } from "../../dataset/notices.ts";
import type { PromptRecord } from "../../dataset/record.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { Suite } from "../../protocol/suite.ts";
import { readSuite } from "../../recipe/suites.ts";
import { isRun, openRun } from "../../runFolder/folder.ts";
import type { AskOptions } from "./ask.ts";

/** A model or a run whose answers openings are derived from. */
export interface OpeningSubject {
  readonly name: string;
  readonly ask: AskOptions;
  /** What the run was evaluated on; nothing of a model alone. */
  readonly suites: readonly Suite[];
  readonly suiteFolder?: string | undefined;
}

/**
 * The models and runs that were named. A run is the model that it ended with, asked as its recipe says, with its inference-time method in
 * force.
 *
 * @param ask how models that are no runs are opened.
 * @throws DiscernError `run-invalid` for a damaged run; `request-invalid` for the same one twice.
 */
export async function openingSubjects(
  named: readonly string[],
  ask: Omit<AskOptions, "model">,
): Promise<OpeningSubject[]> {
  const subjects: OpeningSubject[] = [];
  for (const text of named) {
    const folder = resolve(ask.root, text);
    const subject = (await isRun(folder))
      ? await runSubject(folder, ask)
      : { name: basename(text), ask: { ...ask, model: text }, suites: [] };
    const taken = subjects.filter(
      ({ name }) => name === subject.name || name.startsWith(`${subject.name} (`),
    );
    if (subjects.some(({ ask }) => sameModel(ask, subject.ask))) {
      throw new DiscernError(
        "request-invalid",
        `${text} is named twice; its answers would count twice. Name it once.`,
      );
    }
    subjects.push(
      taken.length === 0 ? subject : { ...subject, name: `${subject.name} (${taken.length + 1})` },
    );
  }
  return subjects;
}

function sameModel(a: AskOptions, b: AskOptions): boolean {
  const key = ({ model, adapters, steering, root }: AskOptions) => [model, adapters ?? [], steering, root];
  return JSON.stringify(key(a)) === JSON.stringify(key(b));
}

async function runSubject(folder: string, ask: Omit<AskOptions, "model">): Promise<OpeningSubject> {
  const { recipe, manifest } = await openRun(folder);
  const { model, template, chat, stages, steering, evaluate } = recipe;
  return {
    name: manifest.name,
    ask: {
      ...ask,
      model: manifest.model.path,
      // What a run learned holds what it began with.
      adapters: stages.length > 0 ? [folder] : model.adapters,
      ...(steering && { steering: folder }),
      ...{ template, chat, root: manifest.recipe.root },
    },
    suites: evaluate.suites,
    suiteFolder: evaluate.suiteFolder,
  };
}

/**
 * Refuses prompts that a suite tests with: openings that were chosen by the answers to them would be tested on them.
 *
 * @param further suites beside those that the subjects were evaluated on.
 * @returns what is to be said of prompts that are nearly in a suite, in whole sentences.
 * @throws DiscernError `request-invalid` where a prompt is in a suite, word by word; the signal's reason.
 */
export async function refuseTested(
  prompts: readonly PromptRecord[],
  subjects: readonly OpeningSubject[],
  further: readonly Suite[],
  root: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const wanted = [
    ...subjects.flatMap(({ suites, suiteFolder, ask }) =>
      suites.map((suite) => ({ suite, options: { root: ask.root, suiteFolder } })),
    ),
    ...further.map((suite) => ({ suite, options: { root, suiteFolder: undefined } })),
  ];
  const notes: string[] = [];
  for (const { suite, options } of distinctSuites(wanted)) {
    const read = await readSuite(suite, options).catch((error: unknown) => {
      if (!(error instanceof DiscernError)) throw error;
      notes.push(
        `The suite ${suite.name} could not be read, so it is not known whether it has one of the prompts.`,
      );
      return null;
    });
    if (read === null || read.task === "choice") continue;
    const found = await contamination([{ part: "openings", records: prompts }], read.records, signal);
    const [closest] = found.closest;
    if (closest === undefined) continue;
    if (found.sameWords > 0) {
      throw new DiscernError(
        "request-invalid",
        `${found.sameWords} of the ${found.prompts} prompts of the suite ${suite.name} are among the prompts (the first: ` +
          `${shortened(closest.evaluation.prompt, 200)}). Openings must not be chosen by answers to what is tested: name training prompts, ` +
          "such as those of another split.",
      );
    }
    notes.push(
      `${found.near} of the ${found.prompts} prompts of the suite ${suite.name} are nearly among those that the openings were derived from.`,
    );
  }
  return notes;
}

/** Suites, each once: runs of one comparison share theirs. */
function distinctSuites<T>(suites: readonly T[]): T[] {
  return [...new Map(suites.map((each) => [JSON.stringify(each), each])).values()];
}
