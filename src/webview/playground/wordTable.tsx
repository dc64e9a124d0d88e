import { sides } from "../../protocol/webview/playground.ts";
import { probability, signed } from "../../wording/numbers.ts";
import type { PageState } from "./state.ts";

/** What each word does to the refusal probability, for both models: the same numbers as the shading, to be read and walked by keys. */
export function WordTable({ state }: { state: PageState }) {
  const known = sides.filter((side) => state.sides[side]!.words !== null);
  const words = known.map((side) => state.sides[side]!.words!)[0];
  if (words === undefined) return null;
  return (
    <section aria-label="What each word does">
      <h2>What each word does</h2>
      <p class="muted">
        Refusal probability of the prompt without the word, and the difference that the word makes.
      </p>
      <div class="words-table">
        <table>
          <thead>
            <tr>
              <th scope="col">Word</th>
              {known.map((side) => (
                <th key={side} scope="col" class="number">
                  {state.subjects[side]?.label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {words.map(({ start, end }, i) => (
              <tr key={start}>
                <th scope="row">{state.text.slice(start, end)}</th>
                {known.map((side) => {
                  const { probability: whole, words: of } = state.sides[side]!;
                  const without = of?.[i]?.without ?? null;
                  return (
                    <td key={side} class="number">
                      {without === null || typeof whole !== "number"
                        ? "not scored"
                        : `${probability(without)} (${signed(whole - without)})`}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
