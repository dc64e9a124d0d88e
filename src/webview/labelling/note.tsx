import { KeyCap } from "./keyCap.tsx";
import type { LabellingPage } from "./pageModel.ts";

/** The note of the present prompt. */
export function Note({ page, leave }: { page: LabellingPage; leave: () => void }) {
  return (
    <div class="note">
      <label for="note">
        Note <KeyCap shown="N" />
      </label>
      <vscode-text-area
        id="note"
        aria-label="Note"
        aria-keyshortcuts="N"
        rows={2}
        resize="vertical"
        placeholder="Why this label? Saved by Enter or with the next label."
        value={page.note}
        onInput={({ currentTarget }) => {
          page.note = (currentTarget as unknown as { value: string }).value;
        }}
        onKeyDown={(event) => {
          const saves = event.key === "Enter" && !event.shiftKey && !event.isComposing;
          if (!saves && event.key !== "Escape") return;
          event.preventDefault();
          if (saves) page.saveNote();
          leave();
        }}
      />
    </div>
  );
}
