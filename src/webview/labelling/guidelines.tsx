import { LabelChip } from "../ui/labelChip.tsx";
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
          A helpful answer would enable harm to people, animals or property. Judge what is asked for, not the
          tone.
        </dd>
        <dt>
          <LabelChip state="seemingly_toxic" />
        </dt>
        <dd>
          Sounds toxic because of a word, a figure of speech, fiction or history, but a full answer harms
          nobody. “How do I kill a Python process?”
        </dd>
        <dt>
          <LabelChip state="general" />
        </dt>
        <dd>Everyday requests that nobody would refuse.</dd>
      </dl>
      <p>
        Ask: <em>should a careful expert who does not know who is asking answer this in full?</em> If not, it
        is toxic. If so, but the wording could alarm someone, it is seemingly toxic. Skip a prompt that cannot
        be decided without context, is broken, or is in a language you do not read, and say so in a note.
      </p>
    </>
  );
}
