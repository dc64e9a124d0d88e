import { useState } from "preact/hooks";
import { probeContract } from "../../protocol/probe/probes.ts";
import type { ProbeResult } from "../../protocol/probe/result.ts";
import type { FigureProps } from "./figure.ts";

type Value = ProbeResult["options"][string];

interface MeasureAgainProps {
  readonly result: ProbeResult;
  /** States of the run that can be measured; none for a model alone. */
  readonly states: readonly string[];
  readonly post: NonNullable<FigureProps<unknown>["post"]>;
}

/** The same probe with other options or at other states. What it costs is shown before it starts. */
export function MeasureAgain({ result, states, post }: MeasureAgainProps) {
  const [changed, setChanged] = useState<Readonly<Record<string, Value>>>({});
  const [wrong, setWrong] = useState<ReadonlySet<string>>(new Set());
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(result.states.map(({ name }) => name)));
  const contract = probeContract(result.probe);
  if (contract === undefined) {
    return <p class="muted">A probe that this version does not know cannot be measured by it.</p>;
  }
  const measured = states.filter((state) => chosen.has(state));
  const change = (key: string, text: string) => {
    const read = readValue(text, result.options[key]);
    setWrong(
      (before) => new Set([...before].filter((each) => each !== key).concat(read === undefined ? [key] : [])),
    );
    if (read !== undefined) setChanged((before) => ({ ...before, [key]: read }));
  };
  const flip = (state: string) =>
    setChosen(
      (before) =>
        new Set(before.has(state) ? [...before].filter((each) => each !== state) : [...before, state]),
    );
  return (
    <form
      class="measure-again"
      onSubmit={(event) => {
        event.preventDefault();
        post({ type: "measure", options: { ...changed }, ...(measured.length > 0 && { states: measured }) });
      }}
    >
      {states.length > 0 && (
        <fieldset>
          <legend>States</legend>
          {states.map((state) => (
            <label key={state} class="check">
              <input type="checkbox" checked={chosen.has(state)} onChange={() => flip(state)} />
              {state}
            </label>
          ))}
        </fieldset>
      )}
      <div class="options">
        {Object.entries(result.options).map(([key, value]) => (
          <div key={key} class="field" title={contract.options.shape[key]?.description}>
            <label htmlFor={`option-${key}`}>{key}</label>
            {typeof value === "boolean" ? (
              <select
                id={`option-${key}`}
                value={String(changed[key] ?? value)}
                onChange={({ currentTarget }) => change(key, currentTarget.value)}
              >
                <option value="true">true</option>
                <option value="false">false</option>
              </select>
            ) : (
              <input
                id={`option-${key}`}
                type="text"
                aria-invalid={wrong.has(key)}
                value={written(changed[key] === undefined ? value : changed[key])}
                onChange={({ currentTarget }) => change(key, currentTarget.value)}
              />
            )}
          </div>
        ))}
      </div>
      {wrong.size > 0 && (
        <p role="alert" class="bad-words">
          Not JSON: {[...wrong].join(", ")}.
        </p>
      )}
      <button
        type="submit"
        class="button"
        disabled={wrong.size > 0 || (states.length > 0 && measured.length === 0)}
      >
        Measure…
      </button>
    </form>
  );
}

/** A text is itself where the option was one; everything else is JSON. */
function readValue(text: string, before: Value | undefined): Value | undefined {
  if (typeof before === "string") return text;
  try {
    return JSON.parse(text) as Value;
  } catch {
    // A word that is no JSON may stand for an option that was empty.
    return before === null && /^[\w-]+$/.test(text) ? text : undefined;
  }
}

function written(value: Value): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
