import type {
  BenchmarkCommand,
  BenchmarkFromPage,
  ShownBenchmark,
  ShownState,
} from "../../protocol/webview/benchmark.ts";
import { counted } from "../../wording/numbers.ts";
import { HelpButton } from "../ui/help.tsx";

const stateWords: Record<
  ShownState,
  { readonly icon: string; readonly words: string; readonly tone: string }
> = {
  running: { icon: "sync", words: "running", tone: "" },
  starting: { icon: "sync", words: "starting", tone: "" },
  waiting: { icon: "circle-outline", words: "not started", tone: "" },
  finished: { icon: "pass", words: "finished", tone: "good" },
  stopped: { icon: "debug-pause", words: "stopped", tone: "" },
  interrupted: { icon: "debug-disconnect", words: "interrupted", tone: "bad" },
  failed: { icon: "error", words: "failed", tone: "bad" },
  damaged: { icon: "warning", words: "damaged", tone: "bad" },
};

/** Name and state of a benchmark, how far it is, and what can be done with it. */
export function Head({
  benchmark: { name, state, problem, cells, hasReport, isSweep },
  post,
}: {
  benchmark: ShownBenchmark;
  post: (message: BenchmarkFromPage) => void;
}) {
  const finished = cells.filter((cell) => cell.state === "finished").length;
  const failed = cells.filter((cell) => cell.state === "failed").length;
  const { icon, words, tone } = stateWords[state];
  const active = state === "running" || state === "starting";
  const resumable = state === "stopped" || state === "failed" || state === "interrupted";
  const buttons: readonly (readonly [boolean, BenchmarkCommand, string])[] = [
    [active, "stop", "Stop"],
    [resumable, "resume", "Resume"],
    [hasReport && !isSweep, "openReport", "Open Report"],
    [hasReport, "compare", "Compare with Earlier…"],
    [hasReport, "copyLatex", "Copy LaTeX Table"],
    [hasReport, "export", "Export…"],
    [resumable, "openLog", "Open Log"],
  ];
  return (
    <>
      <header class="benchmark-head">
        <div>
          <h1>{name}</h1>
          <p class={`state ${tone}`} role="status">
            <span class={`codicon codicon-${icon}`} aria-hidden="true" />
            {[
              words,
              `${finished} of ${counted(cells.length, "run")} finished`,
              ...(failed > 0 ? [`${failed} failed`] : []),
            ].join(" · ")}
          </p>
          <progress max={Math.max(1, cells.length)} value={finished} aria-label="Runs finished" />
        </div>
        <div class="toolbar">
          {buttons
            .filter(([isThere]) => isThere)
            .map(([, command, title]) => (
              <button
                key={command}
                type="button"
                class="button"
                onClick={() => post({ type: "command", command })}
              >
                {title}
              </button>
            ))}
          <HelpButton />
        </div>
      </header>
      {problem !== null && (
        <p class="notice warning" role="alert">
          <span class="codicon codicon-warning" aria-hidden="true" />
          <span class="words">{problem}</span>
        </p>
      )}
    </>
  );
}
