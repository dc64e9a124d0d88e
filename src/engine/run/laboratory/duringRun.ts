import { join } from "node:path";
import type { NewRunEvent } from "../../../protocol/events.ts";
import type { Manifest } from "../../../protocol/manifest.ts";
import type { LaboratoryEntry } from "../../../protocol/probe/laboratory.ts";
import { type ModelState, probeSuffix } from "../../../protocol/probe/result.ts";
import type { Recipe } from "../../../protocol/recipe.ts";
import { makePart, runPaths } from "../../../runFolder/folder.ts";
import { probeFiles, writeProbeResult } from "../../../runFolder/probeFile.ts";
import type { Learned } from "../../backend/backend.ts";
import { probeOf } from "../../probe/probes.ts";
import type { Session } from "../../session/session.ts";
import { Stopped, type StopToken, throwIfStopped } from "../stop.ts";
import { measure, questionOf } from "./measure.ts";
import { type ProbePrompts, type ProbeRows, probeRows } from "./rows.ts";

/** What the laboratory of a run is made from. */
export interface RunLaboratoryContext {
  readonly folder: string;
  readonly recipe: Recipe;
  readonly manifest: Manifest;
  readonly session: Session;
  readonly prompts: ProbePrompts;
}

/** How the model is while something is measured. */
export interface RunMoment {
  readonly state: ModelState;
  /** What was made part of it so far. */
  readonly learned: () => Promise<readonly Learned[]>;
  readonly contrastLayer: number | null;
}

/** Milliseconds between two events of progress. */
const progressEvery = 2000;

/** The probes that a recipe has measured during training, on the model of the run itself. */
export class RunLaboratory {
  private readonly context: RunLaboratoryContext;
  /** Of each probe, once it was due. */
  private readonly rows = new Map<string, Promise<ProbeRows>>();

  constructor(context: RunLaboratoryContext) {
    this.context = context;
  }

  /**
   * Measures what is due at a state and has no result yet. A probe that fails is a warning.
   *
   * @throws Stopped.
   */
  async measure(moment: RunMoment, emit: (event: NewRunEvent) => void, stop: StopToken): Promise<void> {
    const { folder, recipe } = this.context;
    const due = [...recipe.laboratory.entries()].filter(([, entry]) => isDue(entry, moment.state));
    if (due.length === 0) return;
    const there = new Set(await probeFiles(folder));
    for (const [i, entry] of due) {
      throwIfStopped(stop);
      const file = join(runPaths(folder).probes, fileName(recipe.laboratory, i, moment.state));
      if (there.has(file)) continue;
      try {
        await this.one(entry, file, moment, emit, stop);
      } catch (error) {
        if (error instanceof Stopped) throw error;
        // What is measured beside the training must not end it.
        const reason = error instanceof Error ? error.message : String(error);
        const message = `The probe ${entry.probe} failed at ${moment.state.name}; the run continues. ${reason}`;
        emit({ type: "warning", message });
      }
    }
  }

  private async one(
    { probe: id, options }: LaboratoryEntry,
    file: string,
    { state, learned, contrastLayer }: RunMoment,
    emit: (event: NewRunEvent) => void,
    stop: StopToken,
  ): Promise<void> {
    const { folder, recipe, manifest, session, prompts } = this.context;
    const probe = probeOf(id);
    const rows = await this.rowsOf(id);
    const asked = { options, seed: recipe.seed, states: [state], contrastLayer };
    const at = { stage: state.stage ?? 0, step: state.step };
    let told = performance.now();
    const result = await measure(
      probe,
      questionOf(session.loaded, rows, asked),
      {
        model: {
          name: manifest.model.name,
          path: manifest.model.path,
          adapters: (manifest.adapters ?? []).map(({ path }) => path),
        },
        run: { name: manifest.name, seed: manifest.seed },
        template: session.template.name,
        chat: recipe.chat,
        openings: prompts.openings,
      },
      rows.notices,
      {
        open: async () => ({ ...session, learned: await learned() }),
        releases: false,
        judging: {
          root: manifest.recipe.root,
          threads: recipe.threads,
          onUsed: (service, used) => emit({ type: "service-used", service, work: "laboratory", ...used }),
        },
        check: () => throwIfStopped(stop),
        onProgress(done, total) {
          if (performance.now() - told < progressEvery) return;
          told = performance.now();
          emit({ type: "laboratory-progress", ...at, probe: id, state: state.name, done, total });
        },
      },
    );
    await makePart(folder, runPaths(folder).probes);
    const { cost } = await writeProbeResult(file, result);
    const place = { globalStep: state.globalStep, state: state.name };
    const name = file.slice(runPaths(folder).probes.length + 1);
    emit({ type: "laboratory-measured", ...at, ...place, probe: id, file: name, seconds: cost.seconds });
  }

  private rowsOf(id: string): Promise<ProbeRows> {
    const { session, prompts, recipe } = this.context;
    const known = this.rows.get(id);
    if (known !== undefined) return known;
    const { contextLength } = session.loaded.architecture;
    const limits = { contextLength, maxTokens: recipe.maxTokens, tooLong: recipe.tooLong };
    const rows = probeRows(probeOf(id).contract, session.encoder, prompts, limits);
    this.rows.set(id, rows);
    return rows;
  }
}

function isDue({ at }: LaboratoryEntry, { stage, step, name }: ModelState): boolean {
  const isEnd = stage !== null && name === `stage-${stage}`;
  return at === "stage-end" ? isEnd : step % at.every === 0;
}

/** A name of its own for every entry and state, which no measurement from outside takes. */
function fileName(entries: Recipe["laboratory"], index: number, { name }: ModelState): string {
  const { probe } = entries[index]!;
  const before = entries.slice(0, index).filter((entry) => entry.probe === probe).length;
  return `during-${probe}${before === 0 ? "" : `-${before + 1}`}-${name}${probeSuffix}`;
}
