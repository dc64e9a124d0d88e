import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { checkJudges, checkTable } from "../src/engine/evaluate/checkJudges.ts";
import { stringJudges } from "../src/engine/evaluate/judges/judges.ts";
import { allMeasures } from "../src/engine/evaluate/measures/measures.ts";
import { benchmarkJsonSchema } from "../src/protocol/benchmark.ts";
import { cellEventSchema } from "../src/protocol/cells.ts";
import { comparisonJsonSchema } from "../src/protocol/comparison.ts";
import { runEventSchema } from "../src/protocol/events.ts";
import { judgementSchema } from "../src/protocol/judgement.ts";
import { monitoredMeasures } from "../src/protocol/monitoredMeasures.ts";
import type { ProbeContract } from "../src/protocol/probe/contract.ts";
import { probeContracts } from "../src/protocol/probe/probes.ts";
import { probeResultSchema } from "../src/protocol/probe/result.ts";
import { recipeJsonSchema } from "../src/protocol/recipe.ts";
import type { MeasureDefinition } from "../src/protocol/report/measures.ts";
import { layoutSchema, sourceSchema } from "../src/protocol/source.ts";
import { type SuiteDeclaration, suiteJsonSchema } from "../src/protocol/suiteDeclaration.ts";
import { sweepJsonSchema } from "../src/protocol/sweep.ts";
import { knownSuites } from "../src/suites/registry.ts";

