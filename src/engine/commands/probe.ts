import { resolve } from "node:path";
import type { Command } from "commander";
import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import type { ProbeContract } from "../../protocol/probe/contract.ts";
import { probeContracts } from "../../protocol/probe/probes.ts";
import { type ProbeRequest, planWords, probeRequestSchema } from "../../protocol/probe/request.ts";
import type { ProbeResult } from "../../protocol/probe/result.ts";
import { spentSentence } from "../../protocol/spent.ts";
import { isRun } from "../../runFolder/folder.ts";
import { writeProbeCsv } from "../../runFolder/probeFile.ts";
import { greatestOf } from "../../statistics/extremes.ts";
import { counted, duration } from "../../wording/numbers.ts";
import { parseSource } from "../abilities/evaluate.ts";
import { measureProbe, planProbe } from "../abilities/probe.ts";
import { probeOf } from "../probe/probes.ts";
import { stopOnSignals } from "../run/stop.ts";
import { askOptions, type ModelFlags, progressBar, say, sayAll, show, withModel } from "./shell.ts";

/** Flags of a command that measures a probe. */
export interface ProbeFlags extends ModelFlags {
  readonly state: string[];
  readonly set: string[];
  readonly training: string[];
  readonly openings?: string;
  readonly seed?: number;
  readonly plan: boolean;
  readonly out?: string;
  readonly csv?: string;
}

const repeated = (each: string, all: string[]) => [...all, each];

export function addProbe(program: Command): void {
  withModel(program.command("probe"))
    .argument("[probe]", "id of the probe; all are listed where left out")
    .argument("[model]", "model folder, GGUF file, name of a pulled model, or run folder")
    .argument(
      "[prompts...]",
      "prompt files with labels, in place of a run's monitored prompts; FILE?split=test&label=toxic&limit=100 takes some of a file's rows",
    )
    .description("measure a figure of the laboratory on a model or on the states of a run")
    .option("--state <state>", "state of the run, such as stage-0; may be repeated", repeated, [])
    .option("--set <key=value>", "option of the probe; may be repeated", repeated, [])
    .option(
      "--training <file>",
      "training pairs, in place of the run's; may be repeated, for probes that take gradients of them",
      repeated,
      [],
    )
    .option("--openings <file>", "openings that were derived by discern openings")
    .option("--seed <number>", "seed of random draws; that of the run, or 0, where left out", Number)
    .option("--plan", "print what would be computed and how long it takes, and exit", false)
    .option(
      "--out <file>",
      "file of the result, which ends in .probe.json; in the run's folder where left out",
    )
    .option("--csv <folder>", "also write the tables as CSV files into a folder")
    .option("--json", "one JSON document on stdout", false)
    .action(
      async (probe: string | undefined, model: string | undefined, prompts: string[], flags: ProbeFlags) => {
        if (probe === undefined) return list(flags);
        const { contract } = probeOf(probe);
        if (model === undefined) return describe(contract, flags);
        const request = await requestOf(contract, model, prompts, flags);
        await measureAsked(contract, request, flags);
      },
    );
}

/**
 * Says what a probe would compute, or measures it, as the flags say.
 *
 * @param words of the result, in place of those that every probe has.
 */
export async function measureAsked(
  { title }: ProbeContract,
  request: ProbeRequest,
  flags: ProbeFlags,
  words: (result: ProbeResult) => string = resultWords,
): Promise<void> {
  const planned = await planProbe(request);
  if (flags.plan) {
    sayAll(planned.notices);
    return show(
      flags,
      planned,
      () => `${planWords(planned.plan, planned.seconds)}\n${subjectWords(planned)}`,
    );
  }
  say(`${title}: ${planWords(planned.plan, planned.seconds)}`);
  await measured(request, flags, words);
}

/** What every result says of itself. */
function resultWords({ title, states, cost, tables }: ProbeResult): string {
  return [
    `${title} at ${states.map(({ name }) => name).join(", ")}, in ${duration(cost.seconds)}`,
    ...tables.map(({ title: named, rows }) => `  ${named}: ${counted(rows.length, "row")}`),
    ...(cost.services ?? []).map((spent) => `  ${spentSentence(spent)}`),
  ].join("\n");
}

/** Measures, until a signal ends it: nothing is written then. */
async function measured(
  request: ProbeRequest,
  flags: ProbeFlags,
  words: (result: ProbeResult) => string,
): Promise<void> {
  const cancelled = new AbortController();
  const release = stopOnSignals((signal) => {
    say(`${signal}: ending after this batch; nothing is written. A second signal ends at once.`);
    cancelled.abort(new Error("cancelled"));
  });
  const bar = progressBar("Measuring");
  const { onProgress: onReading, onStatus, onMeasuring, onDevice, onWarning } = askOptions("", flags);
  try {
    const { file, result } = await measureProbe(request, flags.out, {
      onProgress: bar,
      signal: cancelled.signal,
      opening: { onProgress: onReading, onStatus, onMeasuring, onDevice, onWarning },
    });
    const csv = flags.csv === undefined ? [] : await writeProbeCsv(resolve(flags.csv), file, result);
    show(flags, { file, csv, result }, () =>
      [words(result), ...result.caveats.map((caveat) => `  ${caveat}`), ...[file, ...csv]].join("\n"),
    );
  } catch (error) {
    if (!cancelled.signal.aborted) throw error;
    process.exitCode = 130;
  } finally {
    release();
  }
}

