/**
 * The room of services: a client of OpenAI-compatible chat completions, for judges and for whatever else has a model elsewhere
 * write a text. It knows one request of that protocol, so it is made of `fetch` and a schema: the libraries for it bring the whole
 * API, and hide what is needed here, which try failed, how long the service asks to wait, and what was used. The key is read from
 * the environment when a client is made and goes nowhere but into the header of requests.
 */
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import type { Endpoint } from "../../protocol/judges.ts";
import type { Usage } from "../../protocol/spent.ts";

export interface ChatTurn {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** What a service wrote. */
export interface Completion {
  readonly text: string;
  /** What it thought before, where the service tells it apart. */
  readonly reasoning?: string;
  /** Its own words for declining, where the service tells them apart. */
  readonly refusal?: string;
  /** Why it ended. `content_filter` also where the service refused the request for its content. */
  readonly finish: "stop" | "length" | "content_filter" | "other";
}

/** A completion; "timeout" where none came in time, in any of the tries. */
export type Reply = Completion | "timeout";

const text = z.string().nullish();
const content = z.union([text, z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))]);
const count = z.number().nonnegative();
const replySchema = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        message: z.looseObject({ content, reasoning_content: text, reasoning: text, refusal: text }),
        finish_reason: text,
      }),
    )
    .min(1),
  usage: z.looseObject({ prompt_tokens: count, completion_tokens: count }).nullish(),
});
const problemSchema = z.looseObject({
  error: z.union([
    z.string(),
    z.looseObject({ message: text, code: z.unknown().optional(), type: z.unknown().optional() }),
  ]),
});

/** Statuses after which the same request may succeed. */
const passing = new Set([408, 409, 425, 429, 500, 502, 503, 504, 529]);
/** Milliseconds: the first wait before another try, the longest one, and the longest that a service may ask for. */
const waits = { first: 500, longest: 30_000, asked: 300_000 };
const localHost = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** One service and model, asked by several requests at a time. */
export class EndpointClient {
  private readonly endpoint: Endpoint;
  private readonly onUsed: (used: Usage) => void;
  private readonly key: string | undefined;
  private readonly address: string;
  /** No request is sent before: a service that is told too much is told nothing for a while. In milliseconds of `performance.now`. */
  private quietUntil = 0;

  /**
   * @param onUsed told what each request took, before its reply is given.
   * @throws DiscernError `endpoint-failed` where the key is not set, or would travel unencrypted.
   */
  constructor(endpoint: Endpoint, onUsed: (used: Usage) => void = () => undefined) {
    this.endpoint = endpoint;
    this.onUsed = onUsed;
    const url = new URL(endpoint.url);
    url.pathname = `${url.pathname.replace(/\/+$/, "")}/chat/completions`;
    this.address = url.href;
    if (endpoint.key === undefined) return;
    this.key = process.env[endpoint.key];
    if (!this.key) {
      throw new DiscernError(
        "endpoint-failed",
        `The key of ${endpoint.url} is to be in the environment variable ${endpoint.key}, which is not set. Set it, or store the ` +
          'key in VS Code by "Discern: Set API Key for a Judge…".',
      );
    }
    if (url.protocol === "http:" && !localHost.test(url.hostname)) {
      throw new DiscernError(
        "endpoint-failed",
        `${endpoint.url} is not encrypted, and the key in ${endpoint.key} would be readable on the way. Use https.`,
      );
    }
  }

