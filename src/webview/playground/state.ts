import {
  type PlaygroundSubject,
  type PlaygroundToPage,
  type Side,
  sides,
  type WordEffect,
} from "../../protocol/webview/playground.ts";

/** What is known of the prompt on a side. */
export interface SideState {
  /** What is being done, in words; null where nothing is. */
  readonly status: string | null;
  /** Undefined until it is known. */
  readonly probability: number | null | undefined;
  readonly openings: readonly { readonly opening: string; readonly probability: number }[];
  readonly words: readonly WordEffect[] | null;
  readonly answer: Extract<PlaygroundToPage, { type: "answer" }>["answer"] | null;
  /** The answer as far as it is written; null before and after that. */
  readonly written: Extract<PlaygroundToPage, { type: "written" }>["answer"] | null;
  readonly problem: string | null;
}

/** Everything the page knows from its host. */
export interface PageState {
  readonly subjects: readonly (PlaygroundSubject | null)[];
  /** The question that results belong to; those of earlier ones are dropped. */
  readonly ask: number;
  /** The prompt of that question. */
  readonly text: string;
  /** Whether the models are kept in memory. */
  readonly held: boolean;
  readonly sides: readonly SideState[];
}

const blank: SideState = {
  ...{
    status: null,
    probability: undefined,
    openings: [],
    words: null,
    answer: null,
    written: null,
    problem: null,
  },
};
export const initialState: PageState = {
  subjects: [null, null],
  ask: 0,
  text: "",
  held: false,
  sides: sides.map(() => blank),
};

/** The state once a question was asked: what is known of another prompt is no longer shown. */
export function asked(state: PageState, ask: number, text: string): PageState {
  const waiting = (side: Side) => {
    const known = text === state.text ? { ...state.sides[side]!, problem: null } : blank;
    return state.subjects[side] && known.probability === undefined ? { ...known, status: "Scoring" } : known;
  };
  return { ...state, ask, text, sides: sides.map(waiting) };
}

/** The state once the question was cancelled: what is known stays, and nothing is waited for. */
export function cancelled(state: PageState): PageState {
  return { ...state, sides: state.sides.map((side) => ({ ...side, status: null, written: null })) };
}

/** The state after a message of the host. */
export function reduce(state: PageState, message: PlaygroundToPage): PageState {
  if (message.type === "subjects") {
    const { subjects } = message;
    const isSame = (side: Side) => JSON.stringify(subjects[side]) === JSON.stringify(state.subjects[side]);
    // What one model does is still true once the other was changed.
    return { ...state, subjects, sides: sides.map((side) => (isSame(side) ? state.sides[side]! : blank)) };
  }
  if (message.type === "memory") return { ...state, held: message.held };
  if (message.ask !== state.ask) return state;
  const change = changeOf(message);
  return {
    ...state,
    sides: state.sides.map((side, i) => (i === message.side ? { ...side, ...change } : side)),
  };
}

function changeOf(message: Extract<PlaygroundToPage, { ask: number }>): Partial<SideState> {
  switch (message.type) {
    case "status":
      return { status: message.status };
    case "score":
      return { status: null, probability: message.probability, openings: message.openings };
    case "words":
      return { status: null, words: message.words };
    case "answer":
      return { status: null, answer: message.answer, written: null };
    case "written":
      return { status: "Writing", written: message.answer };
    case "failed":
      return { status: null, problem: message.reason, written: null };
  }
}
