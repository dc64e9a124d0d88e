/**
 * Says that a file cannot be shown, and that it is shown when it is whole.
 *
 * @param what the file holds, such as "report".
 * @param post tells the host; null where the page is a file, which opens nothing.
 */
export function Damaged({
  what,
  message,
  post,
}: {
  what: string;
  message: string;
  post: ((message: { type: "openAsText" }) => void) | null | undefined;
}) {
  return (
    <div class="empty" role="alert">
      <p>
        <span class="codicon codicon-error bad" aria-hidden="true" /> {message}
      </p>
      <p>The {what} appears as soon as the file is complete.</p>
      {post && (
        <button type="button" class="button" onClick={() => post({ type: "openAsText" })}>
          Open as Text
        </button>
      )}
    </div>
  );
}
