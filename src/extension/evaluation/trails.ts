import type { RunEventOf } from "../../protocol/events.ts";
import { EventReader } from "../../runFolder/eventLog.ts";
import { runPaths } from "../../runFolder/folder.ts";
import { readPanels } from "../dashboard/panelPrompts.ts";
import type { Trail } from "./trailSvg.ts";

const panels = ["toxic", "seeminglyToxic", "general"] as const;

/** The trails of the prompts in a run's panels. */
export class Trails {
  private readonly trails: ReadonlyMap<string, Trail>;

  private constructor(trails: ReadonlyMap<string, Trail>) {
    this.trails = trails;
  }

  /**
   * Reads the trails of a run.
   *
   * @param starter folder of the starter set
   * @throws DiscernError `run-invalid`, and as `selectPart` where the panels' files changed since.
   */
  static async read(folder: string, starter: string): Promise<Trails> {
    const [{ probes, stages }, prompts] = await Promise.all([
      readProbes(folder),
      readPanels(folder, starter),
    ]);
    const trails = new Map<string, Trail>();
    for (const panel of panels) {
      const records = prompts[panel];
      // A file that was edited since the run gives other prompts, and nobody could say whose the figures are.
      if (probes.some((probe) => probe[panel].perPrompt.length !== records.length)) continue;
      for (const [i, { id }] of records.entries()) {
        const points = probes.flatMap(({ globalStep: step, [panel]: { perPrompt } }) => {
          const p = perPrompt[i] ?? null;
          return p === null ? [] : [{ step, p }];
        });
        if (points.length > 1) trails.set(id, { points, stages });
      }
    }
    return new Trails(trails);
  }

  /** The trail of a prompt; undefined where it is in no panel. */
  of(id: string): Trail | undefined {
    return this.trails.get(id);
  }
}

/** The probes of a run without those that were repeated, by their steps, and the steps at which later stages began. */
async function readProbes(
  folder: string,
): Promise<{ probes: RunEventOf<"probe">[]; stages: readonly number[] }> {
  const probes = new Map<number, RunEventOf<"probe">>();
  const begins = new Map<number, number>();
  let step = 0;
  for await (const event of new EventReader(runPaths(folder).events).read()) {
    if (event.type === "step" || event.type === "probe") step = event.globalStep;
    if (event.type === "probe") probes.set(event.globalStep, event);
    if (event.type === "stage-started" && event.stage > 0) begins.set(event.stage, step);
    if (event.type === "resumed") {
      step = event.globalStep;
      for (const each of probes.keys()) if (each > step) probes.delete(each);
    }
  }
  return {
    probes: [...probes.values()].sort((a, b) => a.globalStep - b.globalStep),
    stages: [...begins.values()],
  };
}
