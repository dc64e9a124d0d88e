import * as z from "zod";
import { backendSchema } from "../../protocol/backend.ts";
import { deviceHealthSchema, deviceSchema, deviceState } from "../../protocol/device.ts";
import { describePython, isUsable, pythonHealthSchema } from "../../protocol/python.ts";
import { greatestOf } from "../../statistics/extremes.ts";
import { byteSize, milliseconds } from "../../wording/numbers.ts";
import { choiceShort, type Measurement, measurementSchema } from "../device/places.ts";

/** Headings of the doctor's page that something can be done about. */
export const headings = {
  machine: "This machine",
  pythons: "Pythons for the PyTorch backend; the first that can compute is taken",
  auto: "What auto stands for; a recipe that names backend or device is not affected",
} as const;

/** What the engine's doctor finds on this machine. */
export const healthSchema = z.object({
  versions: z.record(z.string(), z.string()),
  platform: z.string(),
  cores: z.number(),
  /** Bytes. */
  memory: z.object({ total: z.number(), free: z.number() }),
  processor: z.object({ model: z.string().nullable(), features: z.array(z.string()).nullable() }),
  devices: z.array(deviceHealthSchema),
  pythons: z.array(pythonHealthSchema),
  noGpu: z.string().nullable(),
  /** The default that was set instead of what is measured. */
  standing: z.object({ backend: backendSchema, device: deviceSchema }).nullable(),
  auto: measurementSchema,
  choices: z.array(measurementSchema),
  models: z.object({
    home: z.string(),
    found: z.array(z.string()),
    cache: z.string(),
    cached: z.array(z.object({ name: z.string(), problem: z.string().nullable() })),
  }),
});
export type Health = z.infer<typeof healthSchema>;

/** The doctor's findings as plain text: what is indented belongs to the line above. */
export function describeHealth(health: Health): string {
  const { free, total } = health.memory;
  const width = greatestOf(health.devices.map(({ name }) => name.length));
  const { found: models, cached } = health.models;
  return [
    headings.machine,
    ...indent([
      health.platform,
      ...(health.processor.model === null ? [] : [health.processor.model]),
      ...(health.processor.features === null ? [] : wrapped(health.processor.features.join(", "))),
      `${health.cores} processor cores`,
      `${byteSize(free)} of ${byteSize(total)} memory free`,
    ]),
    "",
    "Devices for training",
    ...health.devices.flatMap((device) => {
      const { name, starts } = device;
      const [first = "", ...more] = deviceState(device).split("\n").flatMap(wrapped);
      const mark = starts ? "✓" : "✗";
      return indent([
        `${mark} ${name.padEnd(width)}  ${first}`,
        ...more.map((line) => `  ${" ".repeat(width)}  ${line}`),
      ]);
    }),
    "",
    headings.pythons,
    ...(health.pythons.length === 0 ? indent(["None found."]) : []),
    ...health.pythons.flatMap((python) => {
      const [first = "", ...more] = describePython(python).flatMap(wrapped);
      return indent([`${isUsable(python) ? "✓" : "✗"} ${first}`, ...more.map((line) => `    ${line}`)]);
    }),
    ...(health.noGpu === null ? [] : indent(wrapped(`No GPU: ${health.noGpu}`))),
    "",
    headings.auto,
    ...(health.standing === null ? [] : indent([standingLine(health.standing)])),
    ...[health.auto, ...health.choices].flatMap((each) => indent(measurementLines(each))),
    "",
    `Models in ${health.models.home}`,
    ...indent(models.length > 0 ? models : ["None."]),
    "",
    `Models in the Hugging Face cache (${health.models.cache})`,
    ...indent(
      cached.length > 0
        ? cached.flatMap(({ name, problem }) => [name, ...(problem === null ? [] : indent(wrapped(problem)))])
        : ['None yet. "Discern: Pull a Model…" downloads one.'],
    ),
    "",
    "Versions",
    ...indent(Object.entries(health.versions).map(([name, version]) => `${name} ${version}`)),
    "",
  ].join("\n");
}

function standingLine({ backend, device }: NonNullable<Health["standing"]>): string {
  const name = device === "auto" ? `backend ${backend}` : device;
  const by = backend !== "auto" && device !== "auto" ? ` by ${backend}` : "";
  return `Set by the settings discern.backend and discern.device: ${name}${by}. Measured:`;
}

/** What is the fastest for a model, how fast each place was, and why. */
function measurementLines(measurement: Measurement): string[] {
  const { model, backend, device, reason, compile = false, candidates = [] } = measurement;
  const timed = candidates.flatMap((one) => {
    if (one.milliseconds === null) return [];
    const isChosen = one.backend === backend && one.device === device && (one.compiled ?? false) === compile;
    const mark = isChosen ? "✓" : " ";
    const name = choiceShort({ ...one, compile: one.compiled });
    return [`  ${mark} ${name}: ${milliseconds(one.milliseconds)} per block`];
  });
  return [`${model}: ${choiceShort(measurement)}`, ...timed, ...wrapped(reason).map((line) => `  ${line}`)];
}

/** Characters after which a line is broken between two words: problems of drivers are long, and editors do not wrap. */
const lineLength = 80;

/** A text in lines of a readable length. */
export function wrapped(line: string): string[] {
  const lines: string[] = [];
  for (const word of line.split(" ")) {
    const longer = lines.length > 0 ? `${lines.at(-1)} ${word}` : word;
    if (lines.length > 0 && longer.length <= lineLength) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

const indent = (lines: readonly string[]) => lines.map((line) => `  ${line}`);