  /**
   * Asks for several completions, as many at a time as the endpoint allows, each tried again after a timeout, a rate limit or a
   * failure of the service.
   *
   * @param onReply called with each reply as it comes, in no order. Awaited.
   * @throws DiscernError `endpoint-failed` where the service refuses a request or keeps failing; the signal's reason. Requests
   *   that are under way are then given up.
   */
  async completeAll(
    chats: readonly (readonly ChatTurn[])[],
    onReply: (index: number, reply: Reply) => Promise<void> | void,
    { maxTokens, signal }: { maxTokens?: number; signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    const ending = new AbortController();
    const ended = signal ? AbortSignal.any([signal, ending.signal]) : ending.signal;
    let next = 0;
    const work = async () => {
      while (next < chats.length) {
        const index = next++;
        await onReply(index, await this.complete(chats[index]!, maxTokens, ended));
      }
    };
    const workers = Array.from({ length: Math.min(this.endpoint.concurrency, chats.length) }, work);
    try {
      await Promise.all(workers);
    } catch (error) {
      // What went wrong first is what is told; the others are given up and waited for.
      ending.abort(error);
      await Promise.allSettled(workers);
      signal?.throwIfAborted();
      throw error;
    }
  }

  private async complete(
    messages: readonly ChatTurn[],
    maxTokens: number | undefined,
    signal: AbortSignal,
  ): Promise<Reply> {
    for (let tries = 0; ; tries++) {
      await this.quiet(signal);
      const outcome = await this.attempt(messages, maxTokens, signal);
      if (outcome.done) return outcome.completion;
      if (tries >= this.endpoint.retries) {
        if (outcome.timedOut) return "timeout";
        throw this.failed(`${outcome.problem} (${tries + 1} tries)`, outcome.cause);
      }
      const wait =
        outcome.wait ?? Math.min(waits.longest, waits.first * 2 ** tries) * (0.5 + Math.random() / 2);
      if (outcome.wait !== undefined) this.quietUntil = Math.max(this.quietUntil, performance.now() + wait);
      else await sleep(wait, undefined, { signal });
    }
  }

  private async quiet(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    for (
      let left = this.quietUntil - performance.now();
      left > 0;
      left = this.quietUntil - performance.now()
    ) {
      await sleep(left, undefined, { signal });
    }
  }

  /** @throws DiscernError for what another try would not change; the signal's reason. */
  private async attempt(
    messages: readonly ChatTurn[],
    maxTokens: number | undefined,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { timeout, url } = this.endpoint;
    const inTime = AbortSignal.timeout(timeout * 1000);
    let response: Response;
    let body: string;
    try {
      response = await fetch(this.address, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          ...(this.key !== undefined && { Authorization: `Bearer ${this.key}` }),
        },
        body: JSON.stringify(this.request(messages, maxTokens)),
        redirect: "error",
        signal: AbortSignal.any([signal, inTime]),
      });
      body = await response.text();
    } catch (cause) {
      // The service may have worked on what is given up here.
      if (signal.aborted || inTime.aborted) this.use({ unreported: 1 });
      signal.throwIfAborted();
      if (inTime.aborted) {
        return { done: false, timedOut: true, problem: `${url} did not reply within ${timeout} s`, cause };
      }
      return {
        done: false,
        timedOut: false,
        problem: `${url} could not be reached: ${reasonOf(cause)}`,
        cause,
      };
    }
    if (response.ok) return { done: true, completion: this.read(body) };
    this.use({});
    const problem = problemOf(body);
    if (problem.filtered) return { done: true, completion: { text: "", finish: "content_filter" } };
    const said = `${url} answered ${response.status}${problem.message && `: ${this.hidden(problem.message)}`}`;
    if (!passing.has(response.status)) throw this.failed(said);
    const wait = askedWait(response.headers);
    if (wait !== undefined && wait > waits.asked) {
      throw this.failed(`${said} It asks to wait ${Math.ceil(wait / 60_000)} minutes`);
    }
    return { done: false, timedOut: false, problem: said, ...(wait !== undefined && { wait }) };
  }

  private request(messages: readonly ChatTurn[], maxTokens: number | undefined): Record<string, unknown> {
    const all = {
      model: this.endpoint.model,
      messages,
      temperature: 0,
      max_tokens: this.endpoint.maxTokens ?? maxTokens,
      ...this.endpoint.body,
    };
    return Object.fromEntries(
      Object.entries(all).filter(([, value]) => value !== null && value !== undefined),
    );
  }

  /** @throws DiscernError where the reply is not one of the protocol. */
  private read(body: string): Completion {
    let reply: z.infer<typeof replySchema>;
    try {
      reply = replySchema.parse(JSON.parse(body));
    } catch (cause) {
      this.use({ unreported: 1 });
      const shown = this.hidden(body.length > 200 ? `${body.slice(0, 200)}…` : body);
      throw this.failed(
        `${this.address} answers in another form than OpenAI's chat completions: ${JSON.stringify(shown)}. Check url: it ends before /chat/completions`,
        cause,
      );
    }
    const { usage } = reply;
    if (usage) this.use({ promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens });
    else this.use({ unreported: 1 });
    const { message, finish_reason } = reply.choices[0]!;
    const { refusal } = message;
    const reasoning = message.reasoning_content ?? message.reasoning;
    return {
      text: plain(message.content),
      ...(reasoning && { reasoning }),
      ...(refusal && { refusal }),
      finish: isFinish(finish_reason) ? finish_reason : "other",
    };
  }

  /** Reports what one request took. */
  private use({
    promptTokens = 0,
    completionTokens = 0,
    unreported = 0,
  }: Partial<Pick<Usage, "promptTokens" | "completionTokens" | "unreported">>): void {
    const { price } = this.endpoint;
    const cost = price ? (promptTokens * price.input + completionTokens * price.output) / 1e6 : null;
    this.onUsed({ requests: 1, promptTokens, completionTokens, unreported, cost });
  }

  private failed(what: string, cause?: unknown): DiscernError {
    return new DiscernError("endpoint-failed", `${what}.`, cause === undefined ? {} : { cause });
  }

  /** A service's words without the key, which some of them repeat. */
  private hidden(said: string): string {
    return this.key ? said.replaceAll(this.key, "…") : said;
  }
}

