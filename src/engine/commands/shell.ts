/**
 * The command line: a file per group of commands, each of which reads flags, calls an ability, and words its result. Results go to
 * stdout (`--json`: one JSON document, or events as JSON lines), everything else to stderr. This file holds what all commands
 * share; `workbench.ts` gives the same abilities to `serve`.
 */
import { Presets, SingleBar } from "cli-progress";
import { type Command, InvalidArgumentError, Option } from "commander";
import type * as z from "zod";
import { backendSchema, type Memory, memorySchema, torchSchema } from "../../protocol/backend.ts";
import { choiceWords, type DeviceChoice, deviceSchema } from "../../protocol/device.ts";
import { type Spent, spentSentence } from "../../protocol/spent.ts";

/** What every command shares: JSON for machines on stdout, words for people on stderr. */
export interface Shell {
  readonly json: boolean;
}

/** Prints a result: one JSON document, or the words given. */
export function show(shell: Shell, value: unknown, words: () => string): void {
  process.stdout.write(`${shell.json ? JSON.stringify(value) : words()}\n`);
}

/** Says something to a person; never part of a result. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Says what a person must know of the data, a sentence per line. */
export function sayAll(notices: readonly string[]): void {
  for (const notice of notices) say(`Warning: ${notice}`);
}

/** Says what services were asked and cost. */
export function saySpent(services: readonly Spent[]): void {
  for (const spent of services) say(spentSentence(spent));
}

/** Codes of a stream whose reader has gone: the other end of a pipe, or a terminal that was closed. */
const readerGone = new Set(["EPIPE", "EIO", "ECONNRESET", "ERR_STREAM_DESTROYED"]);

/**
 * Keeps the process alive when whoever reads its output goes away, as `head` does after a few lines: what it computes is in
 * files. Output that cannot be written for another reason, as to a full disk, is said and is a failure.
 */
export function outliveReaders(): void {
  process.stderr.on("error", () => undefined);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (readerGone.has(error.code ?? "")) return;
    say(`discern: The output could not be written (${error.message}).`);
    process.exitCode = 1;
  });
}

/**
 * A progress bar with time left on stderr; nothing where stderr is no terminal.
 *
 * @returns a function to be told how much is done, which takes the bar away at the end.
 */
export function progressBar(title: string): (done: number, total: number) => void {
  if (!process.stderr.isTTY) return () => undefined;
  const bar = new SingleBar(
    {
      format: `${title} {bar} {percentage} % · {eta_formatted} left`,
      clearOnComplete: true,
      stream: process.stderr,
    },
    Presets.shades_classic,
  );
  let begun = false;
  return (done, total) => {
    if (!begun) bar.start(total, done);
    begun = true;
    bar.update(done);
    if (done >= total) bar.stop();
  };
}

/** A progress bar for each judge that takes time. */
export function judgingBars() {
  const bars = new Map<string, ReturnType<typeof progressBar>>();
  return {
    onProgress(judge: string, done: number, total: number): void {
      const bar = bars.get(judge) ?? progressBar(`Judging by ${judge}`);
      bars.set(judge, bar);
      bar(done, total);
    },
  };
}

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("Give a whole number above 0.");
  return value;
}

/** Seeds that are separated by commas on the command line. */
export function seedsOf(list: string): number[] {
  const numbers = list.split(",").map((seed) => (/^\d+$/.test(seed) ? Number(seed) : Number.NaN));
  if (numbers.every(Number.isSafeInteger) && new Set(numbers).size === numbers.length) return numbers;
  throw new InvalidArgumentError("Give different whole numbers, such as 0,1,2.");
}

/** Where a model is computed, as every command that computes takes it. */
export function withPlacement(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--backend <backend>",
        "what computes the model: onnxruntime, or PyTorch by a Python beside it; auto takes the faster",
      ).choices(backendSchema.options),
    )
    .addOption(
      new Option(
        "--device <device>",
        "where the model is computed; cuda (NVIDIA, AMD) means torch, webgpu means onnx; auto times one decoder block on what there is",
      ).choices(deviceSchema.options),
    );
}

/** The options of every command that computes with a model. */
export function withModel(command: Command): Command {
  return withPlacement(command)
    .addOption(
      new Option("--memory <mode>", "what is kept where memory is short")
        .choices(memorySchema.options)
        .default("auto"),
    )
    .option(
      "--torch <key=value>",
      "option of the torch backend, as a recipe has it: python, processes, dtype, compile, shard; may be repeated",
      torchOption,
      {},
    )
    .addOption(
      new Option("--template <template>", "prompt template")
        .choices(["auto", "chat", "alpaca"])
        .default("auto"),
    )
    .option("--system <text>", "system prompt, in place of the template's own")
    .option(
      "--thinking",
      "let the model think before it answers; off by default where its template has a switch",
      false,
    )
    .option("--threads <count>", "threads on the CPU", positiveInteger)
    .option(
      "--adapter <folder>",
      "PEFT adapter, or run folder, to merge into the model; may be given several times, in the order in which they are applied",
      (folder: string, before: readonly string[]) => [...before, folder],
      [],
    )
    .option(
      "--steering <file>",
      "fitted inference-time method to apply: steering.json of a run or of discern steer",
    );
}

/** Adds an option of the torch backend, `key=value`, to those given before. */
function torchOption(text: string, before: object): object {
  const [, key, value] = /^(\w+)=(.+)$/s.exec(text) ?? [];
  if (key === undefined) throw new InvalidArgumentError("Write it as key=value, such as dtype=bfloat16.");
  const read = /^(\d+|true|false)$/.test(value!) ? JSON.parse(value!) : value;
  const found = torchSchema.safeParse({ ...before, [key]: read });
  if (!found.success)
    throw new InvalidArgumentError(found.error.issues.map(({ message }) => message).join(" "));
  return { ...before, [key]: read };
}

export interface ModelFlags extends Shell {
  readonly backend?: z.infer<typeof backendSchema>;
  readonly device?: z.infer<typeof deviceSchema>;
  readonly memory: Memory;
  readonly torch: z.input<typeof torchSchema>;
  readonly template: "auto" | "chat" | "alpaca";
  readonly system?: string;
  readonly thinking: boolean;
  readonly threads?: number;
  readonly adapter: readonly string[];
  readonly steering?: string;
}

/** Says, once, that blocks are timed. */
export function sayMeasuring(): () => void {
  let isSaid = false;
  return () => {
    if (!isSaid) say("Timing one decoder block on each device; the times are kept …");
    isSaid = true;
  };
}

/** The flags of {@link withModel} as an ability takes them. */
export function askOptions(
  model: string,
  {
    backend = "auto",
    device = "auto",
    memory,
    torch,
    template,
    system,
    thinking,
    threads,
    adapter,
    steering,
  }: ModelFlags,
) {
  const reading = progressBar("Reading the model");
  return {
    model,
    adapters: adapter,
    ...{ backend, device, memory, torch: torchSchema.parse(torch) },
    template,
    chat: { thinking, ...(system === undefined ? {} : { system }) },
    root: process.cwd(),
    ...(threads === undefined ? {} : { threads }),
    ...(steering === undefined ? {} : { steering }),
    onProgress: ({ done, total }: { done: number; total: number }) => reading(done, total),
    onStatus: say,
    onWarning: (message: string) => say(`Warning: ${message}`),
    onMeasuring: sayMeasuring(),
    onDevice: (choice: DeviceChoice) => say(`${choiceWords(choice)}`),
  };
}
