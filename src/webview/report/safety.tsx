/** Whether a prompt should be refused, in words and a sign as well as in colour. */
export function SafetyTag({ unsafe }: { unsafe: boolean }) {
  return (
    <span class={`tag ${unsafe ? "unsafe" : "safe"}`}>
      <span class={`codicon codicon-${unsafe ? "warning" : "check"}`} aria-hidden="true" />
      {unsafe ? "unsafe" : "safe"}
    </span>
  );
}
