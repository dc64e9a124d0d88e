import { relative, resolve } from "node:path";
import { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import project from "../../../package.json" with { type: "json" };
import { DiscernError } from "../../protocol/errors.ts";
import type { PromptResult } from "../../protocol/report/answers.ts";
import type { Report } from "../../protocol/report/report.ts";
import { type Outcome, outcomeOf, refusalJudge } from "../../protocol/report/verdicts.ts";
import { scoreTexts } from "../abilities/ask.ts";
import { judgedReport } from "../abilities/judged.ts";
import { type ListedRun, listRuns, trainedModel } from "../abilities/runList.ts";
import { say } from "./shell.ts";

/** What a client may see. */
export interface McpOptions {
  /** Folders of runs, relative to `root`. */
  readonly folders: readonly string[];
  /** Against which paths are resolved, and to which those that are told are relative. */
  readonly root: string;
  /** Whether prompts and answers of reports may be read. */
  readonly answers: boolean;
}

/** Prompts of one request for scores, and answers of one page. */
const most = { prompts: 256, answers: 50 };

const readOnly = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false };
const run = z.string().describe("A run or comparison, by its `run` in list_runs");

/**
 * A server of the Model Context Protocol over the abilities that only read. A client reaches the runs in the given folders and no other
 * file; prompts and answers, which may be harmful, are behind a tool that is there only where the person who started the server allows it.
 */
export function mcpServer(options: McpOptions): McpServer {
  const server = new McpServer({ name: "discern", title: "Discern", version: project.version });
  server.registerTool(
    "list_runs",
    {
      title: "List Runs",
      description:
        "Training runs and comparisons on over-refusal: model, state, when they began, and whether they have a report.",
      annotations: readOnly,
    },
    () =>
      told(async () => ({ runs: (await listRuns(folders(options))).map((each) => named(each, options)) })),
  );
  server.registerTool(
    "read_measures",
    {
      title: "Read Measures",
      description:
        "The measures of a report with intervals and sample sizes, differences between methods, and the notes one must know to trust them. Prompts and answers are not included.",
      inputSchema: z.object({
        run,
        suite: z.string().optional().describe('One suite, or "pooled"'),
        measure: z.string().optional().describe("Id of one measure"),
        categories: z.boolean().default(false).describe("Also the rows of single categories"),
      }),
      annotations: readOnly,
    },
    ({ run, ...filter }) => told(async () => measures(await reportOf(run, options), filter)),
  );
  server.registerTool(
    "score_prompts",
    {
      title: "Score Prompts",
      description:
        "The probability that a model begins its answer to each prompt with a refusal, in the order of the prompts. A model is read each time, which takes seconds.",
      inputSchema: z.object({
        prompts: z.array(z.string().min(1)).min(1).max(most.prompts),
        model: z.string().optional().describe("Name of a pulled model, or a model folder"),
        run: run.optional().describe("Score with the model that this run trained, in place of `model`"),
      }),
      annotations: readOnly,
    },
    ({ prompts, model, run }) =>
      told(async () => {
        const asked =
          run === undefined ? modelOf(model) : await trainedModel((await runOf(run, options)).folder);
        const warnings: string[] = [];
        const onWarning = (message: string) => void warnings.push(message);
        const scores = await scoreTexts({ ...asked, ...defaults, root: options.root, onWarning }, prompts);
        return { scores, warnings };
      }),
  );
  if (options.answers) registerAnswers(server, options);
  return server;
}

/** How a model is asked, as the command line asks it where nothing is said. */
const defaults = {
  backend: "auto",
  device: "auto",
  memory: "auto",
  template: "auto",
  chat: { thinking: false },
} as const;

function registerAnswers(server: McpServer, options: McpOptions): void {
  server.registerTool(
    "read_answers",
    {
      title: "Read Answers",
      description:
        "Prompts of a report with the answers to them and whether these refuse, a page at a time. They are research data: some prompts ask for harm.",
      inputSchema: z.object({
        run,
        suite: z.string().optional(),
        method: z.string().optional().describe("Id of a method in read_measures"),
        seed: z.int().optional(),
        outcome: z.enum(["refused", "complied", "undetermined"]).optional(),
        unsafe: z.boolean().optional().describe("Prompts that should be refused, or those that should not"),
        offset: z.int().min(0).default(0),
        limit: z.int().min(1).max(most.answers).default(20),
      }),
      annotations: readOnly,
    },
    ({ run, offset, limit, ...filter }) =>
      told(async () => {
        const rows = answers(await reportOf(run, options), filter);
        return { total: rows.length, offset, answers: rows.slice(offset, offset + limit) };
      }),
  );
}

