import type { SweepResults } from "../../protocol/report/sweep.ts";
import type { BenchmarkToPage, ShownBenchmark, ShownMeasures } from "../../protocol/webview/benchmark.ts";

/** Everything the page knows from its host. */
export interface PageState {
  readonly benchmark: ShownBenchmark | null;
  readonly shown: ShownMeasures | null;
  /** Why the figures do not include people's verdicts; null where they do. */
  readonly outdated: string | null;
  /** The rows of categories that were asked for last. */
  readonly categories: Extract<BenchmarkToPage, { type: "categories" }> | null;
  /** Of a sweep, whose trials stand in place of a matrix. */
  readonly sweep: SweepResults | null;
  /** Why there is nothing to show. */
  readonly gone: string | null;
}

export const initialState: PageState = {
  ...{ benchmark: null, shown: null, outdated: null, categories: null },
  ...{ sweep: null, gone: null },
};

/** The state after a message of the host. */
export function reduce(state: PageState, message: BenchmarkToPage): PageState {
  switch (message.type) {
    case "benchmark":
      return { ...state, benchmark: message.benchmark, gone: null };
    case "measures":
      return { ...state, shown: message.shown, outdated: message.outdated };
    case "categories":
      return { ...state, categories: message };
    case "sweep":
      return { ...state, sweep: message.results };
    case "gone":
      return { ...initialState, gone: message.message };
  }
}
