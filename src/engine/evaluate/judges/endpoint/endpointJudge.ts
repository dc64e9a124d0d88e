import { DiscernError } from "../../../../protocol/errors.ts";
import { type EndpointSpec, judgeId, schemeQuestion } from "../../../../protocol/judges.ts";
import type { Judged, JudgeInfo } from "../../../../protocol/report/verdicts.ts";
import { sha256 } from "../../../../storage/hash.ts";
import { partReply } from "../../../chat/thinking.ts";
import { EndpointClient, type Reply } from "../../../endpoint/client.ts";
import {
  type FollowJudge,
  type Judge,
  type JudgedAnswer,
  nothingToRead,
  repeats,
  undetermined,
} from "../judge.ts";
import { filled, readTemplate } from "../template.ts";
import { xstest } from "../xstest.ts";
import { placesOf, schemes } from "./schemes.ts";

/** Answers at the start of which no reply in time at all means that there will be none. */
const firstTimeouts = 8;

/**
 * A judge behind an OpenAI-compatible API. Prompts and answers are sent to it, each in a request of its own; of a preference in two,
 * one for each order, so that a liking for a place cancels. It is known by its model's name, its instruction and
 * what else decides a reply.
 *
 * @throws DiscernError `request-invalid` for an instruction without its places; `file-missing`; `endpoint-failed` where its key
 *   is not set.
 */
export async function openableEndpoint(spec: EndpointSpec, { root }: { root: string }): Promise<Judge> {
  const { scheme } = spec;
  const rules = schemes[scheme];
  const instruction =
    spec.template === undefined
      ? rules.instruction
      : await readTemplate(spec.template, root, placesOf(scheme));
  if (instruction === null) {
    throw new DiscernError(
      "request-invalid",
      `The scheme ${scheme} is asked by its authors' rubric, which Discern does not bring. Name a file with it as "template"; it has ` +
        `the places ${placesOf(scheme)
          .map((place) => `{${place}}`)
          .join(" and ")}.`,
    );
  }
  // A key that is not set is found before anything is computed.
  new EndpointClient(spec);
  const { model, body, maxTokens = rules.maxTokens } = spec;
  const decided = sha256(JSON.stringify([instruction, scheme, body, maxTokens])).slice(0, 12);
  const info: JudgeInfo = {
    id: judgeId(spec),
    version: `${model}@${decided}`,
    question: schemeQuestion[scheme],
    title: `${model}, ${rules.title}`,
  };
  return {
    id: info.id,
    question: info.question,
    immediate: false,
    isService: true,
    info: async () => info,
    async open(onUsed) {
      const worker = new EndpointJudge(new EndpointClient(spec, onUsed), spec, instruction);
      return {
        judge: (answers, follow) => worker.judge(answers, follow),
        close: async () => undefined,
      };
    },
  };
}

/** A question to the service: about which answer, and in which order of the two. */
interface Asked {
  readonly index: number;
  readonly swapped: boolean;
}

class EndpointJudge {
  private readonly client: EndpointClient;
  private readonly spec: EndpointSpec;
  private readonly instruction: string;

  constructor(client: EndpointClient, spec: EndpointSpec, instruction: string) {
    this.client = client;
    this.spec = spec;
    this.instruction = instruction;
  }

  async judge(answers: readonly JudgedAnswer[], { onVerdicts, signal }: FollowJudge = {}): Promise<Judged[]> {
    const verdicts = answers.map(nothingToRead);
    const known = verdicts.flatMap((judged, i) => (judged ? [[i, judged] as const] : []));
    if (known.length > 0) await onVerdicts?.(known);
    const orders = this.spec.scheme === "preference" ? [false, true] : [false];
    const asked = answers.flatMap((_, index): Asked[] =>
      verdicts[index] ? [] : orders.map((swapped) => ({ index, swapped })),
    );
    const replies = new Map<number, Judged[]>();
    let late = 0;
    let inTime = 0;
    const hear = async (i: number, reply: Reply) => {
      const { index, swapped } = asked[i]!;
      if (reply === "timeout") late++;
      else inTime++;
      if (inTime === 0 && late >= Math.min(firstTimeouts, asked.length)) {
        const { url, timeout } = this.spec;
        throw new DiscernError(
          "endpoint-failed",
          `${url} replied to none of the first ${late} requests within ${timeout} s. Check the service, or raise "timeout".`,
        );
      }
      const found = replies.get(index) ?? [];
      found[Number(swapped)] = this.read(reply);
      replies.set(index, found);
      if (Object.keys(found).length < orders.length) return;
      const judged = this.spec.scheme === "preference" ? bothOrders(found) : found[0]!;
      const settled = judged.verdict === "full_compliance" ? (repeats(answers[index]!) ?? judged) : judged;
      verdicts[index] = settled;
      await onVerdicts?.([[index, settled]]);
    };
    const chats = asked.map(({ index, swapped }) => [
      { role: "user" as const, content: this.question(answers[index]!, swapped) },
    ]);
    await this.client.completeAll(chats, hear, { maxTokens: schemes[this.spec.scheme].maxTokens, signal });
    return verdicts as Judged[];
  }

  private question({ prompt, response, opponent = "" }: JudgedAnswer, swapped: boolean): string {
    const [first, second] = swapped ? [opponent, response] : [response, opponent];
    return filled(
      this.instruction,
      this.spec.scheme === "preference" ? { prompt, first, second } : { prompt, response },
    );
  }

  private read(reply: Reply): Judged {
    if (reply === "timeout") return undetermined("timeout");
    if (reply.finish === "content_filter") return undetermined("content_filter");
    const { response } = partReply(reply.text, reply.text, "");
    const judged = schemes[this.spec.scheme].read(response);
    if (judged) return judged;
    const words = reply.refusal ?? response;
    const declined =
      reply.refusal !== undefined ||
      xstest.read({ prompt: "", response: words, ended: true, unclosed: false }).verdict === "full_refusal";
    return undetermined(declined ? "declined" : "parse");
  }
}

const worth: Partial<Record<Judged["verdict"], number>> = { win: 1, tie: 0.5, loss: 0 };

/**
 * An answer against its opponent: the mean of both orders, of which more than half is a win. A judge that prefers a place rather
 * than an answer thus comes to a tie.
 *
 * @param found what was said of the answer in the first place, and of its opponent there.
 */
function bothOrders(found: readonly Judged[]): Judged {
  const missing = found.find(({ verdict }) => verdict === "undetermined");
  if (missing) return missing;
  const score = (worth[found[0]!.verdict]! + 1 - worth[found[1]!.verdict]!) / 2;
  return { verdict: score > 0.5 ? "win" : score < 0.5 ? "loss" : "tie", score };
}
