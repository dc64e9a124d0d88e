import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";

/** A value of the library's own, a node of its trees, and its scopes; its types do not resolve under Node's rules. */
interface Value {
  readonly type: string;
  readonly value: unknown;
}
interface Node {
  readonly type: string;
}
interface Scope {
  set(name: string, value: unknown): Value;
}
const Base = Interpreter as new (
  scope: Scope,
) => { evaluate(node: Node | undefined, scope: Scope): Value; run(program: Node): Value };
const newScope = (): Scope => new Environment();

/** A node whose value is known already, so that what the library evaluates again costs nothing. */
interface Evaluated extends Node {
  readonly type: "Evaluated";
  readonly value: Value;
}

/**
 * A Jinja template that renders as transformers' does. The library prints, compares and strips by JavaScript's rules where
 * Jinja follows Python's; what it does not know at all (filters, tests, `{% raw %}`) it refuses by an error with its name.
 * One difference is left: the pairs of `items()` are printed as lists.
 *
 * @throws Error where the source is no Jinja, or asks for what is not known.
 */
export class PythonTemplate {
  private readonly program: Node;

  constructor(source: string) {
    // Jinja ends every line of a template alike before anything else.
    const lines = source.replace(/\r\n?/g, "\n");
    this.program = parse(tokenize(lines, { lstrip_blocks: true, trim_blocks: true }));
  }

  /** @param variables JSON values and functions. @throws Error as `raise_exception` and undefined names do. */
  render(variables: Record<string, unknown>): string {
    const environment = newScope();
    for (const [name, value] of Object.entries({ ...globals, ...variables })) environment.set(name, value);
    return String(new PythonInterpreter(environment).run(this.program).value);
  }
}

/** The functions that every template has; the library keeps its own to itself, and its clock is today's. */
const globals = {
  false: false,
  true: true,
  none: null,
  False: false,
  True: true,
  None: null,
  raise_exception(message: string) {
    throw new Error(message);
  },
  range(start: number, stop?: number, step = 1) {
    const [from, to] = stop === undefined ? [0, start] : [start, stop];
    return Array.from({ length: Math.max(0, Math.ceil((to - from) / step)) }, (_, i) => from + i * step);
  },
  dict: (entries?: Map<string, Value>) =>
    Object.fromEntries([...(entries ?? [])].map(([key, value]) => [key, plain(value)])),
};

class PythonInterpreter extends Base {
  constructor(environment: Scope) {
    super(environment);
    // Private in the library's types, and the one place where values become text.
    Object.assign(this, {
      evaluateBlock: (statements: readonly Node[], scope: Scope) =>
        runtime(statements.map((statement) => this.printed(statement, scope)).join("")),
    });
  }

  override evaluate(node: Node | undefined, scope: Scope): Value {
    switch (node?.type) {
      case "Evaluated":
        return (node as Evaluated).value;
      case "BinaryExpression":
        return this.binary(node as Binary, scope);
      case "MemberExpression":
        return this.member(node as Member, scope);
      case "FilterExpression":
        return this.filter(node as Filter, scope);
      default:
        return super.evaluate(node, scope);
    }
  }

  private printed(statement: Node, scope: Scope): string {
    const value = this.evaluate(statement, scope);
    if (statements.has(statement.type)) return value.type === "StringValue" ? String(value.value) : "";
    return printed(value);
  }

  private binary(node: Binary, scope: Scope): Value {
    const { value: operator } = node.operator;
    const left = this.evaluate(node.left, scope);
    if (operator === "and" || operator === "or")
      return super.evaluate({ ...node, left: known(left) } as Node, scope);
    const right = this.evaluate(node.right, scope);
    if (operator === "==" || operator === "!=") return runtime(equal(left, right) === (operator === "=="));
    if (operator === "~") return runtime(printed(left) + printed(right));
    const types = [left.type, right.type];
    if ((operator === "in" || operator === "not in") && right.type === "ArrayValue") {
      const found = (right.value as Value[]).some((each) => equal(each, left));
      return runtime(found === (operator === "in"));
    }
    if (operator === "+" && types.includes("StringValue") && left.type !== right.type) {
      throw new Error(`"+" cannot join a text and a value of another type (${left.type}, ${right.type})`);
    }
    if (operator === "%" && types.every((type) => type === "IntegerValue")) {
      const [a, b] = [left.value as number, right.value as number];
      return runtime(a - b * Math.floor(a / b));
    }
    return super.evaluate({ ...node, left: known(left), right: known(right) } as Node, scope);
  }

