import type { RunEvent } from "./events.ts";
import { madeWords } from "./made.ts";

/** What a run is at besides steps of training, and how far it has come. */
export interface Activity {
  /** In lower case, such as "evaluating". */
  readonly verb: string;
  /** What it is done to or with, such as a suite. */
  readonly object: string;
  readonly done: number;
  readonly total: number;
}

/** The activity that an event reports; null for events of training and for those that report no progress. */
export function activityOf(event: RunEvent): Activity | null {
  switch (event.type) {
    case "making-progress":
      return activity("making", madeWords[event.what], event);
    case "steering-progress":
      return activity("fitting", event.method, event);
    case "evaluation-progress":
      return activity("evaluating", event.suite, event);
    case "laboratory-progress":
      return activity("measuring", `${event.probe} at ${event.state}`, event);
    case "judging-progress":
      return activity("judging", `answers by ${event.judge}`, event);
    default:
      return null;
  }
}

/** An activity as a sentence begins: "Evaluating xstest". */
export function activityWords({ verb, object }: Activity): string {
  return `${verb[0]!.toUpperCase()}${verb.slice(1)} ${object}`;
}

function activity(verb: string, object: string, { done, total }: { done: number; total: number }): Activity {
  return { verb, object, done, total };
}