interface JsonSchema {
  type?: string;
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  required?: string[];
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  prefixItems?: JsonSchema[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
}

const recipe = recipeJsonSchema() as JsonSchema;
const source = z.toJSONSchema(sourceSchema, { io: "input" }) as JsonSchema;
const [contrastive, supervised] = recipe.properties!.stages!.items!.oneOf!;
const losses = contrastive!.properties!.loss!;
const [classifier, guard, endpoint] = recipe.properties!.evaluate!.properties!.judges!.items!.anyOf!.flatMap(
  ({ oneOf = [] }) => oneOf,
);
const steering = recipe.properties!.steering!;
/** Keys that every inference-time method has. */
const steeringCommon = commonKeys(steering.oneOf!);
const [lora, full] = contrastive!.properties!.train!.oneOf!;

const sweep = sweepJsonSchema() as JsonSchema;
const search = sweep.properties!.search!;
const suite = suiteJsonSchema() as JsonSchema;
const [refusalSuite, choiceSuite] = suite.oneOf!;
const suiteFile = refusalSuite!.properties!.files!.items!;
const choice = choiceSuite!.properties!.choice!;

/** Parts of a recipe that occur in several places, or that have a table of their own. */
const named = new Map(
  Object.entries({
    source,
    contrastive,
    supervised,
    train: contrastive!.properties!.train,
    optimiser: contrastive!.properties!.optimiser,
    loss: losses,
    steering,
    search,
    file: suiteFile,
    choice,
    classifier,
    guard,
    endpoint,
  }).map(([name, schema]) => [shape(schema!), name]),
);

const tables: Record<string, () => string> = {
  recipe: () => keyTable(recipe),
  source: () => keyTable(source),
  layout: () => keyTable(z.toJSONSchema(layoutSchema, { io: "input" }) as JsonSchema),
  contrastive: () => keyTable(contrastive!),
  supervised: () => keyTable(supervised!),
  losses: () => typeTable(losses.oneOf!),
  lora: () => keyTable(lora!),
  full: () => keyTable(full!),
  optimiser: () => keyTable(contrastive!.properties!.optimiser!),
  steering: () => typeTable(steering.oneOf!, Object.keys(steeringCommon)),
  steeringCommon: () => keyTable({ properties: steeringCommon }),
  probes: probeTable,
  probeOptions: probeOptionsTable,
  probeResult: () => keyTable(z.toJSONSchema(probeResultSchema) as JsonSchema),
  judgement: () => keyTable(z.toJSONSchema(judgementSchema) as JsonSchema),
  comparison: () => keyTable(comparisonJsonSchema() as JsonSchema),
  benchmark: () => keyTable(benchmarkJsonSchema() as JsonSchema),
  sweep: () => keyTable(sweep),
  search: () => typeTable(search.oneOf!),
  monitoredMeasures: () => definitionTable(monitoredMeasures),
  events: () => eventTable(z.toJSONSchema(runEventSchema)),
  cells: () => eventTable(z.toJSONSchema(cellEventSchema)),
  judges: judgeTable,
  classifier: () => keyTable(classifier!),
  guard: () => keyTable(guard!),
  endpoint: () => keyTable(endpoint!),
  measures: () => definitionTable(allMeasures.map(({ definition }) => definition)),
  judged: judgedTable,
  suites: suiteTable,
  suite: () => keyTable(refusalSuite!),
  suiteFile: () => keyTable(suiteFile),
  choice: () => keyTable(choice),
};

/**
 * A document with every table between `<!-- table NAME -->` and `<!-- end -->` drawn anew from the schemas.
 *
 * @throws Error for a name that is none.
 */
export function withTables(markdown: string): string {
  return markdown.replace(/(<!-- table (\w+) -->\n)[\s\S]*?(<!-- end -->)/g, (_, begin, name, end) => {
    const table = tables[name];
    if (!table) throw new Error(`no table is called "${name}"; there are: ${Object.keys(tables).join(", ")}`);
    return `${begin}\n${table()}\n\n${end}`;
  });
}

/** One row a key, keys of inner objects as paths. */
function keyTable(schema: JsonSchema): string {
  const rows = (of: JsonSchema, path: string): string[][] =>
    Object.entries(of.properties ?? {}).flatMap(([key, value]) => {
      const inner = value.properties && !named.has(shape(value));
      if (inner) return rows(value, `${path}${key}.`);
      const required = of.required?.includes(key) ?? false;
      return [[`\`${path}${key}\``, typeText(value), defaultText(value, required), value.description ?? ""]];
    });
  return table(["Key", "Value", "Default", "Meaning"], rows(schema, ""));
}

/** One row per key of each of several things that are known by their `type`, such as losses, but for keys that stand elsewhere. */
function typeTable(members: readonly JsonSchema[], elsewhere: readonly string[] = []): string {
  const rows = members.flatMap(({ properties, description }) => {
    const { type, ...keys } = properties!;
    const own = Object.entries(keys).filter(([key]) => !elsewhere.includes(key));
    const byDefault = type!.default === undefined ? "" : ", where none is named";
    return [
      [`\`${JSON.stringify(type!.const)}\``, "", "", "", `${description}${byDefault}`],
      ...own.map(([key, value]) => [
        "",
        `\`${key}\``,
        typeText(value),
        defaultText(value, false),
        value.description ?? "",
      ]),
    ];
  });
  return table(["`type`", "Key", "Value", "Default", "Meaning"], rows);
}

/** The keys that all of several objects have, with the same default and meaning. */
function commonKeys([first, ...others]: readonly JsonSchema[]): Record<string, JsonSchema> {
  const isCommon = ([key, schema]: [string, JsonSchema]) =>
    others.every(({ properties }) => JSON.stringify(properties?.[key]) === JSON.stringify(schema));
  return Object.fromEntries(
    Object.entries(first!.properties!)
      .filter(([key]) => key !== "type")
      .filter(isCommon),
  );
}

const stateWords = { one: "one", several: "one or more", trail: "two or more" };

/** One row per probe: which states and prompts it takes, and what it measures. */
function probeTable(): string {
  const contracts: readonly ProbeContract[] = probeContracts;
  const rows = contracts.map(({ id, states, prompts, training, description }) => [
    `\`${id}\``,
    stateWords[states],
    Object.entries(prompts)
      .map(([group, { atLeast }]) => `${group}${atLeast > 0 ? ` (${atLeast})` : ""}`)
      .join(", "),
    training === undefined ? "–" : training.parts.join(", "),
    description,
  ]);
  return table(["Probe", "States", "Prompts (at least)", "Training pairs", "Meaning"], rows);
}

/** One row per option of a probe. */
function probeOptionsTable(): string {
  const contracts: readonly ProbeContract[] = probeContracts;
  const rows = contracts.flatMap(({ id, options }) => {
    const { properties = {} } = z.toJSONSchema(options, { io: "input" }) as JsonSchema;
    return Object.entries(properties).map(([key, value], i) => [
      i === 0 ? `\`${id}\`` : "",
      `\`${key}\``,
      typeText(value),
      defaultText(value, false),
      value.description ?? "",
    ]);
  });
  return table(["Probe", "Option", "Value", "Default", "Meaning"], rows);
}

function eventTable(schema: object): string {
  const { oneOf } = schema as JsonSchema;
  const rows = oneOf!.map(({ properties }) => {
    const { type, at: _, seq: __, ...fields } = properties!;
    const shown = Object.entries(fields).map(([name, { description }]) =>
      description
        ? `\`${name}\` (${description.replace(/^[A-Z](?![A-Z])/, (letter) => letter.toLowerCase())})`
        : `\`${name}\``,
    );
    return [`\`${type!.const}\``, shown.join(", ")];
  });
  return table(["`type`", "Fields"], rows);
}

function judgeTable(): string {
  const rows = stringJudges.map(
    ({ described: { id, version, title, question } }) =>
      `| \`${id}\` | ${version} | ${title} | ${question} |`,
  );
  return ["| Judge | Version | What it is | Question |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

/** How judges stand to the answers judged by hand. */
function judgedTable(): string {
  const file = join(import.meta.dirname, "../datasets/judged/answers.jsonl");
  const answers = readFileSync(file, "utf8").trim().split("\n");
  const checks = checkJudges(
    answers.map((line) => JSON.parse(line)),
    stringJudges.map(({ described }) => described),
  );
  return checkTable(checks);
}

function definitionTable(definitions: readonly MeasureDefinition[]): string {
  const rows = definitions.map(
    ({ id, title, unit, direction, description }) =>
      `| \`${id}\` | ${title} | ${unit} | ${direction === "none" ? "–" : direction} | ${description} |`,
  );
  return [
    "| Measure | Title | Unit | Better | What it is |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}

/** One row per suite, and per set of data that recipes train on. */
function suiteTable(): string {
  const rows = knownSuites.map((suite) => [
    `\`${suite.id}\``,
    suite.homepage === undefined ? suite.title : `[${suite.title}](${suite.homepage})`,
    suite.task,
    countsText(suite),
    suite.files.map(({ file }) => `\`${file}\``).join(", "),
    suite.access === "open" ? suite.licence : `${suite.licence}; ${suite.access}`,
  ]);
  return table(["Id", "What", "Task", "Prompts", "Files", "Licence"], rows);
}

function countsText({ counts }: SuiteDeclaration): string {
  return Object.entries(counts ?? {})
    .map(([side, count]) => (side === "items" ? `${count}` : `${count} ${side}`))
    .join(", ");
}

/** What a schema accepts, without its place: words and default left out. */
function shape({ description: _, default: __, ...rest }: JsonSchema): string {
  return JSON.stringify({ ...rest, $schema: undefined });
}

function typeText(schema: JsonSchema): string {
  const name = named.get(shape(schema));
  if (name) return name;
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return [...new Set(several.map(typeText))].join(" or ");
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(" or ");
  if (schema.prefixItems) return `[${schema.prefixItems.map(typeText).join(", ")}]`;
  if (schema.type === "array") {
    const items = schema.items!;
    return items.properties && !named.has(shape(items))
      ? `list of {${Object.entries(items.properties)
          .map(([key, value]) => `${key}: ${typeText(value)}`)
          .join(", ")}}`
      : `list of ${typeText(items)}`;
  }
  return [schema.type ?? "any"].flat().join(" or ");
}

function defaultText(schema: JsonSchema, required: boolean): string {
  if (schema.default === undefined) return required ? "required" : "–";
  // Every default of a part with a table of its own stands there.
  if (JSON.stringify(schema.default) === "{}") return "its own";
  const text = JSON.stringify(schema.default);
  return text.length > 90 ? "a longer list" : `\`${text}\``;
}

function table(header: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}
