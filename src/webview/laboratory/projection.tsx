import { useMemo, useState } from "preact/hooks";
import type { ProjectionPicture, projectionContract, Separation } from "../../protocol/probe/projection.ts";
import type { ProbePrompt } from "../../protocol/probe/result.ts";
import { count, counted, figure, percent, probability } from "../../wording/numbers.ts";
import { axisOf, type MarkStyle, Scatter, type ScatterPoint, useMoving } from "../ui/scatter.tsx";
import { type Column, SortableTable } from "../ui/table.tsx";
import { Choice } from "./choice.tsx";
import type { FigureProps, FiguresRead } from "./figure.ts";
import { groupStyle, groupStyles, Swatch } from "./groups.tsx";
import { opener, PromptLine } from "./promptLine.tsx";
import { Scrubber } from "./scrubber.tsx";

type Figures = FiguresRead<typeof projectionContract>;

const methodTitles = { pca: "Principal components (PCA)", umap: "UMAP" } as const;

/** Points of all prompts in a plane, at one state after another, with what they are coloured by and how far groups stand apart. */
export function Projection({ result, figures, blur, post }: FigureProps<Figures>) {
  const { prompts } = result;
  const [method, setMethod] = useState(figures.pictures[0]!.method);
  const [state, setState] = useState(0);
  const [colouring, setColouring] = useState("group");
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [focused, setFocused] = useState<number | null>(null);
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  const picture = figures.pictures.find((each) => each.method === method)!;
  const choices = useMemo(() => colourings(prompts, figures), [prompts, figures]);
  const { styles, of } = useMemo(
    () => choices.find(({ id }) => id === colouring)!.styled(state),
    [choices, colouring, state],
  );
  const shown = useMemo(
    () =>
      prompts.flatMap((_, i) =>
        isPlaced(picture, state, i) && !hidden.has(styles[of[i]!]!.title) ? [i] : [],
      ),
    [prompts, picture, state, hidden, styles, of],
  );
  const points = useMoving(
    useMemo((): ScatterPoint[] => {
      const { x, y } = picture.states[state]!;
      return shown.map((i) => ({ x: x[i]!, y: y[i]!, style: of[i]! }));
    }, [picture, state, shown, of]),
  );
  // All states stand on the same axes, so that what moves in the picture moved in the model.
  const [x, y] = useMemo(() => axesOf(picture), [picture]);
  const names = picture.states.map((each) => each.state);
  const open = opener(post);
  const toggle = (title: string) => {
    const next = new Set(hidden);
    if (!next.delete(title)) next.add(title);
    setHidden(next);
  };
  const placeOf = new Map(shown.map((i, at) => [i, at]));
  return (
    <>
      <div class="figure-controls">
        <Choice
          label="Picture"
          value={method}
          onChange={(value) => setMethod(value as ProjectionPicture["method"])}
          options={figures.pictures.map((each) => [each.method, methodTitles[each.method]])}
        />
        <Choice
          label="Colour by"
          value={colouring}
          onChange={(value) => {
            setColouring(value);
            setHidden(new Set());
          }}
          options={choices.map(({ id, title }) => [id, title])}
        />
        <Scrubber states={names} chosen={state} onChoose={setState} />
      </div>
      <div class="figure-beside">
        <figure>
          <Scatter
            label={`${methodTitles[method]} of ${counted(shown.length, "prompt")} at ${names[state]}, layer ${figures.layer}. Arrow keys go from point to point, Space selects, Enter opens.`}
            {...{ x, y, points, styles }}
            ratio={0.82}
            focused={focused === null ? null : (placeOf.get(focused) ?? null)}
            onFocus={(at) => setFocused(at === null ? null : shown[at]!)}
            onOpen={open && ((at) => open(prompts[shown[at]!]!))}
            selected={new Set([...selected].flatMap((i) => placeOf.get(i) ?? []))}
            onSelect={(chosen) => setSelected(new Set([...chosen].map((at) => shown[at]!)))}
          />
          <div class="readout" aria-live="polite">
            {focused === null ? (
              <p class="muted">
                Point at a prompt, or focus the picture and use the arrow keys. Drag around points to select
                them.
              </p>
            ) : (
              <PromptLine
                prompt={prompts[focused]!}
                {...{ blur, post }}
                more={[
                  `refusal probability ${probability(figures.refusal[state]?.[focused])}`,
                  figures.verdicts?.states[state]?.[focused] ?? "",
                ]}
              />
            )}
          </div>
        </figure>
        <div>
          <Legend {...{ styles, of, hidden, toggle }} />
          <p class="muted about">{aboutPicture(figures, picture)}</p>
          <Apart {...{ figures, picture, state }} />
        </div>
      </div>
      <Selection {...{ prompts, selected, blur, post }} clear={() => setSelected(new Set())} />
    </>
  );
}