/**
 * The request of a command line.
 *
 * @throws DiscernError `request-invalid` that names the flag.
 */
export async function requestOf(
  contract: ProbeContract,
  model: string,
  prompts: readonly string[],
  flags: ProbeFlags,
): Promise<ProbeRequest> {
  const { model: _, adapters, root, template, chat, threads, memory, torch } = askOptions(model, flags);
  const sources = (texts: readonly string[]) => texts.map((text) => parseSource(text).source);
  if (flags.seed !== undefined && !(Number.isSafeInteger(flags.seed) && flags.seed >= 0)) {
    throw new DiscernError("request-invalid", `--seed ${flags.seed}: give a whole number from 0 on.`);
  }
  const ofRun = await isRun(model);
  if (ofRun && (flags.adapter.length > 0 || flags.steering !== undefined)) {
    throw new DiscernError(
      "request-invalid",
      "The states of a run are measured as the run trained them, without further adapters or methods. Leave --adapter and --steering out; the run's " +
        "own inference-time method is in force at --state steered.",
    );
  }
  if (!ofRun && flags.state.length > 0) {
    throw new DiscernError(
      "request-invalid",
      `${model} is not a run folder, so it has no states. Leave --state out, or name a run.`,
    );
  }
  const { backend, device } = flags;
  const subject = ofRun
    ? {
        kind: "run",
        folder: model,
        ...(flags.state.length > 0 && { states: flags.state }),
        ...(backend && { backend }),
        ...(device && { device }),
      }
    : {
        kind: "model",
        model: { base: model, adapters },
        ...{ backend, device, template, chat, threads, memory, torch },
        ...(flags.steering !== undefined && { steering: flags.steering }),
      };
  const asked = {
    ...{ probe: contract.id, options: optionsOf(contract, flags.set), root, subject },
    ...{ prompts: sources(prompts), training: sources(flags.training) },
    ...{ seed: flags.seed, openings: flags.openings },
  };
  const found = probeRequestSchema.safeParse(asked);
  if (found.success) return found.data;
  throw new DiscernError("request-invalid", z.prettifyError(found.error));
}

/** `key=value` each: a value is JSON where it is that, else a text. @throws DiscernError `request-invalid`. */
function optionsOf({ id, options }: ProbeContract, changes: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    changes.map((change) => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(change) ?? [];
      if (key !== undefined && Object.hasOwn(options.shape, key)) return [key, optionValue(value!)];
      const known = Object.keys(options.shape).join(", ");
      throw new DiscernError(
        "request-invalid",
        `--set ${change}: the probe ${id} has ${known === "" ? "no options" : `the options ${known}`}. Write it as key=value.`,
      );
    }),
  );
}

function optionValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function subjectWords({ states, groups, training, options }: Awaited<ReturnType<typeof planProbe>>): string {
  const prompts = Object.entries(groups)
    .filter(([, n]) => n > 0)
    .map(([group, n]) => `${n} ${group.replace("_", " ")}`);
  return [
    `States: ${states.join(", ")}`,
    `Prompts: ${prompts.join(", ")}${training > 0 ? `; ${counted(training, "training pair")}` : ""}`,
    `Options: ${JSON.stringify(options)}`,
  ].join("\n");
}

const stateWords = { one: "one state", several: "one or more states", trail: "two or more states of a run" };

function list(flags: ProbeFlags): void {
  const contracts: readonly ProbeContract[] = probeContracts;
  const all = contracts.map(({ id, title, description, states }) => ({ id, title, description, states }));
  const width = greatestOf(all.map(({ id }) => id.length));
  show(flags, all, () =>
    all
      .map(
        ({ id, description, states }) =>
          `${id.padEnd(width)}  ${description} Measures ${stateWords[states]}.`,
      )
      .join("\n"),
  );
}

function describe({ id, title, description, options, states }: ProbeContract, flags: ProbeFlags): void {
  const schema = z.toJSONSchema(options, { io: "input" });
  const keys = Object.entries(schema.properties ?? {}) as [
    string,
    { default?: unknown; description?: string },
  ][];
  show(flags, { id, title, description, states, options: schema }, () =>
    [
      `${title}. ${description} Measures ${stateWords[states]}.`,
      ...keys.map(
        ([key, { default: preset, description: meaning = "" }]) =>
          `  ${key} = ${JSON.stringify(preset)}  ${meaning}`,
      ),
    ].join("\n"),
  );
}
