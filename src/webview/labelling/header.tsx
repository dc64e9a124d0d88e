import type { Label } from "../../protocol/label.ts";
import { count } from "../../wording/numbers.ts";
import { HelpButton } from "../ui/help.tsx";
import { stateIcons, stateNames } from "../ui/labelChip.tsx";
import { KeyCap } from "./keyCap.tsx";
import type { Action } from "./keys.ts";
import type { LabellingPage } from "./pageModel.ts";

const labels: readonly Label[] = ["toxic", "seemingly_toxic", "general"];

/** The file, how far its labelling is, and the switches of the page. */
export function Header({ page, act }: { page: LabellingPage; act: (action: Action) => void }) {
  const { counts } = page.board;
  return (
    <header>
      <div class="title">
        <h1 class="words">{page.file!.path}</h1>
        <div class="switches">
          {!page.file!.blind && (
            <button
              type="button"
              class="switch"
              title="Train on these labels…"
              aria-label="Train on these labels…"
              onClick={() => page.do("train")}
            >
              <span class="codicon codicon-play" aria-hidden="true" />
              <span class="name">Train on these labels…</span>
            </button>
          )}
          {!page.file!.blind && (
            <Switch
              icon="organization"
              name="Agreement"
              shown="A"
              pressed={page.mode === "agreement"}
              press={() => act("agreement")}
            />
          )}
          <Switch
            icon="table"
            name="Grid"
            shown="G"
            pressed={page.mode === "grid"}
            press={() => act("grid")}
          />
          <Switch
            icon={page.revealed ? "eye" : "eye-closed"}
            name="Show prompts"
            shown="B"
            pressed={page.revealed}
            press={() => act("veil")}
          />
          <HelpButton />
        </div>
      </div>
      {page.file!.blind && <SecondPass page={page} />}
      <div class="progress">
        <div
          class="bar"
          role="progressbar"
          aria-label="Labelled prompts"
          aria-valuemin={0}
          aria-valuemax={counts.total}
          aria-valuenow={counts.labelled}
          aria-valuetext={`${count(counts.labelled)} of ${count(counts.total)} labelled`}
        >
          {/* SVG, since the page's policy allows no inline styles. */}
          <svg viewBox={`0 0 ${Math.max(1, counts.total)} 1`} preserveAspectRatio="none" aria-hidden="true">
            {labels.map((label, i) => (
              <rect
                key={label}
                class={label}
                x={labels.slice(0, i).reduce((sum, before) => sum + counts[before], 0)}
                width={counts[label]}
                height={1}
              />
            ))}
          </svg>
        </div>
        <p class="counts">
          <strong>
            {count(counts.labelled)} of {count(counts.total)} labelled
          </strong>
          {labels.map((label) => (
            <span key={label} class={`count ${label}`}>
              <span class={`codicon codicon-${stateIcons[label]}`} aria-hidden="true" />
              {stateNames[label]} {count(counts[label])}
            </span>
          ))}
          {counts.disputed > 0 && (
            <span class="count disputed">
              <span class="codicon codicon-comment-unresolved" aria-hidden="true" />
              Disputed {count(counts.disputed)}
            </span>
          )}
        </p>
      </div>
    </header>
  );
}

/** What a second pass is, and once it is through, the way to its result. */
function SecondPass({ page }: { page: LabellingPage }) {
  const { labelled, total } = page.board.counts;
  return (
    <div class="blind">
      <span>
        <span class="codicon codicon-eye-closed" aria-hidden="true" /> Second pass: earlier labels are hidden,
        and the order is another.
      </span>
      {labelled === total && (
        <vscode-button onClick={() => page.do("showAgreement")}>Show agreement of both passes</vscode-button>
      )}
    </div>
  );
}

function Switch(props: { icon: string; name: string; shown: string; pressed: boolean; press: () => void }) {
  return (
    <button
      type="button"
      class="switch"
      aria-pressed={props.pressed}
      aria-keyshortcuts={props.shown}
      onClick={props.press}
    >
      <span class={`codicon codicon-${props.icon}`} aria-hidden="true" />
      <span class="name">{props.name}</span>
      <KeyCap shown={props.shown} />
    </button>
  );
}
