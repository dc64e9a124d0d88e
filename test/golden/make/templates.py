"""templates.json: chat templates as transformers renders them: expressions, blocks, and whole templates of the families' kinds."""

from pathlib import Path

from transformers.utils.chat_template_utils import _compile_jinja_template

from write import write_json

MESSAGES = [{"role": "user", "content": 'Hi <b> "q" é'}]

EXPRESSIONS = [
    "foo",
    "messages[0].foo",
    "' a b '.strip()",
    "'xxaxx'.strip('x')",
    "'\\n a\\n'.lstrip('\\n')",
    "' a\\n'.rstrip('\\n')",
    "'aBC'.capitalize()",
    "'aBC' | capitalize",
    "\"it's a-b\".title()",
    "\"it's a-b\" | title",
    "'abcabc'.count('b')",
    "'abc'.find('c')",
    "'abc'.removeprefix('a')",
    "'a,b'.split(',')",
    "' a  b '.split()",
    "'a b c'.split(' ', 1)",
    "none",
    "true",
    "1.0",
    "3 / 2",
    "4 / 2",
    "7 // 2",
    "-7 // 2",
    "-7 % 3",
    "7 % -3",
    "2 ** 3",
    "0.1 + 0.2",
    "1 + 1.0",
    "10 | float",
    "2.50",
    "100000000000000000000",
    "1 is integer",
    "1 is number",
    "true is integer",
    "1 is boolean",
    "{} is mapping",
    "[] is iterable",
    "'a' is iterable",
    "'a' is sequence",
    "{} is sequence",
    "2 is even",
    "none is none",
    "'A' is upper",
    "'a' is lower",
    "true is true",
    "1 is true",
    "raise_exception is callable",
    "['b','a'] | sort",
    "['b','A'] | sort",
    "[{'a':2},{'a':1}] | sort(attribute='a')",
    "[3,1] | sort(reverse=true)",
    "[1,2] | join(', ')",
    "[1,'a',none,true] | join(',')",
    "'abc' | upper",
    "' a ' | trim",
    "[1,2,3] | last",
    "'x' | default('y')",
    "foo | default('y')",
    "'' | default('y', true)",
    "none | default('y')",
    "'5' | int + 1",
    "'x' | int",
    "'x' | int(7)",
    "'2.5' | float",
    "'2.5' | int",
    "[1,2] | length",
    "{'a':1} | length",
    "'ab' | count",
    "1 | string",
    "true | string",
    "none | string",
    "[1] | string",
    "-3 | abs",
    "[3,1] | reverse | list",
    "[1,1,2] | unique | list",
    "messages | selectattr('role', 'equalto', 'user') | list | length",
    "messages | rejectattr('role', 'equalto', 'user') | list | length",
    "messages | map(attribute='role') | join(',')",
    "messages | map(attribute='nope', default='q') | join(',')",
    "{'a':1}.keys() | list",
    "{'a':1}.values() | list",
    "{'a':1}.get('a')",
    "{'a':1}.get('b')",
    "{'a':1}.get('b', 2)",
    "{'a':1}.b",
    "{'a':1}['b'] is defined",
    "{'a':1} | tojson",
    "'\\u2028' | tojson",
    "\"</script>'&\" | tojson",
    "'\\x7f\\x01' | tojson",
    "none | tojson",
    "{'b':1,'a':{'c':[1]}} | tojson(indent=2)",
    "{'b':1,'a':2} | tojson(indent=4, sort_keys=true)",
    "[] | tojson(indent=2)",
    "'é😀' | tojson(ensure_ascii=true)",
    "'a' ~ 1",
    "'a' ~ true",
    "'a' ~ 1.0",
    "'a' ~ [1]",
    "'a' ~ foo",
    "[1] + [2]",
    "(1, 2)",
    "'a' in 'abc'",
    "'a' in {'a':1}",
    "1 in [1.0]",
    "true in [1]",
    "'' or 'x'",
    "'a' and 'b'",
    "not []",
    "not ''",
    "not 0",
    "none or false",
    "0 or []",
    "1 == 1.0",
    "1 == true",
    "'1' == 1",
    "none == false",
    "none == none",
    "foo == none",
    "foo is none",
    "[1] == [1]",
    "[1, [2]] == [1, [2]]",
    "{'a':1} == {'a':1}",
    "1 != 2",
    "(1 if true)",
    "(1 if false)",
    "(1 if false) is defined",
    "'é' | length",
    "'😀' | length",
    "'😀a'[0]",
    "'😀a'[1:]",
    "'abc'[5]",
    "'abc'[-1]",
    "'abc'[1:]",
    "'abc'[::-1]",
    "[1,2,3][-2:]",
    "[1,2,3][5]",
    "messages[0]['x']",
    "messages[0].content[:2]",
    "range(3) | list",
    "range(3,0,-1) | list",
    "namespace(a=1).a",
    "namespace(a=1).b",
    "dict(a=1).a",
    "dict()",
    "'abc' | replace('a', 'b')",
    "'aXaX' | replace('a', 'b', 1)",
    "'a\\nb' | indent(2)",
    "'a\\nb' | indent(2, true)",
    "'a\\nb' | indent(width=4, first=true)",
    "'<b>' | safe",
    "'a\\\"b'",
    "'\\t\\\\'",
    "'\\\\n'",
    "\"a\\u00e9\"",
    "'a' 'b'",
    "messages | length > 0",
    "messages is string",
    "messages[0].content is string",
    "messages[0].content is not none",
    "messages[0]['content'] is iterable and messages[0]['content'] is not string",
    "foo is not defined",
    "not foo",
    "foo and true",
    "loop is defined",
    "add_generation_prompt",
    "-1",
    "+1",
    "--1",
    "1 - -1",
    "[] is false",
    "{'a': none} | tojson",
    "[none, true]",
    "{'a': 'it\\'s \"x\"'}",
    "[\"a'b\"]",
    "['a\"b\\'c']",
    "['\\n\\t\\\\é😀']",
    "123456789012345.678",
]