/** A result as a client takes it. What went wrong is told to the model that asked, in words. */
async function told(work: () => Promise<Record<string, unknown>>) {
  try {
    const structuredContent = await work();
    return {
      content: [{ type: "text" as const, text: JSON.stringify(structuredContent) }],
      structuredContent,
    };
  } catch (error) {
    if (!(error instanceof DiscernError)) say(`discern: ${error instanceof Error ? error.stack : error}`);
    const text = error instanceof Error ? error.message : String(error);
    return { content: [{ type: "text" as const, text }], isError: true };
  }
}

function folders({ folders, root }: McpOptions): string[] {
  return folders.map((folder) => resolve(root, folder));
}

function named({ folder, ...rest }: ListedRun, { root }: McpOptions) {
  return { run: relative(root, folder).replaceAll("\\", "/"), ...rest };
}

/** Only what was found in the folders of runs is ever opened: a path that leads elsewhere names no run. */
async function runOf(name: string, options: McpOptions): Promise<ListedRun> {
  const runs = await listRuns(folders(options));
  const found = runs.find((each) => named(each, options).run === name);
  if (found === undefined)
    throw new DiscernError("request-invalid", `There is no run called ${name}. list_runs names them.`);
  return found;
}

async function reportOf(name: string, options: McpOptions): Promise<Report> {
  return judgedReport((await runOf(name, options)).folder);
}

function modelOf(model: string | undefined): { model: string } {
  if (model === undefined)
    throw new DiscernError("request-invalid", "Give a model, or a run that trained one.");
  return { model };
}

function measures(
  { created, model, methods, judges, measures, comparisons, problems, notes, missing, reference }: Report,
  filter: { suite?: string | undefined; measure?: string | undefined; categories: boolean },
) {
  const isAsked = (row: { suite: string; measure: string }) =>
    (filter.suite === undefined || row.suite === filter.suite) &&
    (filter.measure === undefined || row.measure === filter.measure);
  const rows = measures.rows.filter(
    (row) => isAsked(row) && (filter.categories || row.category === undefined),
  );
  const kinds = new Set(rows.map(({ measure }) => measure));
  return {
    created,
    model: model.name,
    methods: methods.map(({ id, name }) => ({ id, name })),
    ...(reference === undefined ? {} : { reference }),
    judges,
    definitions: measures.definitions.filter(({ id }) => kinds.has(id)),
    rows,
    comparisons: comparisons.map(({ flips: _, otherJudges: __, differences, ...rest }) => ({
      ...rest,
      differences: differences.filter(isAsked),
    })),
    problems,
    notes,
    ...(missing === undefined ? {} : { missing: missing.map(({ suite }) => suite) }),
  };
}

interface AnswerFilter {
  readonly suite?: string | undefined;
  readonly method?: string | undefined;
  readonly seed?: number | undefined;
  readonly outcome?: Outcome | undefined;
  readonly unsafe?: boolean | undefined;
}

function answers({ answers, judges }: Report, filter: AnswerFilter) {
  const judge = refusalJudge(judges);
  return answers
    .filter(({ method, seed }) => (filter.method ?? method) === method && (filter.seed ?? seed) === seed)
    .flatMap(({ method, seed, results }) =>
      results.map((result) => ({ method, seed, ...shown(result), outcome: outcomeOf(result, judge) })),
    )
    .filter(
      ({ suite, outcome, unsafe }) =>
        (filter.suite ?? suite) === suite &&
        (filter.outcome ?? outcome) === outcome &&
        (filter.unsafe ?? unsafe) === unsafe,
    );
}

function shown({ id, suite, prompt, unsafe, kind, response, refusalProbability }: PromptResult) {
  return { id, suite, prompt, unsafe, ...(kind === undefined ? {} : { kind }), response, refusalProbability };
}
