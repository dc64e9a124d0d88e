import { describe, expect, it } from "vitest";
import type { Backend, Example, MeasureOptions, Tokens } from "../../../src/engine/backend/backend.ts";
import type {
  Action,
  Intervention,
  InterventionEffect,
  Tap,
  TapReading,
} from "../../../src/engine/backend/interventions.ts";
import { tokenTrie } from "../../../src/engine/probe/tokenTrie.ts";
import { norm } from "../../golden/golden.ts";

/** Of lengths 5 to 14; all begin alike. */
const prompts: Tokens[] = Array.from({ length: 11 }, (_, i) => [
  ...[3, 9, 27],
  ...Array.from({ length: 2 + ((3 * i) % 10) }, (_, t) => 20 + ((13 * i + 5 * t) % 100)),
]);
const examples = prompts.map(
  (prompt, i): Example => ({ ids: [...prompt, 40 + i, 50, 60 + i], promptLength: prompt.length }),
);
const trie = tokenTrie([[40], [41, 42], [41, 43, 44]]);

const vector = (seed: number, size = 48) =>
  Float32Array.from({ length: size }, (_, k) => Math.sin(seed + k * (1 + (seed % 3))) / 4);
const direction = vector(1);
const read = direction.map((x) => x / norm(direction));
const actions: Record<string, Action> = {
  ablate: { type: "ablate", direction },
  add: { type: "add", vector: vector(2) },
  "project of self": { type: "project", read, write: vector(3), of: "self" },
  "project of last": { type: "project", read, write: vector(4), of: "last" },
};
const at = (action: Action, more: Partial<Intervention> = {}): Intervention => ({
  site: { at: "block-input", layers: [1, 2] },
  positions: "all",
  action,
  ...more,
});

/** Everything that is measured of some of the prompts. */
async function measured(backend: Backend, of: readonly number[], options: MeasureOptions) {
  const rows = of.map((i) => prompts[i]!);
  const features = await backend.features(rows, { ...options, layers: [1, 2], pooling: "mean", shared: 3 });
  return {
    next: [...(await backend.nextTokens(rows, options))].sort(([a], [b]) => a - b),
    scores: [...(await backend.score(rows, trie, options))].sort(([a], [b]) => a - b),
    losses: await backend.losses(
      of.map((i) => examples[i]!),
      options,
    ),
    features: [...features],
    answers: [...(await backend.generate(rows, { maxNewTokens: 4, eosIds: [], ...options }))].sort(
      ([a], [b]) => a - b,
    ),
  };
}

