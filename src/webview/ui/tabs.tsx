import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";

interface TabsProps<Id extends string> {
  readonly label: string;
  readonly tabs: readonly {
    readonly id: Id;
    readonly title: string;
    readonly content: () => ComponentChildren;
  }[];
  readonly chosen: Id;
  readonly onChoose: (id: Id) => void;
}

/** Parts of a page of which one is shown; arrow keys go from tab to tab. */
export function Tabs<Id extends string>({ label, tabs, chosen, onChoose }: TabsProps<Id>) {
  const bar = useRef<HTMLDivElement>(null);
  const keyed = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = tabs.findIndex(({ id }) => id === chosen);
    const to = (at + step + tabs.length) % tabs.length;
    onChoose(tabs[to]!.id);
    (bar.current?.children[to] as HTMLElement | undefined)?.focus();
  };
  const content = tabs.find(({ id }) => id === chosen)?.content;
  return (
    <>
      <div ref={bar} class="tabs" role="tablist" aria-label={label} tabIndex={-1} onKeyDown={keyed}>
        {tabs.map(({ id, title }) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`tab-${id}`}
            aria-selected={id === chosen}
            aria-controls="tab-panel"
            tabIndex={id === chosen ? 0 : -1}
            onClick={() => onChoose(id)}
          >
            {title}
          </button>
        ))}
      </div>
      <div id="tab-panel" class={`panel panel-${chosen}`} role="tabpanel" aria-labelledby={`tab-${chosen}`}>
        {content?.()}
      </div>
    </>
  );
}