/** What one try came to. */
type Outcome =
  | { readonly done: true; readonly completion: Completion }
  | {
      readonly done: false;
      readonly timedOut: boolean;
      readonly problem: string;
      readonly cause?: unknown;
      /** Milliseconds that the service asks to wait. */
      readonly wait?: number;
    };

function isFinish(reason: string | null | undefined): reason is "stop" | "length" | "content_filter" {
  return reason === "stop" || reason === "length" || reason === "content_filter";
}

function plain(value: z.infer<typeof content>): string {
  if (!Array.isArray(value)) return value ?? "";
  return value.map((part) => (part.type === "text" ? (part.text ?? "") : "")).join("");
}

/** The words of a problem, and whether it is that the service's filter took offence (Azure answers 400 then). */
function problemOf(body: string): { message: string; filtered: boolean } {
  try {
    const { error } = problemSchema.parse(JSON.parse(body));
    if (typeof error === "string") return { message: error, filtered: false };
    const filtered = [error.code, error.type].some(
      (each) => each === "content_filter" || each === "content_policy_violation",
    );
    return { message: error.message ?? "", filtered };
  } catch {
    return { message: body.trim().slice(0, 200), filtered: false };
  }
}

/** Milliseconds of `Retry-After`, in seconds or as a date, or of `retry-after-ms`. */
function askedWait(headers: Headers): number | undefined {
  const milliseconds = Number(headers.get("retry-after-ms") ?? Number.NaN);
  if (milliseconds >= 0) return milliseconds;
  const after = headers.get("retry-after");
  if (after === null) return undefined;
  const seconds = Number(after);
  const wait = Number.isNaN(seconds) ? Date.parse(after) - Date.now() : seconds * 1000;
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

/** Why `fetch` failed: it says "fetch failed" and keeps the reason as its cause. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return cause instanceof Error ? cause.message || String(cause) : String((error as Error).message);
}
