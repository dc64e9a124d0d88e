import { backendWords } from "../../protocol/backend.ts";
import type { ProbeResult } from "../../protocol/probe/result.ts";
import { spentSentence } from "../../protocol/spent.ts";
import { byteSize, count, counted, duration, quantity } from "../../wording/numbers.ts";
import { Scrollable } from "../ui/scrollable.tsx";
import { groupStyles } from "./groups.tsx";

/** What was measured on what, as facts above the figure. */
export function Facts({ result }: { result: ProbeResult }) {
  const { model, run, states, prompts, training, seed } = result;
  const groups = groupStyles.flatMap(({ id, title }) => {
    const own = prompts.filter(({ group }) => group === id).length;
    return own > 0 ? `${count(own)} ${title}` : [];
  });
  const names = states.map(({ name }) => name);
  const facts: [string, string][] = [
    ["Model", [model.name, ...model.adapters.map((adapter) => `+ ${adapter}`)].join(" ")],
    ["Run", run === null ? "none: the model alone" : `${run.name}, seed ${run.seed}`],
    [
      names.length === 1 ? "State" : "States",
      names.length > 4 ? `${names[0]} to ${names.at(-1)} (${names.length})` : names.join(", "),
    ],
    ["Prompts", `${count(prompts.length)}${groups.length > 0 ? `: ${groups.join(", ")}` : ""}`],
    ...(training.length > 0 ? [["Training pairs", count(training.length)] as [string, string]] : []),
    ["Seed of the measurement", String(seed)],
  ];
  return (
    <dl class="measured">
      {facts.map(([title, words]) => (
        <div key={title}>
          <dt class="muted">{title}</dt>
          <dd>{words}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What limits the figures. */
export function Caveats({
  caveats,
  heading: Heading = "h2",
}: {
  caveats: readonly string[];
  heading?: "h2" | "h3";
}) {
  if (caveats.length === 0) return null;
  return (
    <section aria-label="Caveats" class="caveats">
      <Heading>Caveats</Heading>
      <ul>
        {caveats.map((caveat) => (
          <li key={caveat}>{caveat}</li>
        ))}
      </ul>
    </section>
  );
}

/** How it was measured: options, prompt template, backend, and what it cost. */
export function Method({ result }: { result: ProbeResult }) {
  const { model, asked, options, openings, cost, version, created } = result;
  const rows: [string, string][] = [
    ["Computed by", `${backendWords(model.backend)}, ${model.device}`],
    ["Prompt template", asked.template],
    ...Object.entries(options).map(([key, value]): [string, string] => [`Option ${key}`, optionWords(value)]),
    ...(openings.length > 0
      ? [["Openings of a refusal", openings.map((opening) => `“${opening}”`).join(", ")] as [string, string]]
      : []),
    ["Time", duration(cost.seconds)],
    [
      "Passes",
      `${counted(cost.forwardPasses, "forward pass", "forward passes")}, ${counted(cost.backwardPasses, "backward pass", "backward passes")}`,
    ],
    ["Tokens", `${count(cost.forwardTokens)} forward, ${count(cost.backwardTokens)} backward`],
    ["Peak memory", byteSize(cost.peakBytes)],
    ...(cost.services ?? []).map((spent): [string, string] => ["Service", spentSentence(spent)]),
    ["Measured", `${new Date(created).toLocaleString()}, Discern ${version}`],
  ];
  return (
    <Scrollable name={"Method and cost"}>
      <table class="method">
        <caption class="visually-hidden">How it was measured, and what it cost</caption>
        <tbody>
          {rows.map(([title, words]) => (
            <tr key={title}>
              <th scope="row">{title}</th>
              <td class="words">{words}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scrollable>
  );
}

function optionWords(value: unknown): string {
  if (typeof value === "number") return quantity(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}
