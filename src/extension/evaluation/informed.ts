/** What a run can say of a file: the prompts that it evaluated, by `keyOf`, and whether it answered them or scored them alone. */
export interface Informed {
  readonly keys: ReadonlySet<string>;
  readonly scored: boolean;
}

/** An answer comes with a verdict: it says as much of a prompt as this many scores of other prompts. */
const answerWeight = 10;

/**
 * The run that knows most of a file: most of its prompts evaluated, where an answer counts as ten scores, and the newest of several.
 * So the held-out prompts that a trained model answered are seen where all were scored before training. Looks no further once a run
 * answered all of them, since no older one can know more.
 *
 * @param runs newest first
 * @param prompts keys of the file's prompts
 * @param look what is known of a run; null where its report cannot be read
 * @returns null where no run evaluated any of the prompts.
 */
export async function bestInformed<R>(
  runs: readonly R[],
  prompts: ReadonlySet<string>,
  look: (run: R) => Promise<Informed | null>,
): Promise<R | null> {
  let best: { readonly run: R; readonly weight: number } | null = null;
  for (const run of runs) {
    const known = await look(run);
    if (known === null) continue;
    let evaluated = 0;
    for (const key of prompts) if (known.keys.has(key)) evaluated++;
    const weight = known.scored ? evaluated : answerWeight * evaluated;
    if (weight > (best?.weight ?? 0)) best = { run, weight };
    if (best?.weight === answerWeight * prompts.size) break;
  }
  return best?.run ?? null;
}

/**
 * The runs that may be shown in a file: those not older than the last one that a person asked about it, since they want to see that one
 * or what came of it; all where they asked about none, or it is gone.
 *
 * @param runs newest first
 */
export function sinceAsked<R>(runs: readonly R[], isAsked: (run: R) => boolean): readonly R[] {
  const at = runs.findIndex(isAsked);
  return at < 0 ? runs : runs.slice(0, at + 1);
}
