import type { Endpoint } from "../../protocol/judges.ts";
import type { Usage } from "../../protocol/spent.ts";
import { EndpointClient } from "../endpoint/client.ts";
import type { Judge } from "../evaluate/judges/judge.ts";
import { judgeTexts } from "../evaluate/judging.ts";
import type { Kept } from "../probe/kept.ts";
import type { AskedPrompt, OwnAnswer } from "./ownAnswers.ts";

/** What a model behind an endpoint wrote. */
export interface EndpointReply {
  readonly text: string;
  readonly ended: boolean;
}

export interface EndpointAnswersOptions {
  readonly maxNewTokens: number;
  readonly judge: Judge;
  readonly signal: AbortSignal;
  readonly kept: Kept<EndpointReply>;
  readonly onProgress: (done: number, total: number) => void;
  /** Told what each request took, of the model that answers or of a judge that is a service, before its reply is kept. */
  readonly onUsed: (service: string, used: Usage) => void;
}

/**
 * Has a model behind an OpenAI-compatible API answer prompts, and a judge read the answers.
 *
 * @returns the answers in the order of the prompts; undefined where none came in time.
 * @throws DiscernError `endpoint-failed`; the signal's reason. Answers up to there are kept.
 */
export async function endpointAnswers(
  endpoint: Endpoint,
  prompts: readonly AskedPrompt[],
  { maxNewTokens, judge, signal, kept, onProgress, onUsed }: EndpointAnswersOptions,
): Promise<(OwnAnswer | undefined)[]> {
  const client = new EndpointClient(endpoint, (used) => onUsed(endpoint.model, used));
  const replies = new Map<number, EndpointReply>();
  for (const i of prompts.keys()) {
    const known = kept.known(i);
    if (known) replies.set(i, known);
  }
  const open = [...prompts.keys()].filter((i) => !replies.has(i));
  await client.completeAll(
    open.map((i) => [{ role: "user", content: prompts[i]!.prompt }]),
    async (at, reply) => {
      if (reply === "timeout") return;
      const found = { text: reply.refusal ?? reply.text, ended: reply.finish === "stop" };
      replies.set(open[at]!, found);
      await kept.keep([[open[at]!, found]]);
      onProgress(replies.size, prompts.length);
    },
    { maxTokens: maxNewTokens, signal },
  );
  const there = [...replies].sort(([a], [b]) => a - b);
  const judged = await judgeTexts(
    judge,
    there.map(([i, { text, ended }]) => ({
      prompt: prompts[i]!.prompt,
      response: text,
      ended,
      unclosed: false,
    })),
    { signal, onUsed },
  );
  const answers = new Map(
    there.map(([i, { text, ended }], at) => [i, { response: text, ended, judged: judged[at]! }]),
  );
  return prompts.map((_, i) => answers.get(i));
}