BLOCKS = [
    "{% for m in messages %}\n{% if m.role == 'user' %}\n  {{ m.content }}\n  {% endif %}\n{% endfor %}\nend",
    "a\n    {% if true %}x{% endif %}\n  {# comment #}\n  {{- 'y' -}}  \n z",
    "{{ messages | tojson }}|{{ {'a': '<é&\\'>', 'b': [1, 2.5, true, none], 'c': {}} | tojson }}",
    "{{ {'a': [1, {'b': 2}], 'e': [], 'd': {}} | tojson(indent=2) }}",
    "{{ {'b': 1, 'a': 2} | tojson(separators=(',', ':')) }}|{{ {'b': 1, 'a': 2} | tojson(sort_keys=true) }}",
    "{% set d = dict(a=1, b='x') %}{{ d.a }}{{ d['b'] }}{{ d | tojson }}",
    "{% set ns = namespace(found=false, n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% set ns.found = true %}{% endfor %}{{ ns.n }}{{ ns.found }}",
    "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }}",
    "{% for i in range(6) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% for i in [1,2,3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{% if loop.previtem is defined %}p{{ loop.previtem }}{% endif %}{% if loop.nextitem is defined %}n{{ loop.nextitem }}{% endif %};{% endfor %}",
    "{% for i in [] %}x{% else %}none{% endfor %}",
    "{% for i in range(5) if i % 2 == 0 %}{{ i }}{{ loop.last }}{% endfor %}",
    "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}",
    "{{ tools is none }}{{ documents is none }}{{ tools is defined }}{{ foo is defined }}{{ foo is undefined }}{{ none is defined }}",
    "{{ messages[0].tool_calls is defined }}{{ messages[0]['name'] is none }}{{ messages[0].get('x', 'd') }}",
    "{{ [1, 'a', true, none, 1.5] }}|{{ {'a': 1} }}|{{ 'it\\'s' }}|{{ ['it\\'s'] }}",
    "{{ messages[::-1] | length }}{{ 'abcdef'[1:4] }}{{ 'abcdef'[::-1] }}{{ 'abc'[-1] }}{{ [1,2,3][1:] }}",
    "{% macro greet(name, x='!') %}hello {{ name }}{{ x }}{% endmacro %}{{ greet('a') }}{{ greet('b', x='?') }}",
    "{% macro w() %}<{{ caller() }}>{% endmacro %}{% call w() %}in{% endcall %}",
    "{% set x %}a {{ 1 }} b{% endset %}[{{ x }}]",
    "{% filter upper %}abc{% endfilter %}",
    "{{ 'a' if true else 'b' }}{{ 'a' if false }}|{{ ('x' if foo is defined else 'y') ~ 'z' }}",
    "{{ '' or 'x' }}{{ 'a' and 'b' }}{{ not [] }}{{ none or false }}",
    "{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{% endfor %}{{ x }}{% if true %}{% set x = 3 %}{% endif %}{{ x }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{{ '\\n\\t\\\\\\\"' }}|{{ \"a\\u00e9\" }}",
    "{{ 'é' | length }}{{ '😀' | length }}{{ '😀a'[0] }}",
    "{{ messages[0]['content'][0] }}{{ messages[-1].content[:2] }}",
    "{{ bos_token }}|{{ eos_token }}|{{ unk_token is defined }}|{{ pad_token }}",
    "abc\n",
    "abc\n\n",
    "a\r\n{% if true %}\r\nb{% endif %}\r\n",
    "{%- set loop_messages = messages -%}{%- for message in loop_messages -%}{{- message['role'] + '\\n' + message['content'] | trim -}}{%- endfor -%}",
]