  private member(node: Member, scope: Scope): Value {
    const object = this.evaluate(node.object, scope);
    if (object.type === "UndefinedValue") throw new Error(`${nameOf(node.object)} is undefined`);
    if (object.type === "StringValue") {
      const text = object.value as string;
      if (!node.computed) {
        const name = (node.property as Node & { value: string }).value;
        if (Object.hasOwn(methods, name)) return runtime(methods[name]!(text));
      } else if (node.property.type !== "SliceExpression") {
        const index = this.evaluate(node.property, scope);
        if (index.type === "IntegerValue") {
          const character = [...text].at(index.value as number);
          return runtime(character);
        }
      }
    }
    const found = super.evaluate({ ...node, object: known(object) } as Node, scope);
    if (found.type === "UndefinedValue" && object.type === "StringValue" && !node.computed) {
      throw new Error(
        `the method "${(node.property as Node & { value: string }).value}" of texts is not known`,
      );
    }
    return found;
  }

  private filter(node: Filter, scope: Scope): Value {
    const operand = this.evaluate(node.operand, scope);
    const call = node.filter.type === "CallExpression";
    const name = call
      ? (node.filter as Node & { callee: { value: string } }).callee.value
      : (node.filter as Node & { value: string }).value;
    if (operand.type === "StringValue" && !call) {
      const text = operand.value as string;
      if (name === "length" || name === "count") return runtime([...text].length);
      if (name === "trim") return runtime(strip(text, null, "both"));
      if (name === "capitalize") return runtime(capitalised(text));
      if (name === "title") return runtime(text.replace(/[^-\s({[<]+/g, capitalised));
    }
    if (name === "string" && !call) return runtime(printed(operand));
    if (name === "tojson") checkJson(operand);
    if (name === "join" && operand.type === "ArrayValue") {
      const [separator, ...others] = call ? (node.filter as Node & { args: Node[] }).args : [];
      if (others.length > 0 || separator?.type === "KeywordArgumentExpression") {
        throw new Error('the filter "join" is known with a separator alone');
      }
      const between = separator ? printed(this.evaluate(separator, scope)) : "";
      return runtime((operand.value as Value[]).map(printed).join(between));
    }
    return super.evaluate({ ...node, operand: known(operand) } as Node, scope);
  }
}

type Binary = Node & { operator: { value: string }; left: Node; right: Node };
type Member = Node & { object: Node; property: Node; computed: boolean };
type Filter = Node & { operand: Node; filter: Node };

/** Nodes that are no expressions: what they yield is text that was printed already, or nothing. */
const statements = new Set([
  ...[
    "Program",
    "Set",
    "If",
    "For",
    "Macro",
    "CallStatement",
    "FilterStatement",
    "Comment",
    "Break",
    "Continue",
  ],
]);

const known = (value: Value) => ({ type: "Evaluated", value }) as Evaluated;

/** A value of the library's own. */
function runtime(value: unknown): Value {
  return newScope().set("value", value);
}

function nameOf(node: Node): string {
  return "value" in node ? `"${String(node.value)}"` : "a value whose attribute is asked for";
}

/** The methods of Python's `str` that the library lacks, or does by JavaScript's rules. */
const methods: Record<string, (text: string) => (...args: never[]) => unknown> = {
  strip: (text) => (characters?: string | null) => strip(text, characters, "both"),
  lstrip: (text) => (characters?: string | null) => strip(text, characters, "start"),
  rstrip: (text) => (characters?: string | null) => strip(text, characters, "end"),
  capitalize: (text) => () => capitalised(text),
  title: (text) => () => text.replace(/\p{L}+/gu, capitalised),
  find: (text) => (part: string) => {
    const at = text.indexOf(part);
    return at < 0 ? at : [...text.slice(0, at)].length;
  },
  count: (text) => (part: string) => text.split(part).length - 1,
  removeprefix: (text) => (part: string) => (text.startsWith(part) ? text.slice(part.length) : text),
  removesuffix: (text) => (part: string) =>
    part && text.endsWith(part) ? text.slice(0, -part.length) : text,
};

/** What `str.strip` takes away where no characters are named. */
const whitespace =
  "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000";

function strip(text: string, characters: string | null | undefined, side: "start" | "end" | "both"): string {
  const away = new Set(characters ?? whitespace);
  const all = [...text];
  let [from, to] = [0, all.length];
  if (side !== "end") while (from < to && away.has(all[from]!)) from++;
  if (side !== "start") while (to > from && away.has(all[to - 1]!)) to--;
  return all.slice(from, to).join("");
}

function capitalised(text: string): string {
  const [first = "", ...rest] = text;
  return first.toUpperCase() + rest.join("").toLowerCase();
}

/** A value as Jinja prints it: `str` of Python. */
function printed(value: Value): string {
  switch (value.type) {
    case "StringValue":
      return value.value as string;
    case "UndefinedValue":
      return "";
    default:
      return represented(value);
  }
}

/** `repr` of Python. */
function represented(value: Value): string {
  switch (value.type) {
    case "NullValue":
      return "None";
    case "BooleanValue":
      return value.value ? "True" : "False";
    case "StringValue":
      return quoted(value.value as string);
    case "IntegerValue":
      return String(value.value);
    case "FloatValue":
      return float(value.value as number);
    case "ArrayValue":
      return `[${(value.value as Value[]).map(represented).join(", ")}]`;
    case "TupleValue": {
      const items = value.value as Value[];
      return `(${items.map(represented).join(", ")}${items.length === 1 ? "," : ""})`;
    }
    case "ObjectValue":
      return `{${[...(value.value as Map<string, Value>)].map(([key, each]) => `${quoted(key)}: ${represented(each)}`).join(", ")}}`;
    default:
      throw new Error(`a value of type ${value.type} cannot be printed`);
  }
}

function float(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e16 || size < 1e-4)) {
    return value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  return Number.isInteger(value) ? (Object.is(value, -0) ? "-0.0" : value.toFixed(1)) : String(value);
}

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escapes: Record<string, string> = {
    "\\": "\\\\",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    [quote]: `\\${quote}`,
  };
  const shown = (character: string) => {
    const code = character.charCodeAt(0);
    return code < 32 || code === 127 ? `\\x${code.toString(16).padStart(2, "0")}` : character;
  };
  return quote + [...text].map((character) => escapes[character] ?? shown(character)).join("") + quote;
}

const numeric = new Set(["IntegerValue", "FloatValue", "BooleanValue"]);

/** `==` of Python. */
function equal(a: Value, b: Value): boolean {
  if (numeric.has(a.type) && numeric.has(b.type)) return Number(a.value) === Number(b.value);
  if (a.type !== b.type) return false;
  if (a.type === "ArrayValue" || a.type === "TupleValue") {
    const [x, y] = [a.value as Value[], b.value as Value[]];
    return x.length === y.length && x.every((each, i) => equal(each, y[i]!));
  }
  if (a.type === "ObjectValue") {
    const [x, y] = [a.value as Map<string, Value>, b.value as Map<string, Value>];
    return x.size === y.size && [...x].every(([key, each]) => y.has(key) && equal(each, y.get(key)!));
  }
  return a.value === b.value;
}

/** The library writes 1.0 as 1, and what is undefined as null. */
function checkJson(value: Value): void {
  if (value.type === "UndefinedValue") throw new Error('the filter "tojson" was given an undefined value');
  if (value.type === "FloatValue" && Number.isInteger(value.value)) {
    throw new Error('the filter "tojson" is not known for whole numbers written as 1.0');
  }
  const inner = value.value instanceof Map ? [...value.value.values()] : value.value;
  if (Array.isArray(inner)) for (const each of inner as Value[]) checkJson(each);
}

/** The JSON value that a value of the library's own stands for. */
function plain(value: Value): unknown {
  if (value.value instanceof Map) {
    return Object.fromEntries(
      [...(value.value as Map<string, Value>)].map(([key, each]) => [key, plain(each)]),
    );
  }
  return Array.isArray(value.value) ? (value.value as Value[]).map(plain) : value.value;
}
