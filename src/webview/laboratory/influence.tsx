import { useState } from "preact/hooks";
import type { influenceContract } from "../../protocol/probe/influence.ts";
import type { TrainingPrompt } from "../../protocol/probe/result.ts";
import { greatestOf } from "../../statistics/extremes.ts";
import { count, counted, figure, percent, probability, signed } from "../../wording/numbers.ts";
import { type Column, SortableTable } from "../ui/table.tsx";
import { Words } from "../ui/words.tsx";
import { Choice } from "./choice.tsx";
import type { FigureProps, FiguresRead } from "./figure.ts";
import { groupTitle } from "./groups.tsx";
import { opener, PromptLine } from "./promptLine.tsx";

type Figures = FiguresRead<typeof influenceContract>;
type Target = Figures["targets"][number];
type Contribution = Target["towards"][number];

/** Training pairs that pushed a prompt towards refusal or away from it, to be opened, marked, and left out of another run. */
export function Influence({ result, figures, blur, post }: FigureProps<Figures>) {
  const { targets } = figures;
  const [at, setAt] = useState("0");
  const [marked, setMarked] = useState<ReadonlySet<number>>(new Set());
  const target = targets[Number(at)];
  if (target === undefined) return <p class="muted">No prompt was asked about.</p>;
  const toggle = (training: number) => {
    const next = new Set(marked);
    if (!next.delete(training)) next.add(training);
    setMarked(next);
  };
  const lists = { result, target, marked, toggle, blur, post };
  return (
    <>
      <div class="figure-controls">
        <Choice
          label="Prompt"
          value={at}
          onChange={setAt}
          options={targets.map(({ prompt, role }, i) => [
            String(i),
            `${role === "control" ? "Control: " : ""}${titleOf(result.prompts[prompt], blur)}`,
          ])}
        />
      </div>
      <PromptLine prompt={result.prompts[target.prompt]!} {...{ blur, post }} />
      <TargetFacts {...{ target, figures }} />
      <div class="side-by-side">
        <Contributions {...lists} title="Towards refusal" listed={target.towards} />
        <Contributions {...lists} title="Away from refusal" listed={target.away} />
      </div>
      {post && (
        <p class="run-again">
          <button
            type="button"
            class="button"
            disabled={marked.size === 0}
            onClick={() =>
              post({
                type: "excludePrompts",
                ids: [...new Set([...marked].map((training) => result.training[training]!.id))],
              })
            }
          >
            Run Again Without These… ({count(marked.size)})
          </button>
        </p>
      )}
      <Controls figures={figures} />
    </>
  );
}

function titleOf(prompt: { prompt: string; group: string; line: number } | undefined, blur: boolean): string {
  if (prompt === undefined) return "unknown";
  if (blur && prompt.group === "toxic") return `${groupTitle(prompt.group)} prompt, line ${prompt.line}`;
  const words = prompt.prompt.trim();
  return words.length > 70 ? `${words.slice(0, 69)}…` : words;
}

function TargetFacts({ target, figures }: { target: Target; figures: Figures }) {
  const { logOdds, probability: refused, predicted, measured, effective, byPart, byInterval } = target;
  const facts: [string, string][] = [
    [
      "Refusal probability, first and last state",
      `${probability(refused[0])} to ${probability(refused.at(-1))}`,
    ],
    ["Log-odds", `${signed(logOdds[0], "nats")} to ${signed(logOdds.at(-1), "nats")}`],
    [
      "Change that the pairs explain, and measured",
      `${signed(predicted, "nats")} and ${signed(measured, "nats")}`,
    ],
    ["Effective number of pairs", figure(effective)],
    ...byPart.map(({ part, contribution, drawn }): [string, string] => [
      `Part ${part}`,
      `${signed(contribution, "nats")}, ${counted(drawn, "draw")}`,
    ]),
    ...byInterval.map((contribution, i): [string, string] => [
      `${figures.intervals[i]?.from} to ${figures.intervals[i]?.to}`,
      signed(contribution, "nats"),
    ]),
  ];
  return (
    <dl class="measured">
      {facts.map(([title, words]) => (
        <div key={title}>
          <dt class="muted">{title}</dt>
          <dd>{words}</dd>
        </div>
      ))}
    </dl>
  );
}

