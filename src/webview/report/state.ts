import type { MethodAnswers } from "../../protocol/report/answers.ts";
import type { EarlierComparison } from "../../protocol/report/earlier.ts";
import type { ShownResult } from "../../protocol/webview/laboratory.ts";
import type {
  Figures,
  FiguresState,
  JudgedAnswer,
  ReportToPage,
  WantedAnswers,
} from "../../protocol/webview/report.ts";

/** Everything the page knows from its host. */
export interface PageState {
  readonly report: { readonly answers: readonly MethodAnswers[]; readonly figures: Figures } | null;
  /** By `answerPlace`. */
  readonly judged: ReadonlyMap<string, JudgedAnswer>;
  readonly broken: readonly number[];
  readonly figures: FiguresState;
  readonly damaged: string | null;
  /** What became of the methods since an earlier report, where one was chosen. */
  readonly earlier: EarlierComparison | null;
  /** How often that was asked for. */
  readonly earlierAsked: number;
  /** Results of the laboratory: the one that was read last, in a file all that it carries. */
  readonly results: readonly ShownResult[];
  readonly blur: boolean;
  /** What the host wants shown; a new object each time, so that the same can be asked for again. */
  readonly wanted: WantedAnswers | null;
}

export const initialState: PageState = {
  report: null,
  judged: new Map(),
  broken: [],
  figures: { kind: "current" },
  damaged: null,
  earlier: null,
  earlierAsked: 0,
  results: [],
  blur: true,
  wanted: null,
};

/** Where an answer stands in the report. */
export function answerPlace(answers: number, suite: string, id: string): string {
  return `${answers}\n${suite}\n${id}`;
}

/** The state after a message of the host. */
export function reduce(state: PageState, message: ReportToPage): PageState {
  switch (message.type) {
    case "report":
      return {
        ...state,
        report: { answers: message.answers, figures: message.figures },
        ...judgements(message.judged),
        broken: message.broken,
        damaged: null,
      };
    case "judged":
      return { ...state, ...judgements(message.judged), broken: message.broken };
    case "figures":
      return state.report === null
        ? state
        : { ...state, report: { ...state.report, figures: message.figures } };
    case "state":
      return { ...state, figures: message.state };
    case "damaged":
      return { ...state, report: null, damaged: message.message };
    case "show":
      return { ...state, wanted: { ...message.what } };
    case "earlier":
      return {
        ...state,
        earlier: message.earlier,
        earlierAsked: state.earlierAsked + Number(message.wasAsked),
      };
    case "result":
      return { ...state, results: [message.shown] };
    case "blur":
      return { ...state, blur: message.blur };
  }
}

function judgements(judged: readonly JudgedAnswer[]): Pick<PageState, "judged"> {
  return { judged: new Map(judged.map((one) => [answerPlace(one.answers, one.suite, one.id), one])) };
}