function isPlaced({ states }: ProjectionPicture, state: number, prompt: number): boolean {
  const { x, y } = states[state]!;
  return typeof x[prompt] === "number" && typeof y[prompt] === "number";
}

function axesOf({ method, explained, states }: ProjectionPicture) {
  const name = method === "pca" ? "PC" : "UMAP";
  const title = (axis: number) =>
    explained === null
      ? `${name} ${axis + 1}`
      : `${name} ${axis + 1} (${percent(explained[axis])} of variance)`;
  const known = (values: readonly (number | null)[]) => values.filter((value) => value !== null);
  return [
    axisOf(
      title(0),
      states.flatMap(({ x }) => known(x)),
    ),
    axisOf(
      title(1),
      states.flatMap(({ y }) => known(y)),
    ),
  ] as const;
}

/** What points can be coloured by. */
interface Colouring {
  readonly id: string;
  readonly title: string;
  /** Styles, and the index of each prompt's style at a state. */
  readonly styled: (state: number) => {
    readonly styles: readonly MarkStyle[];
    readonly of: readonly number[];
  };
}

const refusalBins = [
  { title: "refusal probability below 0.10", below: 0.1, class: "method-line method-2", shape: 1 },
  { title: "0.10 to 0.50", below: 0.5, class: "method-line method-4", shape: 2 },
  { title: "0.50 to 0.90", below: 0.9, class: "method-line method-1", shape: 3 },
  { title: "0.90 and above", below: Number.POSITIVE_INFINITY, class: "method-line refused", shape: 0 },
  { title: "not measured", below: Number.NaN, class: "method-line method-0", shape: 4 },
];

const verdictStyles = [
  { title: "refused", class: "method-line refused", shape: 0 },
  { title: "complied", class: "method-line method-2", shape: 1 },
  { title: "undetermined", class: "method-line method-0", shape: 4 },
];

function colourings(prompts: readonly ProbePrompt[], { refusal, verdicts }: Figures): Colouring[] {
  const present = groupStyles.filter(({ id }) => prompts.some(({ group }) => group === id));
  const groupOf = prompts.map((prompt) => present.indexOf(groupStyles[groupStyle(prompt)]!));
  return [
    { id: "group", title: "Group", styled: () => ({ styles: present, of: groupOf }) },
    ...byName("category", "Category", prompts, ({ category }) => category),
    ...byName("source", "Source", prompts, ({ source, file }) => source ?? file),
    {
      id: "refusal",
      title: "Refusal probability",
      styled: (state) => ({
        styles: refusalBins,
        of: prompts.map((_, i) => {
          const value = refusal[state]?.[i];
          return value === null || value === undefined
            ? refusalBins.length - 1
            : refusalBins.findIndex(({ below }) => value < below);
        }),
      }),
    },
    ...(verdicts === null
      ? []
      : [
          {
            ...{ id: "verdict", title: `Verdict (${verdicts.judge.id})` },
            styled: (state: number) => ({
              styles: verdictStyles,
              of: verdicts.states[state]!.map((verdict) =>
                verdictStyles.findIndex(({ title }) => title === verdict),
              ),
            }),
          },
        ]),
  ];
}

/** Colours and shapes are 36 different marks; beyond so many names, the rarer ones share one. */
const mostNames = 24;

function byName(
  id: string,
  title: string,
  prompts: readonly ProbePrompt[],
  nameOf: (prompt: ProbePrompt) => string | undefined,
): Colouring[] {
  const names = prompts.map((prompt) => nameOf(prompt) ?? "none");
  const counts = [...Map.groupBy(names, (name) => name)].sort(
    ([a, first], [b, second]) => second.length - first.length || a.localeCompare(b),
  );
  if (counts.length < 2) return [];
  const own = counts.slice(0, mostNames).map(([name]) => name);
  const styles = [...own, ...(counts.length > mostNames ? [`${counts.length - mostNames} others`] : [])].map(
    (name, i) => ({
      title: name,
      class: `method-line method-${(i + 1) % 6}`,
      shape: (i + Math.floor(i / 6)) % 6,
    }),
  );
  const places = new Map(own.map((name, i) => [name, i]));
  const of = names.map((name) => places.get(name) ?? mostNames);
  return [{ id, title, styled: () => ({ styles, of }) }];
}

