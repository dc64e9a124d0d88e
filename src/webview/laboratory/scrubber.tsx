import { IconButton } from "../ui/iconButton.tsx";

/** Goes through the states of a run, by a slider and by steps; nothing where there is one state. */
export function Scrubber({
  states,
  chosen,
  onChoose,
  label = "State",
}: {
  states: readonly string[];
  chosen: number;
  onChoose: (state: number) => void;
  label?: string;
}) {
  if (states.length < 2) return null;
  return (
    <fieldset class="scrubber" aria-label={label}>
      <span class="muted" aria-hidden="true">
        {label}
      </span>
      <IconButton
        icon="chevron-left"
        name="Earlier state"
        disabled={chosen === 0}
        press={() => onChoose(chosen - 1)}
      />
      <input
        type="range"
        aria-label={label}
        aria-valuetext={states[chosen]}
        min={0}
        max={states.length - 1}
        step={1}
        value={chosen}
        onInput={({ currentTarget }) => onChoose(Number(currentTarget.value))}
      />
      <IconButton
        icon="chevron-right"
        name="Later state"
        disabled={chosen === states.length - 1}
        press={() => onChoose(chosen + 1)}
      />
      <output>
        <strong>{states[chosen]}</strong>{" "}
        <span class="muted">
          {chosen + 1} of {states.length}
        </span>
      </output>
    </fieldset>
  );
}
