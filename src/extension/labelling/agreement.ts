import { Decisions } from "../../dataset/decisions.ts";
import type { LabelRecord } from "../../protocol/label.ts";
import {
  type AgreementClass,
  agreementClasses,
  classOf,
  type LabelAgreement,
  type Labelling,
  type PairAgreement,
} from "../../protocol/webview/labelAgreement.ts";
import { raterAgreement } from "../../statistics/raterAgreement.ts";

/** What one labelling says of prompts, by their ids. */
type Said = ReadonlyMap<string, AgreementClass>;

/** What every labelling in a log says of prompts: first passes in the order in which people first decided, then further ones. */
export function labellingsOf(
  decisions: readonly LabelRecord[],
  holds: (id: string) => boolean,
): (Labelling & { said: Said })[] {
  const own = Map.groupBy(decisions, ({ by, pass = 1 }) => `${pass} ${by}`);
  return [...own.values()]
    .map((records) => {
      const { by, pass = 1 } = records[0]!;
      return { by, pass, said: saidIn(records, pass, holds) };
    })
    .filter(({ said }) => said.size > 0)
    .sort((a, b) => a.pass - b.pass);
}

/** How far people agree on a file's prompts, and with themselves in a further pass. */
export function agreementOn(ids: readonly string[], decisions: readonly LabelRecord[]): LabelAgreement {
  const present = new Set(ids);
  const labellings = labellingsOf(decisions, (id) => present.has(id));
  const first = labellings.filter(({ pass }) => pass === 1);
  const people = first.flatMap((one, i) => first.slice(i + 1).map((other) => pairOf(one, other)));
  const retests = labellings
    .filter(({ pass }) => pass > 1)
    .flatMap((again) => first.filter(({ by }) => by === again.by).map((one) => pairOf(one, again)));
  return {
    labellings: labellings.map(({ by, pass, said }) => ({ by, pass, n: said.size })),
    ...(first.length > 2 && { everybody: everybodyOf(first.map(({ said }) => said)) }),
    people: people.filter(({ n }) => n > 0),
    retests: retests.filter(({ n }) => n > 0),
  };
}

/** Ids of the prompts that two labellings put into different classes. */
export function differingIds(
  decisions: readonly LabelRecord[],
  { first, second }: { first: Labelling; second: Labelling },
): Set<string> {
  const [one, other] = [saidBy(decisions, first), saidBy(decisions, second)];
  return new Set([...one].filter(([id, said]) => other.has(id) && other.get(id) !== said).map(([id]) => id));
}

/** What one labelling says of a log's prompts. */
export function saidBy(decisions: readonly LabelRecord[], { by, pass }: Labelling): Said {
  return saidIn(
    decisions.filter((record) => record.by === by),
    pass,
    () => true,
  );
}

function saidIn(records: readonly LabelRecord[], pass: number, holds: (id: string) => boolean): Said {
  const said = new Map<string, AgreementClass>();
  for (const [id, { label }] of new Decisions(records, pass).holding) {
    const named = classOf(label);
    if (named !== undefined && holds(id)) said.set(id, named);
  }
  return said;
}

/** What labellings say of each prompt that any of them labelled, as numbers of classes (prompts, labellings). */
function unitsOf(sayings: readonly Said[]): (number | undefined)[][] {
  const ids = new Set(sayings.flatMap((said) => [...said.keys()]));
  return [...ids].map((id) =>
    sayings.map((said) => {
      const named = said.get(id);
      return named && agreementClasses.indexOf(named);
    }),
  );
}

function pairOf(first: Labelling & { said: Said }, second: Labelling & { said: Said }): PairAgreement {
  const units = unitsOf([first.said, second.said]);
  const { n, share, kappa, byClass, confusion } = raterAgreement(units, agreementClasses.length);
  const nameOf = ({ by, pass }: Labelling): Labelling => ({ by, pass });
  return {
    first: nameOf(first),
    second: nameOf(second),
    n,
    share,
    kappa: kappa ?? { value: null },
    byClass,
    confusion: confusion ?? [],
  };
}

function everybodyOf(sayings: readonly Said[]): NonNullable<LabelAgreement["everybody"]> {
  const { n, share, alpha, byClass } = raterAgreement(unitsOf(sayings), agreementClasses.length);
  return { n, share, alpha, byClass };
}
