import { refusalOpenings } from "../../protocol/openings.ts";
import type { Params, Result } from "../../protocol/rpc.ts";
import { openRun } from "../../runFolder/folder.ts";
import type { PromptEncoder } from "../chat/encoding.ts";
import { generate } from "../probe/generate.ts";
import { RefusalScorer } from "../probe/refusal.ts";
import { plainOpening, spellings } from "../probe/tokenTrie.ts";
import { openState } from "../run/openState.ts";

import { listStates, namedStates } from "../run/states.ts";
import { releaseModel, type Session } from "../session/session.ts";
import { type AskOptions, cutOffBy, type Following, openAdapted } from "./ask.ts";

export type TryQuestion = Params<"tryPrompt">;
type TryAnswer = Result<"tryPrompt">;
type TrySession = Session;
type Told = Pick<AskOptions, "onProgress" | "onStatus" | "onWarning" | "work">;

/** Models that stay loaded: those that are compared side by side. */
const most = 2;
/** Milliseconds after which a model that is asked nothing gives its memory back. */
const idle = 120_000;
/** Milliseconds between two tellings of an answer that is being written. */
const writtenEvery = 100;

/** A model that stays loaded, and what gives it back when it is asked nothing. */
interface KeptSession {
  readonly session: TrySession;
  readonly scorer: RefusalScorer;
  timer: NodeJS.Timeout | null;
  isAsked: boolean;
}

/** What an answer is so far. */
type Written = Pick<NonNullable<TryAnswer["answer"]>, "response" | "reasoning">;
interface Asking extends Following {
  /** Told of the answer as it is written. */
  readonly onWritten?: (reply: { readonly response: string; readonly reasoning?: string }) => void;
}

/**
 * Answers questions about single prompts while a person edits them. The two models asked last stay loaded until they are asked nothing
 * for two minutes, since reading one takes longer than asking it. Questions must come one after another.
 */
export class PromptTrial {
  private readonly kept = new Map<string, KeptSession>();
  /** How often memory was asked back: what was asked before the last time keeps nothing, a model that was still being read included. */
  private releases = 0;

  /**
   * The refusal probability of each text, null where it leaves no room in the model's context; of the first text also by opening, and the
   * greedy answer, where they are asked for.
   *
   * @throws as `openAdapted` and `openState`; `request-invalid` for a state that the run did not keep; the reason of `signal`.
   */
  async ask(
    { subject, texts, openings, maxNewTokens }: TryQuestion,
    told: Told,
    { onProgress, onWritten, signal }: Asking = {},
  ): Promise<TryAnswer> {
    const { releases } = this;
    const work = { prompts: texts.length, tokens: maxNewTokens ?? 0 };
    const held = await this.session(subject, { ...told, work });
    const { session, scorer } = held;
    held.isAsked = true;
    try {
      return await cutOffBy(signal, session, async () => {
        const { contextLength } = session.backend.shape;
        const rows = await session.encoder.prompts(texts);
        const fits = rows.map((row) => row.length + scorer.depth <= contextLength);
        const fitting = rows.filter((_, i) => fits[i]);
        const found = await scorer.score(fitting, onProgress ? { onProgress } : {});
        let next = 0;
        return {
          scores: fits.map((isFitting) => (isFitting ? found[next++]!.probability : null)),
          openings: openings && fits[0] ? await byOpening(scorer, session.encoder, rows[0]!) : [],
          answer:
            maxNewTokens === undefined
              ? null
              : await answerOf(session, texts[0]!, maxNewTokens, (reply) => {
                  if (!signal?.aborted) onWritten?.(reply);
                }),
          keptMs: releases === this.releases ? idle : 0,
        };
      });
    } finally {
      held.isAsked = false;
      if (releases !== this.releases) await this.drop(keyOf(subject));
      else {
        held.timer = setTimeout(() => void this.drop(keyOf(subject)), idle);
        held.timer.unref();
      }
    }
  }

  /** Gives back the memory of all models; one that is being asked goes when it has answered. */
  async release(): Promise<void> {
    this.releases++;
    for (const [key, { isAsked }] of [...this.kept]) if (!isAsked) await this.drop(key);
  }