# Written for this project after what the families' templates do: a default system prompt, switches, dates, channels.
CHATS = {
    "switch": (
        "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endfor %}"
        "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}"
        "{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- endif %}"
    ),
    "always": (
        "{{- bos_token }}{%- for m in messages %}{%- if m['role'] == 'system' %}{{- m['content'] }}"
        "{%- elif m['role'] == 'user' %}{{- '<|user|>' + m['content'] }}"
        "{%- else %}{%- set content = m['content'].split('</think>')[-1] %}{{- '<|assistant|>' + content + eos_token }}{%- endif %}{%- endfor %}"
        "{%- if add_generation_prompt %}{{- '<|assistant|><think>\\n' }}{%- endif %}"
    ),
    "modes": (
        "{%- set mode = '/think' if enable_thinking is not defined or enable_thinking else '/no_think' %}"
        "{%- set system = messages[0].content if messages[0].role == 'system' else '' %}"
        "{%- if '/no_think' in system %}{%- set mode = '/no_think' %}{%- elif '/think' in system %}{%- set mode = '/think' %}{%- endif %}"
        "{{- '<|im_start|>system\\nReasoning Mode: ' + mode + '\\n' + system.replace('/no_think', '').replace('/think', '').rstrip() + '\\n' }}"
        "{%- for m in messages %}{%- if m.role != 'system' %}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endif %}{%- endfor %}"
        "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- if mode == '/no_think' %}{{- '<think>\\n\\n</think>\\n' }}{%- endif %}{%- endif %}"
    ),
    "channels": (
        "{%- if reasoning_effort is not defined %}{%- set reasoning_effort = 'medium' %}{%- endif %}"
        "{{- '<|start|>system<|message|>Reasoning: ' + reasoning_effort + '<|end|>' }}"
        "{%- for m in messages %}{{- '<|start|>' + m.role + '<|message|>' + m.content + '<|end|>' }}{%- endfor %}"
        "{%- if add_generation_prompt %}{{- '<|start|>assistant' }}{%- endif %}"
    ),
    "default_off": (
        "{%- if thinking is not defined %}{%- set thinking = false %}{%- endif %}"
        "{%- for m in messages %}{{- '<|' + m.role + '|>' + m.content }}{%- endfor %}"
        "{%- if add_generation_prompt %}{{- '<|assistant|>' }}{{- '<think>' if thinking else '</think>' }}{%- endif %}"
    ),
    "default_system": (
        "{%- if messages[0].role == 'system' %}{%- set system = messages[0].content %}{%- set rest = messages[1:] %}"
        "{%- else %}{%- set system = 'You are a test.' %}{%- set rest = messages %}{%- endif %}"
        "{{- '<|im_start|>system\\n' + system + '<|im_end|>\\n' }}"
        "{%- for m in rest %}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endfor %}"
        "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
    ),
    "no_system": (
        "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
        "{% for m in messages %}{{ '<start_of_turn>' + m['role'] + '\\n' + m['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"
    ),
    "given_none": (
        "{% if tools is not none %}tools {% endif %}{% if documents is none %}no documents {% endif %}"
        "{% if date_string is not defined %}{% set date_string = '26 Jul 2024' %}{% endif %}{{ date_string }}\\n"
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
    ),
}
VARIABLES = [{}, {"enable_thinking": False}, {"enable_thinking": True}, {"thinking": True}, {"reasoning_effort": "low"}]
TURNS = [
    [{"role": "user", "content": " What now?\n"}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What now?"}],
    [{"role": "system", "content": "Be brief. /no_think"}, {"role": "user", "content": "What now?"}],
    [{"role": "system", "content": ""}, {"role": "user", "content": "<think>What now?"}],
]


def render(source: str, messages, **variables) -> str:
    known = {"tools": None, "documents": None, "add_generation_prompt": True, "bos_token": "<s>", "eos_token": "</s>"}
    return _compile_jinja_template(source).render(messages=messages, **known, **variables)


def attempt(source: str, messages, variables) -> str | None:
    try:
        return render(source, messages, **variables)
    except Exception as error:
        assert "not supported" in str(error), error
        return None


def make(out: Path, _seed: int) -> None:
    write_json(
        out / "templates.json",
        {
            "messages": MESSAGES,
            "rendered": [
                [source, render(source, MESSAGES)] for source in [*(f"[{{{{ {each} }}}}]" for each in EXPRESSIONS), *BLOCKS]
            ],
            "chats": [
                {
                    "name": name,
                    "source": source,
                    "rendered": [
                        [messages, variables, attempt(source, messages, variables)] for messages in TURNS for variables in VARIABLES
                    ],
                }
                for name, source in CHATS.items()
            ],
        },
    )
