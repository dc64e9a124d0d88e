import { useEffect, useRef } from "preact/hooks";
import type { LabelFilter, PromptOrder } from "../../protocol/webview/labelling.ts";
import { count, counted } from "../../wording/numbers.ts";
import { IconButton } from "../ui/iconButton.tsx";
import { Choice } from "./choice.tsx";
import type { Action } from "./keys.ts";
import type { LabellingPage } from "./pageModel.ts";
import { filterNames, orderNames } from "./words.ts";

/** Milliseconds of silence after which what was typed is searched for. */
const TYPING_PAUSE = 150;

/** Which prompts are listed, in which order, and where in the list the person is. */
export function ListBar({ page, act }: { page: LabellingPage; act: (action: Action) => void }) {
  const waiting = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(waiting.current), []);
  const search = (text: string) => {
    clearTimeout(waiting.current);
    waiting.current = setTimeout(() => page.ask({ text }), TYPING_PAUSE);
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
          if (event.key === "Escape" && page.query.text !== "") page.ask({ text: "" });
          if (event.key !== "Enter" && event.key !== "Escape") return;
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
      <Choice<PromptOrder>
        name="Order"
        value={page.query.order}
        options={Object.entries(orderNames).map(([value, name]) => ({
          value: value as PromptOrder,
          name: value === "informative" && page.run === null ? `${name} (needs a finished run)` : name,
          disabled: value === "informative" && page.run === null,
        }))}
        onChoose={(order) => page.ask({ order })}
      />
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