  private async session(subject: TryQuestion["subject"], told: Told): Promise<KeptSession> {
    const key = keyOf(subject);
    const known = this.kept.get(key);
    if (known) {
      // The one asked last is the last to go.
      this.kept.delete(key);
      this.kept.set(key, known);
      clearTimeout(known.timer ?? undefined);
      return known;
    }
    while (this.kept.size >= most) await this.drop(this.kept.keys().next().value!);
    const session = await opened(subject, told);
    const scorer = await RefusalScorer.create(session.backend, session.encoder, refusalOpenings);
    const held: KeptSession = { session, scorer, timer: null, isAsked: false };
    this.kept.set(key, held);
    return held;
  }

  private async drop(key: string): Promise<void> {
    const held = this.kept.get(key);
    if (held === undefined) return;
    clearTimeout(held.timer ?? undefined);
    this.kept.delete(key);
    await releaseModel(held.session);
  }
}

function keyOf(subject: TryQuestion["subject"]): string {
  return JSON.stringify(subject);
}

async function opened(subject: TryQuestion["subject"], told: Told): Promise<TrySession> {
  if (subject.kind === "model") {
    const { kind: _, model, threads, ...how } = subject;
    return openAdapted({
      ...{ ...how, ...told, model: model.base, adapters: model.adapters },
      ...(threads === undefined ? {} : { threads }),
    });
  }
  const record = await openRun(subject.folder);
  const states = await listStates(record.folder, record.recipe.stages.length);
  const [state] = subject.state === undefined ? states.slice(-1) : namedStates(states, [subject.state]);
  // Reading all of a model's files to compare them would take longer than the question.
  return openState(record, state!, { verified: false, ...told });
}

/** How much each opening, in all its spellings, carries of a prompt's refusal probability; the greatest first, those of 0 left out. */
async function byOpening(
  scorer: RefusalScorer,
  encoder: PromptEncoder,
  row: readonly number[],
): Promise<TryAnswer["openings"]> {
  const spelled = refusalOpenings.flatMap((opening) => spellings(opening).map((text) => ({ opening, text })));
  const tokens = await encoder.openings(spelled.map(({ text }) => text));
  const names = new Map<string, string>();
  for (const [i, ids] of tokens.entries()) {
    // Spellings may share their tokens; the first opening has them.
    if (!names.has(String(ids))) names.set(String(ids), plainOpening(spelled[i]!.opening));
  }
  const shares = new Map<string, number>();
  for (const { tokens: path, probability } of await scorer.bySequence(row)) {
    const opening = names.get(String(path))!;
    shares.set(opening, (shares.get(opening) ?? 0) + probability);
  }
  return [...shares]
    .map(([opening, probability]) => ({ opening, probability }))
    .filter(({ probability }) => probability > 0)
    .sort((a, b) => b.probability - a.probability);
}

async function answerOf(
  { backend, encoder, tokenizer }: TrySession,
  text: string,
  maxNewTokens: number,
  onWritten: (reply: Written) => void,
): Promise<TryAnswer["answer"]> {
  const row = await encoder.promptToWrite(text);
  const telling = tellWritten(encoder, onWritten);
  const [written] = await generate(backend, [row], {
    ...{ maxNewTokens, eosIds: tokenizer.eosIds },
    onToken: (_, ids) => telling.grown(ids),
  });
  telling.end();
  const { response, reasoning } = await encoder.readReply(written!.ids);
  return { response, ...(reasoning === undefined ? {} : { reasoning }), ended: written!.ended };
}

/** Reads an answer now and then while it is written. What comes of it after the end is not told: the whole answer follows. */
function tellWritten(encoder: PromptEncoder, onWritten: (reply: Written) => void) {
  let last = performance.now();
  let isOver = false;
  return {
    grown(ids: readonly number[]): void {
      if (performance.now() - last < writtenEvery) return;
      last = performance.now();
      void encoder.readReply([...ids]).then(
        ({ response, reasoning }) => {
          if (isOver) return;
          // The last token may be part of a character.
          const shown = { response: response.replace(/\uFFFD+$/, "") };
          onWritten(reasoning === undefined ? shown : { ...shown, reasoning });
        },
        () => undefined,
      );
    },
    end(): void {
      isOver = true;
    },
  };
}
