import { openingsSentence } from "../../protocol/openings.ts";
import type { Figures } from "../../protocol/webview/report.ts";

/** What the report says of its model and run, as it stands in the file. */
export function About({ figures: { model, run, openings = [] } }: { figures: Figures }) {
  const facts = [
    ...Object.entries(model).map(([name, value]) => ({ of: "model", name, value })),
    ...Object.entries(run ?? {}).map(([name, value]) => ({ of: "run", name, value })),
  ].filter(({ value }) => typeof value !== "object");
  return (
    <>
      {openings.map((each) => (
        <details key={each.hash}>
          <summary>{openingsSentence(each)}</summary>
          <ul>
            {each.openings.map((text) => (
              <li key={text} class="words">
                {text}
              </li>
            ))}
          </ul>
        </details>
      ))}
      <dl class="about-facts">
        {facts.map(({ of, name, value }) => (
          <div key={`${of} ${name}`}>
            <dt class="muted">
              {of} {name}
            </dt>
            <dd class="words">{String(value)}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
