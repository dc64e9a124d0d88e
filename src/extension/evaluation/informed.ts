/** What a run can say of a file: the prompts that it evaluated, by `keyOf`, and whether it answered them or scored them alone. */
export interface Informed {
  readonly keys: ReadonlySet<string>;
  readonly scored: boolean;
}

/**
 * The run that knows most of a file: most of its prompts evaluated, answers before scores alone, and the newest of several. Looks no
 * further once a run answered all of them, since no older one can know more.
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
  let best: { readonly run: R; readonly evaluated: number; readonly scored: boolean } | null = null;
  for (const run of runs) {
    const known = await look(run);
    if (known === null) continue;
    const { scored } = known;
    let evaluated = 0;
    for (const key of prompts) if (known.keys.has(key)) evaluated++;
    const isBetter =
      best === null
        ? evaluated > 0
        : evaluated > best.evaluated || (evaluated === best.evaluated && best.scored && !scored);
    if (isBetter) best = { run, evaluated, scored };
    if (best !== null && best.evaluated === prompts.size && !best.scored) break;
  }
  return best?.run ?? null;
}
