import { DiscernError } from "../../protocol/errors.ts";
import { shuffled, stream } from "../../statistics/random.ts";

/** A prompt of the contrast, as tokens. */
export interface ContrastPrompt {
  readonly ids: readonly number[];
  readonly label: "toxic" | "seemingly_toxic";
  readonly kind?: string;
  /** Name it shares with its twin. */
  readonly pair?: string;
}

export interface SamplerOptions {
  /** Prompts per batch, even. */
  readonly batch: number;
  readonly twins: boolean;
  /** Prompts drawn one after another from one kind, even. */
  readonly perKind?: number;
}

/** One toxic and one seemingly toxic prompt that enter a batch together: twins, or two drawn at random. */
type Couple = readonly [ContrastPrompt, ContrastPrompt];

/**
 * Draws class-balanced batches: half of each is toxic, half seemingly toxic. Prompts come in couples. With `twins`,
 * prompts with a twin are coupled with it; all others are coupled at random, anew in every epoch. The group that has fewer
 * of them borrows from its matched pairs and then repeats, so that no source's size outweighs the other's. A batch is a pure function of (seed, step).
 */
export class ContrastSampler {
  private readonly prompts: readonly ContrastPrompt[];
  private readonly options: SamplerOptions;
  private readonly seed: number;

  /** @throws DiscernError("group-too-small") when a group has fewer than two prompts. */
  constructor(prompts: readonly ContrastPrompt[], options: SamplerOptions, seed: number) {
    for (const label of ["toxic", "seemingly_toxic"] as const) {
      const count = prompts.filter((prompt) => prompt.label === label).length;
      if (count < 2) {
        throw new DiscernError(
          "group-too-small",
          `The contrast has ${count} prompts labelled ${label}; a contrast within the group needs at least 2.`,
        );
      }
    }
    this.prompts = prompts;
    this.options = options;
    this.seed = seed;
  }

  /** The prompts of a 0-based step: batch/2 couples. */
  draw(step: number): ContrastPrompt[] {
    const perStep = this.options.batch / 2;
    const drawn: Couple[] = [];
    let position = step * perStep;
    let epoch = 0;
    let couples = this.epoch(epoch);
    while (position >= couples.length) {
      position -= couples.length;
      couples = this.epoch(++epoch);
    }
    while (drawn.length < perStep) {
      drawn.push(couples[position++]);
      if (position === couples.length) {
        couples = this.epoch(++epoch);
        position = 0;
      }
    }
    return drawn.flat();
  }

  private epoch(epoch: number): Couple[] {
    const random = stream(this.seed, "contrast", epoch);
    const { twins, perKind } = this.options;
    const byPair = new Map<string, Partial<Record<ContrastPrompt["label"], ContrastPrompt>>>();
    if (twins) {
      for (const prompt of this.prompts) {
        if (prompt.pair !== undefined) {
          byPair.set(prompt.pair, { ...byPair.get(prompt.pair), [prompt.label]: prompt });
        }
      }
    }
    const couples: Couple[] = [];
    const coupled = new Set<ContrastPrompt>();
    for (const { toxic, seemingly_toxic: seeming } of byPair.values()) {
      if (!toxic || !seeming) continue;
      couples.push([toxic, seeming]);
      coupled.add(toxic).add(seeming);
    }
    const rest = (label: ContrastPrompt["label"]) =>
      shuffled(
        this.prompts.filter((prompt) => prompt.label === label && !coupled.has(prompt)),
        random,
      );
    const [toxic, seeming] = [rest("toxic"), rest("seemingly_toxic")];
    // Where one group has fewer prompts left to couple, prompts of its matched pairs are borrowed, anew in every epoch;
    // only then does it repeat.
    const borrowed = (label: ContrastPrompt["label"]) =>
      shuffled(
        this.prompts.filter((prompt) => prompt.label === label && coupled.has(prompt)),
        stream(this.seed, "contrast partners", epoch, label),
      );
    const [toxicPool, seemingPool] = [
      [...toxic, ...borrowed("toxic")],
      [...seeming, ...borrowed("seemingly_toxic")],
    ];
    for (let i = 0; i < Math.max(toxic.length, seeming.length); i++) {
      couples.push([toxicPool[i % toxicPool.length], seemingPool[i % seemingPool.length]]);
    }
    const order = shuffled(couples, random);
    return perKind ? groupedByKind(order, perKind / 2) : order;
  }
}

/** Couples reordered so that runs of `size` share a kind, kinds taking turns. */
function groupedByKind(couples: readonly Couple[], size: number): Couple[] {
  const runs: Couple[][] = [];
  for (const group of Map.groupBy(couples, ([toxic]) => toxic.kind ?? "").values()) {
    for (let i = 0; i < group.length; i += size) runs.push(group.slice(i, i + size));
  }
  const order = new Map(couples.map((couple, i) => [couple, i]));
  return runs.sort((a, b) => (order.get(a[0]) as number) - (order.get(b[0]) as number)).flat();
}
