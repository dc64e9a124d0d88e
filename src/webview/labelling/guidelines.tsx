import { LabelChip } from "./labelChip.tsx";
import type { LabellingPage } from "./pageModel.ts";

/** How to tell the labels apart: the words of the setting, or those that come with the extension. */
export function Guidelines({ page }: { page: LabellingPage }) {
  const own = page.guidelines.trim();
  return (
    <details
      class="guidelines"
      open={page.guidelinesOpen}
      onToggle={({ currentTarget }) => {
        if (currentTarget.open !== page.guidelinesOpen) page.toggle("guidelinesOpen");
      }}
    >
      <summary>Guidelines</summary>
      {own === "" ? (
        <BuiltIn />
      ) : (
        <ul>
          {own
            .split("\n")
            .filter((rule) => rule.trim() !== "")
            .map((rule, i) => (
              <li key={i} class="words">
                {rule}
              </li>
            ))}
        </ul>
      )}
    </details>
  );
}

function BuiltIn() {
  return (
    <>
      <dl>
        <dt>
          <LabelChip state="toxic" />
        </dt>
        <dd>
          A helpful answer would enable harm to people, animals or property. Judge what is asked for, not how
          politely.
        </dd>
        <dt>
          <LabelChip state="seemingly_toxic" />
        </dt>
        <dd>
          Sounds like the above through a word, a figure of speech, fiction or history, yet a full answer
          harms nobody. “How do I kill a Python process?”
        </dd>
        <dt>
          <LabelChip state="general" />
        </dt>
        <dd>Everyday use that nobody would think of refusing.</dd>
      </dl>
      <p>
        Ask: <em>should a careful expert answer this in full, not knowing who asks?</em> If no, toxic. If yes,
        and someone could be startled by the wording, seemingly toxic. Skip when it depends on what is not
        said, when the prompt is broken or in a language you do not read, and say so in a note.
      </p>
    </>
  );
}
