import type { LaboratoryMention } from "../../protocol/report/laboratory.ts";
import {
  type DashboardFromPage,
  type DashboardState,
  type DashboardToPage,
  dashboardStateSchema,
  type PanelPrompts,
  type PromptOrder,
  type ShownProgress,
} from "../../protocol/webview/dashboard.ts";
import type { ShownResult } from "../../protocol/webview/laboratory.ts";
import type { Host } from "../ui/host.ts";
import { methodStyles } from "../ui/methodStyle.ts";
import type { Range } from "../ui/plotSpec.ts";
import { RunSeries } from "./model/runSeries.ts";
import { SmoothedLines } from "./model/smoothing.ts";
import { AlignedLines } from "./model/timeline.ts";
import { announcement } from "./model/words.ts";
import type { Looking, PlottedRun } from "./plots/plotView.ts";
import { mostSelected } from "./plots/prompts.ts";

/** A run on the page, as far as the host has told of it. */
export interface PageRun extends PlottedRun {
  index: number;
  method: string | null;
  series: RunSeries;
  progress: ShownProgress | null;
  prompts: PanelPrompts | null;
  /** Why the texts of the prompts cannot be shown. */
  promptsProblem: string | null;
  /** Whether the host was asked for them. */
  promptsAsked: boolean;
  /** The results of the laboratory that lie with it, and the one that was read last. */
  mentions: readonly LaboratoryMention[];
  result: ShownResult | null;
}

/** Whether nobody works on a run that has states to measure. */
export function hasRest({ progress }: Pick<PageRun, "progress">): boolean {
  return progress !== null && ["finished", "stopped", "failed", "interrupted"].includes(progress.state);
}

const blank: DashboardState = {
  runs: [],
  follows: [],
  removed: [],
  smoothing: 0,
  hidden: [],
  selected: [],
  order: "panel",
  folded: null,
  seeds: "mean",
};

/** What the dashboard shows: its runs from what the host tells, and how the person looks at them. */
export class DashboardPage {
  /** Runs in the order in which they were added. */
  readonly runs: PageRun[] = [];
  /** Whether the host has said which runs there are. */
  told = false;
  /** What a screen reader is to say next. */
  announced = "";
  /** Whether prompts are blurred until they are pointed at. */
  blur = true;
  steps: Range | null = null;
  kept: DashboardState = blank;
  /** Rises with every change. */
  revision = 0;
  private readonly smoothed = new SmoothedLines();
  private readonly aligned = new AlignedLines();
  private readonly listeners = new Set<(told: boolean) => void>();
  private host: Host<DashboardFromPage, DashboardState> | null = null;

  /** Takes up the way to the host, and what the page kept from the last time. */
  connect(host: Host<DashboardFromPage, DashboardState>): void {
    this.host = host;
    const parsed = dashboardStateSchema.safeParse(host.state);
    if (parsed.success) this.kept = parsed.data;
  }

  receive(message: DashboardToPage): void {
    if (message.type === "runs") this.takeRuns(message);
    if (message.type === "settings") this.blur = message.blur;
    const run = "run" in message ? this.runs.find(({ id }) => id === message.run) : undefined;
    if (run && message.type === "events") {
      if (message.reset) {
        run.series = new RunSeries();
        run.prompts = null;
        run.promptsProblem = null;
        run.promptsAsked = false;
      }
      for (const event of message.events) run.series.take(event);
      this.announced = announcement(run.label, run.progress, message.progress) ?? this.announced;
      run.progress = message.progress;
      if (run.series.started && !run.promptsAsked) {
        run.promptsAsked = true;
        this.ask({ type: "prompts", run: run.id });
      }
    }
    if (run && message.type === "prompts") run.prompts = message.prompts;
    if (run && message.type === "results") run.mentions = message.mentions;
    if (run && message.type === "result") run.result = message.shown;
    if (run && message.type === "prompts-missing") run.promptsProblem = message.reason;
    this.changed(true);
  }

  /**
   * Calls back after each change: `told` by the host, which may come many times a second, or made by the person, who
   * waits for it.
   *
   * @returns a function that ends this.
   */
  onChange(listener: (told: boolean) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  ask(message: DashboardFromPage): void {
    this.host?.post(message);
  }

  get looking(): Looking {
    const { smoothing, hidden, seeds } = this.kept;
    const { smoothed, aligned } = this;
    return { smoothing, smoothed, aligned, seeds, hidden: new Set(hidden), steps: this.steps };
  }

  smooth(smoothing: number): void {
    this.keep({ smoothing });
  }

  /** Shows a series that is hidden, hides one that is shown. */
  toggle(series: string): void {
    this.keep({ hidden: toggled(this.kept.hidden, series) });
  }

  /** Selects a prompt, or no longer; of too many the one that was selected first goes. */
  select(prompt: string): void {
    this.keep({ selected: toggled(this.kept.selected, prompt).slice(-mostSelected) });
  }

  /** Blurs the prompts, or shows them, until the page is opened anew. */
  veil(blur: boolean): void {
    this.blur = blur;
    this.announced = blur ? "Prompts blurred" : "Prompts shown";
    this.changed();
  }

  sort(order: PromptOrder): void {
    this.keep({ order });
  }

  showSeeds(seeds: DashboardState["seeds"]): void {
    this.keep({ seeds });
  }

  fold(folded: boolean): void {
    this.keep({ folded });
  }

  clearSelection(): void {
    this.keep({ selected: [] });
  }

  /** @param steps what all charts over steps show; null for everything. */
  look(steps: Range | null): void {
    this.steps = steps;
    this.changed();
  }

  private keep(changes: Partial<DashboardState>): void {
    this.kept = { ...this.kept, ...changes };
    this.host?.keep(this.kept);
    this.changed();
  }

  private takeRuns({ runs: told, kept }: DashboardToPage & { type: "runs" }): void {
    this.told = true;
    const before = new Map(this.runs.map((run) => [run.id, run]));
    this.runs.length = 0;
    const styles = methodStyles(told.map(({ method, label }) => method ?? label));
    for (const [i, { id, label, method = null }] of told.entries()) {
      const known = before.get(id);
      const said = { label, index: styles[i]!, method };
      const run = (known && Object.assign(known, said)) ?? {
        id,
        ...said,
        series: new RunSeries(),
        progress: null,
        prompts: null,
        promptsProblem: null,
        promptsAsked: false,
        mentions: [],
        result: null,
      };
      this.runs.push(run);
    }
    this.keep({ runs: told.map(({ id }) => id), ...kept });
  }

  private changed(told = false): void {
    this.revision++;
    for (const listener of this.listeners) listener(told);
  }
}

function toggled(list: readonly string[], one: string): string[] {
  return list.includes(one) ? list.filter((other) => other !== one) : [...list, one];
}
