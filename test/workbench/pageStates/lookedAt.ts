import type { PageInBrowser } from "../pageInBrowser.ts";

/** A page, what its host answers, and the states in which it is looked at, one after another. */
export interface LookedAt {
  readonly name: string;
  /** Answers what the page asks. */
  readonly host?: (page: () => PageInBrowser) => (message: never) => unknown;
  readonly states: readonly {
    readonly name: string;
    readonly show: (page: PageInBrowser) => Promise<unknown>;
  }[];
}
