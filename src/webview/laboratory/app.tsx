import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { probeContract } from "../../protocol/probe/probes.ts";
import { Damaged } from "../ui/damaged.tsx";
import { HelpButton } from "../ui/help.tsx";
import { Caveats, Facts, Method } from "./about.tsx";
import type { FigureProps } from "./figure.ts";
import { figureOf } from "./figures.ts";
import { MeasureAgain } from "./measureAgain.tsx";
import { ResultFigure } from "./runResults.tsx";
import type { PageState } from "./state.ts";
import { DataTables } from "./tables.tsx";

interface AppProps extends Pick<FigureProps<unknown>, "post"> {
  readonly state: PageState;
}

/** One result of a probe. */
export function App({ state, post }: AppProps) {
  const [blur, setBlur] = useState(state.blur);
  useEffect(() => setBlur(state.blur), [state.blur]);
  if (state.damaged !== null) return <Damaged what="result" message={state.damaged} post={post} />;
  if (state.shown === null) return <p class="empty">Reading the result…</p>;
  const { result, others, states, canMeasure } = state.shown;
  return (
    <>
      <header class="page-head">
        <div>
          <h1>{result.title}</h1>
          <p class="muted">
            {[result.run?.name, result.model.name].filter(Boolean).join(" · ")} · measured{" "}
            {new Date(result.created).toLocaleString()}
          </p>
        </div>
        <div class="toolbar">
          {others.length > 0 && post && <Others {...{ others, post }} shown={result.title} />}
          <label class="check">
            <input
              type="checkbox"
              checked={blur}
              onChange={({ currentTarget }) => setBlur(currentTarget.checked)}
            />
            Blur toxic prompts
          </label>
          {post && (
            <>
              <button type="button" class="button" onClick={() => post({ type: "exportData" })}>
                Export Data…
              </button>
              <button type="button" class="button" onClick={() => post({ type: "exportPage" })}>
                Export Page…
              </button>
            </>
          )}
          <HelpButton />
        </div>
      </header>
      <div class="panel panel-result laboratory-result">
        <p class="about">{probeContract(result.probe)?.description}</p>
        <Facts result={result} />
        <Caveats caveats={result.caveats} />
        <Part title="Figure">
          <ResultFigure {...{ result, blur, post }} />
        </Part>
        <Part title="Data">
          <DataTables result={result} open={figureOf(result.probe) === undefined} post={post} />
        </Part>
        {post && canMeasure && (
          <Part title="Measure again">
            <MeasureAgain {...{ result, states, post }} />
          </Part>
        )}
        <Part title="Method and cost">
          <Method result={result} />
        </Part>
      </div>
    </>
  );
}

function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="part" aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function Others({
  others,
  shown,
  post,
}: {
  others: NonNullable<PageState["shown"]>["others"];
  shown: string;
  post: NonNullable<AppProps["post"]>;
}) {
  return (
    <label class="field-inline">
      Result
      <select
        value=""
        onChange={({ currentTarget }) => post({ type: "openResult", file: currentTarget.value })}
      >
        <option value="">{shown}</option>
        {others.map(({ file, title, states, created }) => (
          <option key={file} value={file}>
            {title}: {states.length > 2 ? `${states[0]} to ${states.at(-1)}` : states.join(", ")} (
            {new Date(created).toLocaleTimeString()})
          </option>
        ))}
      </select>
    </label>
  );
}
