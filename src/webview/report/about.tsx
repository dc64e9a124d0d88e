import type { Figures } from "../../protocol/webview/report.ts";

/** What the report says of its model and run, as it stands in the file. */
export function About({ figures: { model, run } }: { figures: Figures }) {
  const facts = [
    ...Object.entries(model).map(([name, value]) => ({ of: "model", name, value })),
    ...Object.entries(run ?? {}).map(([name, value]) => ({ of: "run", name, value })),
  ].filter(({ value }) => typeof value !== "object");
  return (
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
  );
}