/** What every backend must do with interventions that know their prompts: scales, first positions, the last token. */
export function conformanceOfPrompts(
  opened: (model: string, use: (backend: Backend) => Promise<void>) => Promise<void>,
): void {
  describe.each(["llama", "gemma2"])("an intervention on prompts of %s", (model) => {
    const all = [...prompts.keys()];

    it.each(Object.entries(actions))("with scale 0 is the plain model, exactly: %s", (_, action) =>
      opened(model, async (backend) => {
        const plain = await measured(backend, all, {});
        const scale = new Float32Array(prompts.length);
        let effects: readonly InterventionEffect[] = [];
        const found = await measured(backend, all, {
          interventions: [at(action, { scale })],
          onEffects: (each) => (effects = each),
        });
        expect(found).toEqual(plain);
        expect(effects).toMatchObject([{ activations: 0, change: 0, prompts: scale }]);
        expect(effects[0]!.of).toBeGreaterThan(0);
      }),
    );

    it("leaves prompts with scale 0 as they are, exactly, beside prompts that it changes", () =>
      opened(model, async (backend) => {
        const scale = Float32Array.from(prompts, (_, i) => (i % 3 === 1 ? 0 : 1));
        const alone = all.filter((i) => scale[i] === 0);
        const plain = await measured(backend, alone, {});
        const mixed = await measured(backend, all, { interventions: [at(actions.add!, { scale })] });
        const own = <T>(entries: readonly (readonly [number, T])[]) => alone.map((i) => entries[i]![1]);
        expect(own(mixed.next)).toEqual(plain.next.map(([, each]) => each));
        expect(own(mixed.scores)).toEqual(plain.scores.map(([, each]) => each));
        expect(own(mixed.answers)).toEqual(plain.answers.map(([, each]) => each));
        expect(alone.map((i) => mixed.losses[i])).toEqual(plain.losses);
        const changed = await measured(backend, all, {});
        for (const i of all.filter((each) => scale[each] !== 0)) {
          expect(furthest(mixed.next[i]![1], changed.next[i]![1])).toBeGreaterThan(1e-3);
        }
      }));

    it.each(Object.entries(actions))("acts by each prompt's own scale, as it would alone: %s", (_, action) =>
      opened(model, async (backend) => {
        const scale = Float32Array.from(prompts, (_, i) => [1, -0.5, 2][i % 3]!);
        for (const positions of ["prompt", "last", "all"] as const) {
          const together = await measured(backend, all, {
            interventions: [at(action, { scale, positions })],
          });
          for (const i of [0, 4, 10]) {
            const single = at(action, { scale: scale.slice(i, i + 1), positions });
            const alone = await measured(backend, [i], { interventions: [single] });
            expect(furthest(together.next[i]![1], alone.next[0]![1])).toBeLessThan(1e-4);
            const logs = [together.scores[i]!, alone.scores[0]!].map(([, each]) => each.logProbabilities);
            expect(furthest(logs[0]!, logs[1]!)).toBeLessThan(1e-4);
            expect(Math.abs(together.losses[i]!.loss - alone.losses[0]!.loss)).toBeLessThan(3e-4);
            expect(together.answers[i]![1]).toEqual(alone.answers[0]![1]);
            for (const [l, [, { data, width }]] of together.features.entries()) {
              const row = data.subarray(i * width, (i + 1) * width);
              expect(furthest(row, alone.features[l]![1].data)).toBeLessThan(1e-4);
            }
          }
        }
      }),
    );

    it("that projects by a direction and takes it off again is an ablation", () =>
      opened(model, async (backend) => {
        const scale = Float32Array.from(prompts, (_, i) => 1 + (i % 2));
        const taken: Action = { type: "project", read, write: read.map((x) => -x), of: "self" };
        const [ablated, projected] = [
          await measured(backend, all, { interventions: [at(actions.ablate!, { scale })] }),
          await measured(backend, all, { interventions: [at(taken, { scale })] }),
        ];
        for (const i of all) {
          expect(furthest(ablated.next[i]![1], projected.next[i]![1])).toBeLessThan(1e-5);
          expect(Math.abs(ablated.losses[i]!.loss - projected.losses[i]!.loss)).toBeLessThan(1e-4);
        }
        expect(projected.answers).toEqual(ablated.answers);
      }));

    it("from a token on acts in continuations as in the text that they make", () =>
      opened(model, async (backend) => {
        // In the prompt, at its last token, and behind it alone.
        const from = prompts.map(({ length }, i) => [2, length - 1, length, length + 2][i % 4]!);
        const how = (of: readonly number[]) => [
          at(actions.add!, { positions: { from: of } }),
          at(actions["project of self"]!, {
            positions: { from: of },
            site: { at: "mlp-output", layers: [0] },
          }),
        ];
        const options = { maxNewTokens: 5, eosIds: [], batchSize: 4, interventions: how(from) };
        const answers = await backend.generate(prompts, options);
        const plain = await backend.generate(prompts, { ...options, interventions: [] });
        expect([...answers].filter(([i, { ids }]) => ids.join() !== plain.get(i)!.ids.join())).not.toEqual(
          [],
        );
        for (const [i, { ids }] of answers) {
          const texts = ids.map((_, t) => [...prompts[i]!, ...ids.slice(0, t)]);
          const whole = await backend.nextTokens(texts, { interventions: how(texts.map(() => from[i]!)) });
          expect(texts.map((_, t) => whole.get(t)!.indexOf(Math.max(...whole.get(t)!)))).toEqual(ids);
          const answer = { ids: [...prompts[i]!, ...ids], promptLength: prompts[i]!.length };
          const [loss] = await backend.losses([answer], { interventions: how([from[i]!]) });
          const sum = ids.reduce((total, token, t) => total - whole.get(t)![token]!, 0);
          expect(Math.abs(loss!.loss - sum)).toBeLessThan(5e-4);
        }
      }));

    it("says for each prompt how far it moved its activations", () =>
      opened(model, async (backend) => {
        const scale = Float32Array.from(prompts, (_, i) => [0, 1, -2][i % 3]!);
        const site = { at: "block-input", layers: [1] } as const;
        const positions = { from: prompts.map((_, i) => i % 5) };
        const taps: Tap[] = [{ site, positions, read: "value" }];
        const rows = prompts.map((ids): Example => ({ ids, promptLength: ids.length }));
        // A loss needs a label, which the last token is where it is no prompt's.
        const labelled = rows.map(({ ids }) => ({ ids: [...ids, 5], promptLength: ids.length }));
        const readings = await backend.tap(labelled, taps);
        let effects: readonly InterventionEffect[] = [];
        await backend.nextTokens(prompts, {
          interventions: [at(actions.add!, { site, positions, scale })],
          onEffects: (each) => (effects = each),
        });
        const { vector: added } = actions.add as Extract<Action, { type: "add" }>;
        const length = norm(added);
        for (const [i, [[reading]]] of (readings as [[TapReading]][]).entries()) {
          const { data, width } = reading!;
          const count = prompts[i]!.length - (i % 5);
          const shares = Array.from(
            { length: count },
            (_, t) => Math.abs(scale[i]! * length) / norm(data.subarray(t * width, (t + 1) * width)),
          );
          const mean = shares.reduce((sum, x) => sum + x, 0) / count;
          expect(effects[0]!.prompts[i]!).toBeCloseTo(mean, 4);
        }
      }));
  });

  it.each<[string, Partial<Intervention>, RegExp]>([
    ["a scale for each prompt", { scale: new Float32Array(3) }, /3 scales for 2 prompts/],
    ["finite scales", { scale: Float32Array.of(1, Number.POSITIVE_INFINITY) }, /not finite/],
    ["a first position for each prompt", { positions: { from: [1] } }, /1 first positions for 2 prompts/],
    ["whole first positions", { positions: { from: [1, -1] } }, /-1 is not a whole number/],
    [
      "vectors of the model's width",
      { action: { type: "project", read, write: new Float32Array(3), of: "self" } },
      /3 values.*48/,
    ],
  ])("refuses an intervention without %s", (_, change, message) =>
    opened("llama", async (backend) => {
      const interventions = [{ ...at(actions.add!), ...change }];
      const refused = expect.objectContaining({
        code: "request-invalid",
        message: expect.stringMatching(message),
      });
      const two = prompts.slice(0, 2);
      await expect((async () => backend.nextTokens(two, { interventions }))()).rejects.toThrow(refused);
      await expect(
        (async () => backend.generate(two, { maxNewTokens: 1, eosIds: [], interventions }))(),
      ).rejects.toThrow(refused);
    }),
  );
}

function furthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!)));
}
