import type { Status } from "./matrix.ts";

const icons: Record<
  Status["kind"],
  { readonly icon: string; readonly tone: string; readonly title: string }
> = {
  done: { icon: "circle-filled", tone: "", title: "measured" },
  unmeasured: { icon: "dash", tone: "muted", title: "not measured there" },
  waiting: { icon: "circle-outline", tone: "muted", title: "waiting" },
  working: { icon: "sync", tone: "busy", title: "training" },
  answering: { icon: "comment", tone: "busy", title: "answering" },
  stopped: { icon: "debug-pause", tone: "muted", title: "stopped" },
  failed: { icon: "error", tone: "bad", title: "failed: opens its log" },
  error: { icon: "error", tone: "bad", title: "error: the method did not act, and has no figures" },
  missing: { icon: "cloud-download", tone: "muted", title: "the suite is missing" },
};

/** How a run stands to a suite: an icon, and words. */
export function StatusLine({ status }: { status: Status }) {
  const { icon, tone } = icons[status.kind];
  return (
    <span class={`status ${tone}`}>
      <span class={`codicon codicon-${icon}`} aria-hidden="true" />
      <span class="status-words">{statusWords(status)}</span>
      {"share" in status && status.share !== null && (
        <span class="share" aria-hidden="true">
          <span style={{ width: `${(100 * status.share).toFixed(1)}%` }} />
        </span>
      )}
    </span>
  );
}

/** A status in words, as far as a cell has room for them. */
export function statusWords(status: Status): string {
  switch (status.kind) {
    case "done":
      return "measured";
    case "unmeasured":
      return "–";
    case "error":
      return "error: no result";
    case "failed":
      return `failed: ${status.words}`;
    case "missing":
      return "missing";
    case "stopped":
      return "stopped";
    default:
      return status.words;
  }
}

/** What the signs of the matrix mean. */
export function Legend() {
  const shown = [
    "waiting",
    "working",
    "answering",
    "stopped",
    "failed",
    "error",
    "missing",
    "unmeasured",
  ] as const;
  return (
    <section aria-label="Legend">
      <ul class="legend muted">
        {shown.map((kind) => (
          <li key={kind} class={icons[kind].tone}>
            <span class={`codicon codicon-${icons[kind].icon}`} aria-hidden="true" /> {icons[kind].title}
          </li>
        ))}
      </ul>
      <p class="muted about">
        Figures have 95 % intervals, over prompts or over seeds; the small plots below them are the seeds, or
        the draws of a random control. Arrow keys move, Enter opens the prompts of a cell, the log of a run
        that failed, or the dashboard of one that trains.
      </p>
    </section>
  );
}