function Legend({
  styles,
  of,
  hidden,
  toggle,
}: {
  styles: readonly MarkStyle[];
  of: readonly number[];
  hidden: ReadonlySet<string>;
  toggle: (title: string) => void;
}) {
  const counts = styles.map((_, k) => of.filter((style) => style === k).length);
  return (
    <ul class="legend switches">
      {styles.map((style, k) =>
        counts[k] === 0 ? null : (
          <li key={style.title}>
            <button
              type="button"
              class="switch"
              aria-pressed={!hidden.has(style.title)}
              title="Hide or show"
              onClick={() => toggle(style.title)}
            >
              <Swatch style={style} />
              {style.title} <small class="muted">{count(counts[k])}</small>
            </button>
          </li>
        ),
      )}
    </ul>
  );
}

function aboutPicture(
  { layer, pooling, reduced, width }: Figures,
  { method, fitted, explained }: ProjectionPicture,
) {
  const where = `Features of layer ${layer}, ${pooling === "last" ? "last token" : "mean over a prompt's own tokens"}, ${count(width)} numbers each.`;
  const states = fitted.length === 1 ? fitted[0] : `all ${fitted.length} states together`;
  return method === "pca"
    ? `${where} Fitted on ${states}; the two axes hold ${percent((explained?.[0] ?? 0) + (explained?.[1] ?? 0))} of its variance.`
    : `${where} Fitted on ${states}, on their first ${counted(reduced ?? 0, "principal component")}. Only nearness means something: distances between clusters do not.`;
}

interface ApartRow {
  readonly title: string;
  readonly words: string;
  readonly shuffled: string;
  readonly random: string;
}

/** How far the groups stand apart in the picture, beside what chance gives. */
function Apart({ figures, picture, state }: { figures: Figures; picture: ProjectionPicture; state: number }) {
  const { state: name, between, silhouette } = picture.states[state]!;
  if (between === null || silhouette === null) {
    return <p class="muted about">All prompts are of one group, so there is nothing to stand apart.</p>;
  }
  const row = (
    title: string,
    { value, shuffled, random }: Separation,
    unit: "share" | "number",
  ): ApartRow => {
    const chance = (found: { mean: number | null; highest: number | null } | null) =>
      found === null ? "–" : `${figure(found.mean, unit)} (${figure(found.highest, unit)})`;
    return { title, words: figure(value, unit), shuffled: chance(shuffled), random: chance(random) };
  };
  const whole = figures.whole.find((each) => each.state === name)?.between;
  return (
    <>
      <h3>How far groups stand apart, and by chance</h3>
      <SortableTable
        caption={`Separation of groups at ${name}, beside chance`}
        keyOf={({ title }) => title}
        columns={apartColumns}
        rows={[
          row("Variance between groups, picture", between, "share"),
          {
            title: "Variance between groups, whole features",
            words: percent(whole),
            shuffled: "–",
            random: "–",
          },
          row("Silhouette, picture", silhouette, "number"),
        ]}
      />
      <p class="muted about">Controls: mean and, in brackets, highest over all draws.</p>
    </>
  );
}

const apartColumns: Column<ApartRow>[] = [
  { id: "figure", title: "Figure", cell: ({ title }) => <span class="two-lines">{title}</span> },
  { id: "value", title: "Value", number: true, cell: ({ words }) => words },
  { id: "shuffled", title: "Shuffled labels", number: true, cell: ({ shuffled }) => shuffled },
  { id: "random", title: "Random directions", number: true, cell: ({ random }) => random },
];

/** Prompts that are listed; a lasso may hold thousands. */
const mostListed = 200;

function Selection({
  prompts,
  selected,
  clear,
  blur,
  post,
}: Pick<FigureProps<unknown>, "blur" | "post"> & {
  prompts: readonly ProbePrompt[];
  selected: ReadonlySet<number>;
  clear: () => void;
}) {
  if (selected.size === 0) return null;
  const listed = [...selected].sort((a, b) => a - b).slice(0, mostListed);
  return (
    <section class="selection" aria-label="Selected prompts">
      <h3>
        {counted(selected.size, "prompt")} selected{" "}
        <button type="button" class="link" onClick={clear}>
          Clear
        </button>
      </h3>
      <ul>
        {listed.map((i) => (
          <li key={i}>
            <PromptLine prompt={prompts[i]!} {...{ blur, post }} />
          </li>
        ))}
      </ul>
      {selected.size > mostListed && <p class="muted">The first {count(mostListed)} are listed.</p>}
    </section>
  );
}
