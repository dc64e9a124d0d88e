import { useEffect, useRef } from "preact/hooks";

/** A drop-down list of the toolkit with its name before it. */
export function Choice<T extends string>(props: {
  name: string;
  value: T;
  options: readonly { value: T; name: string; disabled?: boolean }[];
  onChoose: (value: T) => void;
}) {
  const list = useRef<HTMLElement & { value: string }>(null);
  // The element knows its options only after it is drawn, and takes no value before.
  useEffect(() => {
    const { current } = list;
    if (current && current.value !== props.value) current.value = props.value;
  });
  return (
    <vscode-dropdown
      ref={list}
      aria-label={props.name}
      onChange={({ currentTarget }) => props.onChoose((currentTarget as unknown as { value: T }).value)}
    >
      {props.options.map(({ value, name, disabled }) => (
        <vscode-option key={value} value={value} aria-disabled={disabled} selected={value === props.value}>
          {name}
        </vscode-option>
      ))}
    </vscode-dropdown>
  );
}
