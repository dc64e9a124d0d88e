import { resolveModel } from "../../../../modelsHome/home.ts";
import { DiscernError } from "../../../../protocol/errors.ts";
import { type GuardSpec, guardQuestion, judgeId } from "../../../../protocol/judges.ts";
import type { Judged, JudgeInfo } from "../../../../protocol/report/verdicts.ts";
import { forwardFlops } from "../../../../recipe/stageCost.ts";
import { sha256 } from "../../../../storage/hash.ts";
import { ChatTemplate } from "../../../chat/chat.ts";
import { inspectModel, modelFingerprint } from "../../../model/load.ts";
import { generate } from "../../../probe/generate.ts";
import { modelSize, openSession, releaseModel, type Session } from "../../../session/session.ts";
import type { ModelTokenizer } from "../../../tokenizer/tokenizer.ts";
import {
  type FollowJudge,
  type Judge,
  type JudgeContext,
  type JudgedAnswer,
  nothingToRead,
  repeats,
  undetermined,
} from "../judge.ts";
import { filled, readTemplate } from "../template.ts";
import { type GuardFamily, guardFamilies } from "./families.ts";

/**
 * A guard model as a judge: it writes its verdict as text, and runs on the same backend as any model. It is asked by its own
 * chat template, prompt and answer as the two turns of a conversation, or by a file of the user's with the places {prompt} and
 * {response}.
 *
 * @throws DiscernError `model-missing`, `model-invalid`; `request-invalid` for a question that the family does not decide, or where a
 *   template is needed; `file-missing`.
 */
export async function openableGuard(spec: GuardSpec, { root, threads }: JudgeContext): Promise<Judge> {
  const family = guardFamilies[spec.family];
  const question = guardQuestion(spec);
  const read = family.read[question];
  if (!read) {
    throw new DiscernError(
      "request-invalid",
      `${family.title} does not state refusals. Ask it "question": "harm"; a refusal is never read from it.`,
    );
  }
  const path = await resolveModel(spec.model, [root]);
  const template =
    spec.template === undefined ? null : await readTemplate(spec.template, root, ["prompt", "response"]);
  const { tokenizer, tokenizerProblem } = await inspectModel(path);
  if (tokenizer === null) throw new DiscernError("tokenizer-missing", `${path}: ${tokenizerProblem}`);
  if (template === null && (!family.ownTemplate || tokenizer.template !== "chat")) {
    throw new DiscernError(
      "request-invalid",
      `${family.title} is asked by a text of its authors that ${family.ownTemplate ? `${path} has no chat template for` : "no chat template holds"}. ` +
        'Write it into a file with the places {prompt} and {response}, and name the file as "template".',
    );
  }
  const describe = async (): Promise<JudgeInfo> => {
    const hashes = (await modelFingerprint(path)).map((file) => file.sha256);
    return {
      id: judgeId(spec),
      version: sha256(JSON.stringify([hashes, template, spec.family])).slice(0, 16),
      question,
      title: `${family.title} (${judgeId({ ...spec, id: undefined })})`,
    };
  };
  let info: Promise<JudgeInfo> | undefined;
  return {
    id: judgeId(spec),
    question,
    immediate: false,
    info() {
      info ??= describe();
      return info;
    },
    async open() {
      // Alpaca's template stands for none: a guard's own is not for instructions, and is rendered below.
      const session = await openSession({
        model: path,
        root,
        backend: spec.backend,
        device: spec.device,
        template: "alpaca",
        ...(threads && { threads }),
      });
      const worker = new GuardJudge(session, { family, question, template, batchSize: spec.batchSize });
      return {
        judge: (answers, follow) => worker.judge(answers, follow),
        close: () => releaseModel(session),
      };
    },
  };
}

interface GuardOptions {
  readonly family: GuardFamily;
  readonly question: "refusal" | "harm";
  readonly template: string | null;
  readonly batchSize: number;
}

/** An answer and the tokens by which the model is asked about it. */
interface Asked {
  readonly index: number;
  readonly ids: readonly number[];
}

class GuardJudge {
  private readonly session: Session;
  private readonly options: GuardOptions;
  private readonly chat: ChatTemplate | null;
  /** Tokens that the model read and wrote. */
  private tokensRead = 0;

  constructor(session: Session, options: GuardOptions) {
    this.session = session;
    this.options = options;
    this.chat = options.template === null ? new ChatTemplate(session.tokenizer.chatTemplate!) : null;
  }

  async judge(
    answers: readonly JudgedAnswer[],
    { onVerdicts, onComputed, signal }: FollowJudge = {},
  ): Promise<Judged[]> {
    const { backend } = this.session;
    const verdicts: (Judged | null)[] = answers.map(nothingToRead);
    const asked: Asked[] = [];
    for (const [index, answer] of answers.entries()) {
      if (verdicts[index]) continue;
      const ids = await this.tokens(answer);
      if (ids === null) verdicts[index] = undetermined("too_long");
      else asked.push({ index, ids });
    }
    const known = verdicts.flatMap((judged, i) => (judged ? [[i, judged] as const] : []));
    if (known.length > 0) await onVerdicts?.(known);
    asked.sort((a, b) => b.ids.length - a.ids.length);
    const { batchSize } = this.options;
    await backend.interruptible(
      () => signal?.throwIfAborted(),
      async () => {
        for (let start = 0; start < asked.length; start += batchSize) {
          const batch = asked.slice(start, start + batchSize);
          const before = this.tokensRead;
          const found = await this.verdictsOn(batch, answers);
          if (onComputed) {
            const flops = (this.tokensRead - before) * forwardFlops(modelSize(this.session));
            onComputed(flops, await backend.use());
          }
          for (const [index, judged] of found) verdicts[index] = judged;
          await onVerdicts?.(found);
        }
      },
    );
    return verdicts as Judged[];
  }

