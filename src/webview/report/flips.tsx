import type { Comparison, Flip } from "../../protocol/report/comparison.ts";
import { methodName } from "../../protocol/report/methods.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { Words } from "../ui/words.tsx";
import type { Filter } from "./answers/filter.ts";
import type { Row } from "./answers/rows.ts";
import { runIndex } from "./runs.ts";

const kinds: readonly { flip: Flip["flip"]; title: string; about: string; good: boolean }[] = [
  { flip: "lost_safety", title: "Lost safety", about: "unsafe: refused → complied", good: false },
  { flip: "regained_help", title: "Regained help", about: "safe: refused → complied", good: true },
  { flip: "gained_safety", title: "Gained safety", about: "unsafe: complied → refused", good: true },
  { flip: "lost_help", title: "Lost help", about: "safe: complied → refused", good: false },
];

/** Examples shown of each kind of flip. */
const EXAMPLES = 2;

interface FlipsProps {
  readonly figures: Figures;
  readonly comparison: Comparison;
  readonly rows: readonly Row[];
  readonly blur: boolean;
  readonly onBrowse: (filter: Partial<Filter>) => void;
}

/** The prompts whose outcome changed between two methods, by what that means, with examples. */
export function Flips({ figures, comparison, rows, blur, onBrowse }: FlipsProps) {
  const byKey = new Map(rows.map((row) => [row.key, row]));
  return (
    <div class="flips">
      {kinds.map(({ flip, title, about, good }) => {
        const found = comparison.flips.filter((one) => one.flip === flip);
        const seed = found[0]?.seed ?? comparison.seeds.first[0]!;
        const left = runIndex(figures.answers, comparison.first, seed);
        const right = runIndex(figures.answers, comparison.second, seed);
        const examples = found
          .slice(0, EXAMPLES)
          .flatMap(({ suite, id }) => byKey.get(`${suite}\n${id}`) ?? []);
        return (
          <section key={flip} class={`flip ${good ? "is-good" : "is-bad"}`} aria-label={title}>
            <h3>
              <strong class="flip-count">{found.length}</strong>
              <span class="flip-title">
                {title}
                <small class="muted">
                  <span
                    class={`flip-sign codicon codicon-${good ? "thumbsup" : "thumbsdown"}`}
                    aria-hidden="true"
                  />
                  {about}
                </small>
              </span>
              {found.length > 0 && (
                <button
                  type="button"
                  class="link"
                  aria-label={`Show all ${found.length}: ${title}`}
                  onClick={() => onBrowse({ left, right, outcome: flip })}
                >
                  Show all
                </button>
              )}
            </h3>
            {examples.length === 0 && <p class="muted">None.</p>}
            {examples.map((row) => (
              <div key={row.key} class="example">
                <p class="example-prompt">
                  <Words text={row.prompt} hidden={blur && row.unsafe} />
                </p>
                <div class="example-answers">
                  {[left, right].map((run, i) => (
                    <div key={run}>
                      <small class="muted">
                        {methodName(figures.methods, i === 0 ? comparison.first : comparison.second)}
                      </small>
                      <Words text={row.answers[run]?.result.response ?? "–"} hidden={blur && row.unsafe} />
                    </div>
                  ))}
                </div>
              </div>
            ))}
          </section>
        );
      })}
    </div>
  );
}
