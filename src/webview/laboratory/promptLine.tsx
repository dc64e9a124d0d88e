import type { ProbePrompt } from "../../protocol/probe/result.ts";
import { Words } from "../ui/words.tsx";
import type { FigureProps } from "./figure.ts";
import { groupStyle, groupStyles, groupTitle, Swatch } from "./groups.tsx";

/** Opens the line of a prompt in its file; undefined where there is no host. */
export function opener(
  post: FigureProps<unknown>["post"],
): ((prompt: Pick<ProbePrompt, "file" | "line" | "id">) => void) | undefined {
  return post === null ? undefined : ({ file, line, id }) => post({ type: "openPrompt", file, line, id });
}

/** A prompt's words with its group, its place and a way to its file. */
export function PromptLine({
  prompt,
  blur,
  post,
  more,
}: Pick<FigureProps<unknown>, "blur" | "post"> & {
  prompt: ProbePrompt;
  /** Further facts of it, in words. */
  more?: readonly string[];
}) {
  const open = opener(post);
  const { group, category, source, file, line } = prompt;
  return (
    <div class="prompt-line">
      <Words text={prompt.prompt} hidden={blur && group === "toxic"} />
      <p class="muted">
        <Swatch style={groupStyles[groupStyle(prompt)]!} />
        {[groupTitle(group), category, source, ...(more ?? [])].filter(Boolean).join(" · ")}
        {" · "}
        {open ? (
          <button type="button" class="link" onClick={() => open(prompt)}>
            {file}:{line}
          </button>
        ) : (
          `${file}:${line}`
        )}
      </p>
    </div>
  );
}
