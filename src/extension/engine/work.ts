import type { Method } from "../../protocol/rpc.ts";
import type { Look } from "./monitor.ts";

/** Requests that rightly keep the engine's main thread busy for long. */
const long: ReadonlySet<Method> = new Set([
  ...(["generate", "score", "tryPrompt", "export", "measureProbe", "deriveOpenings"] as const),
]);

/** What an engine works on at present. */
export class Work {
  private readonly pending: Method[] = [];

  get kind(): Look["work"] {
    if (this.pending.length === 0) return "none";
    return this.pending.some((method) => long.has(method)) ? "long" : "quick";
  }

  /** Counts a request in until it is answered. */
  async during<T>(method: Method, answer: Promise<T>): Promise<T> {
    this.pending.push(method);
    try {
      return await answer;
    } finally {
      this.pending.splice(this.pending.indexOf(method), 1);
    }
  }
}
