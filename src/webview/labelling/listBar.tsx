import { useEffect, useRef } from "preact/hooks";
import type { LabelFilter, PromptOrder, Query } from "../../protocol/webview/labelling.ts";
import { count, counted } from "../../wording/numbers.ts";
import { Choice } from "../ui/choice.tsx";
import { IconButton } from "../ui/iconButton.tsx";
import type { Action } from "./keys.ts";
import type { LabellingPage } from "./pageModel.ts";
import { filterNames, orderNames } from "./words.ts";

/** Says that only prompts are listed of which two labellings say different things, and ends it. */
function Differing({ page, differ }: { page: LabellingPage; differ: NonNullable<Query["differ"]> }) {
  const { first, second } = differ;
  const who = first.by === second.by ? `passes of ${first.by}` : `${first.by} and ${second.by}`;
  return (
    <button
      type="button"
      class="switch"
      aria-pressed="true"
      title="List all prompts again"
      onClick={() => page.ask({ differ: undefined })}
    >
      Disagreements: {who}
      <span class="codicon codicon-close" aria-hidden="true" />
    </button>
  );
}

/** Milliseconds of silence after which what was typed is searched for. */
const TYPING_PAUSE = 150;

/** The toolkit's text field, which shows its own input. */
interface SearchField {
  readonly value: string;
  readonly control?: HTMLInputElement;
}

/**
 * Whether Ctrl+A has no words left to select in the field: then it selects the prompts that were found, and the focus stays in the
 * search.
 */
function isWhollySelected({ value, control }: SearchField): boolean {
  return value === "" || (control?.selectionStart === 0 && control.selectionEnd === value.length);
}

/** Which prompts are listed, in which order, and where in the list the person is. */
export function ListBar({ page, act }: { page: LabellingPage; act: (action: Action) => void }) {
  const waiting = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(waiting.current), []);
  const search = (text: string) => {
    clearTimeout(waiting.current);
    waiting.current = setTimeout(() => page.ask({ text }), TYPING_PAUSE);
  };
  const searchNow = (text: string) => {
    clearTimeout(waiting.current);
    if (text !== page.query.text) page.ask({ text });
  };
  const length = page.places?.length ?? 0;
  return (
    <search class="list-bar" aria-label="Which prompts">
      <vscode-text-field
        id="search"
        aria-label="Search prompts"
        placeholder="Search ( / )"
        value={page.query.text}
        onInput={({ currentTarget }) => search((currentTarget as unknown as { value: string }).value)}
        onKeyDown={(event) => {
          const field = event.currentTarget as unknown as SearchField;
          if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a") {
            if (page.mode !== "grid" || !isWhollySelected(field)) return;
            event.preventDefault();
            event.stopPropagation();
            searchNow(field.value);
            page.selectAll();
            return;
          }
          if (event.key === "Escape") searchNow("");
          else if (event.key === "Enter") searchNow(field.value);
          else return;
          event.preventDefault();
          document.querySelector<HTMLElement>("[data-work]")?.focus();
        }}
      />
      <Choice<LabelFilter>
        name="Labels shown"
        value={page.query.label}
        options={Object.entries(filterNames).map(([value, name]) => ({ value: value as LabelFilter, name }))}
        onChoose={(label) => page.ask({ label })}
      />
      {!page.file?.blind && (
        <Choice<PromptOrder>
          name="Order"
          value={page.query.order}
          options={Object.entries(orderNames).map(([value, name]) => {
            const lacksRun = (value === "informative" || value === "disagreement") && page.run === null;
            return {
              value: value as PromptOrder,
              name: lacksRun ? `${name} (needs a finished run)` : name,
              disabled: lacksRun,
            };
          })}
          // Who chooses a queue wants its first prompt, not the place of the present one in it.
          onChoose={(order) => page.startOver({ order })}
        />
      )}
      {page.query.differ && <Differing page={page} differ={page.query.differ} />}
      <button
        type="button"
        class="icon"
        aria-label="Update the list by the current labels"
        title="Update the list by the current labels"
        onClick={() => page.startOver()}
      >
        <span class="codicon codicon-refresh" aria-hidden="true" />
      </button>
      <span class="where">
        {length > 0 &&
          (page.mode === "grid" && page.selection.size > 1
            ? `${counted(page.selection.size, "prompt")} selected`
            : `${count(page.position + 1)} of ${count(length)}`)}
      </span>
      {page.mode === "one" && (
        <>
          <IconButton
            name="Previous prompt"
            shortcut="ArrowLeft"
            icon="arrow-left"
            press={() => act("previous")}
          />
          <IconButton name="Next prompt" shortcut="ArrowRight" icon="arrow-right" press={() => act("next")} />
        </>
      )}
    </search>
  );
}