interface ContributionsProps extends Pick<FigureProps<Figures>, "result" | "blur" | "post"> {
  readonly title: string;
  readonly target: Target;
  readonly listed: readonly Contribution[];
  readonly marked: ReadonlySet<number>;
  readonly toggle: (training: number) => void;
}

function Contributions({ title, target, listed, result, marked, toggle, blur, post }: ContributionsProps) {
  // Bars of both lists have one scale.
  const most = greatestOf([
    0,
    ...[...target.towards, ...target.away].map(({ contribution }) => Math.abs(contribution ?? 0)),
  ]);
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      {listed.length === 0 && <p class="muted">No pair pushed this way.</p>}
      <ol class="contributions">
        {listed.map((one) => (
          <Row
            key={one.training}
            {...{ one, most, blur, post }}
            pair={result.training[one.training]!}
            isMarked={marked.has(one.training)}
            onMark={() => toggle(one.training)}
          />
        ))}
      </ol>
    </section>
  );
}

function Row({
  one: { contribution, share, drawn },
  pair,
  most,
  isMarked,
  onMark,
  blur,
  post,
}: {
  one: Contribution;
  pair: TrainingPrompt;
  most: number;
  isMarked: boolean;
  onMark: () => void;
} & Pick<FigureProps<unknown>, "blur" | "post">) {
  const open = opener(post);
  const size = most > 0 ? Math.abs(contribution ?? 0) / most : 0;
  const isAway = (contribution ?? 0) < 0;
  const hides = blur && pair.group === "toxic";
  return (
    <li>
      {post ? (
        <input
          type="checkbox"
          checked={isMarked}
          aria-label={`Leave out ${hides ? `the pair of line ${pair.line}` : pair.prompt}`}
          title="Leave out of another run"
          onChange={onMark}
        />
      ) : (
        <span />
      )}
      <div>
        <svg class="bar" viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true">
          <line class="base" x1="0" x2="100" y1="13.5" y2="13.5" />
          <rect class={isAway ? "away" : ""} x="0.5" y="2" width={Math.max(0.5, 99 * size)} height="10" />
        </svg>
        <strong>{signed(contribution, "nats")}</strong>{" "}
        <small class="muted">
          {percent(share)} · {counted(drawn, "draw")}
        </small>
      </div>
      <div class="prompt-line">
        <Words text={pair.prompt} hidden={hides} />
        <details class="answer-words">
          <summary class="muted">Answer</summary>
          <Words text={pair.response} hidden={false} />
        </details>
        {pair.rejected !== undefined && (
          <details class="answer-words">
            <summary class="muted">Rejected answer</summary>
            <Words text={pair.rejected} hidden={false} />
          </details>
        )}
        <p class="muted">
          {pair.part} ·{" "}
          {open ? (
            <button type="button" class="link" onClick={() => open(pair)}>
              {pair.file}:{pair.line}
            </button>
          ) : (
            `${pair.file}:${pair.line}`
          )}
        </p>
      </div>
    </li>
  );
}

function Controls({ figures: { controls } }: { figures: Figures }) {
  const { rankCorrelation, overlap, shuffled } = controls;
  const rows = [
    {
      title:
        "Rank correlation of contributions with those of control prompts; near 1, the same pairs push every prompt",
      words: figure(rankCorrelation),
    },
    { title: "Share of the ten strongest pairs that are a control prompt's, too", words: percent(overlap) },
    ...(shuffled
      ? [
          {
            title: `Correlation of gradient products with those of exchanged answers (${counted(shuffled.pairs, "pair")})`,
            words: figure(shuffled.correlation),
          },
        ]
      : []),
  ];
  return (
    <>
      <h3>Controls</h3>
      <SortableTable caption="Controls" rows={rows} keyOf={({ title }) => title} columns={controlColumns} />
    </>
  );
}

const controlColumns: Column<{ title: string; words: string }>[] = [
  { id: "control", title: "Control", cell: ({ title }) => <span class="control-words">{title}</span> },
  { id: "value", title: "Value", number: true, cell: ({ words }) => words },
];