  /** What the model is asked, in tokens; null where it does not fit and is not cut. */
  private async tokens({ prompt, response }: JudgedAnswer): Promise<number[] | null> {
    const { tokenizer, backend } = this.session;
    const { family, template } = this.options;
    const { longestResponse } = family;
    const read =
      longestResponse === undefined ? response : await firstTokens(tokenizer, response, longestResponse);
    const ids = await (template === null
      ? tokenizer.encode(this.conversation(prompt, read))
      : this.fromTemplate(filled(template, { prompt, response: read })));
    const room = backend.shape.contextLength - family.maxNewTokens;
    if (ids.length <= room) return ids;
    return family.cutLeft ? ids.slice(-room) : null;
  }

  /** @throws DiscernError `model-invalid` where the template leaves one of the two out. */
  private conversation(prompt: string, response: string): string {
    const { specialTokens } = this.session.tokenizer;
    const text = this.chat!.render(
      [
        { role: "user", content: prompt },
        { role: "assistant", content: response },
      ],
      { addGenerationPrompt: false, specialTokens },
    );
    if (text.includes(prompt.trim()) && text.includes(response.trim())) return text;
    throw new DiscernError(
      "model-invalid",
      'The chat template of the guard model does not write prompt and answer. Name a file with its text as "template".',
    );
  }

  /** Exactly one BOS, whether the file writes it or not. */
  private fromTemplate(text: string): Promise<number[]> {
    const { tokenizer } = this.session;
    const written = tokenizer.bosText !== "" && text.startsWith(tokenizer.bosText);
    return tokenizer.encode(text, { begin: !written });
  }

  private async verdictsOn(
    batch: readonly Asked[],
    answers: readonly JudgedAnswer[],
  ): Promise<[number, Judged][]> {
    const { tokenizer, backend } = this.session;
    const { family, question } = this.options;
    const outputs = await generate(
      backend,
      batch.map(({ ids }) => ids),
      { maxNewTokens: family.maxNewTokens, batchSize: batch.length, eosIds: tokenizer.eosIds },
    );
    for (const [i, { ids }] of batch.entries()) this.tokensRead += ids.length + outputs[i]!.ids.length;
    const scores = await this.scores(
      batch,
      outputs.map(({ ids }) => ids),
    );
    const found: [number, Judged][] = [];
    for (const [i, { index }] of batch.entries()) {
      const judged = family.read[question]!(await tokenizer.decode(outputs[i]!.ids));
      const score = scores[i];
      if (judged === null) found.push([index, undetermined("parse")]);
      else if (judged.verdict === "full_compliance" && repeats(answers[index]!))
        found.push([index, repeats(answers[index]!)!]);
      else found.push([index, score === undefined ? judged : { ...judged, score }]);
    }
    return found;
  }

  /** The probability of a refusal, or of harm, where the family says at which place of its output it is read. */
  private async scores(
    batch: readonly Asked[],
    outputs: readonly (readonly number[])[],
  ): Promise<(number | undefined)[]> {
    const { tokenizer, backend } = this.session;
    const scored = this.options.family.scored?.[this.options.question];
    const scores = new Array<number | undefined>(batch.length).fill(undefined);
    if (!scored) return scores;
    const places: { i: number; ids: number[] }[] = [];
    for (const [i, output] of outputs.entries()) {
      const before = scored.before(await tokenizer.decode(output));
      const length = before === null ? null : await tokensOf(tokenizer, output, before);
      if (length !== null) places.push({ i, ids: [...batch[i]!.ids, ...output.slice(0, length)] });
    }
    const [yes, no] = await Promise.all(scored.continuations.map((text) => tokenizer.encode(text)));
    if (places.length === 0) return scores;
    for (const { ids } of places) this.tokensRead += ids.length;
    const next = await backend.nextTokens(places.map(({ ids }) => ids));
    for (const [k, { i }] of places.entries()) {
      const [p, q] = [yes!, no!].map((ids) => Math.exp(next.get(k)![ids[0]!]!));
      scores[i] = scored.amongBoth ? p! / (p! + q!) : p!;
    }
    return scores;
  }
}

/** How many tokens of an output make up its beginning; null where a token reaches across its end. */
async function tokensOf(
  tokenizer: ModelTokenizer,
  output: readonly number[],
  beginning: string,
): Promise<number | null> {
  for (let n = 0; n <= output.length; n++) {
    const text = await tokenizer.decode(output.slice(0, n));
    if (text === beginning) return n;
    if (text.length > beginning.length) return null;
  }
  return null;
}

async function firstTokens(tokenizer: ModelTokenizer, text: string, count: number): Promise<string> {
  const ids = await tokenizer.encode(text);
  return ids.length <= count ? text : tokenizer.decode(ids.slice(0, count));
}
