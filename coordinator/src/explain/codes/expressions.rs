//! E04xx: names and expressions inside values.

use super::Code;
use super::Frame::{Steps, Top};

pub(super) static CODES: &[Code] = &[
    Code {
        code: "E0401",
        title: "an expression that cannot be read",
        text: "Between `$(` and `)` stands an expression of CEL: `$(n + 1)`, `$(size(list) > 2)`, `$(a ? 'x' : 'y')`.",
        frame: Steps,
        wrong: "- say: $(1 +)\n  wait: 1s\n",
        right: "- say: $(1 + 1)\n  wait: 1s\n",
    },
    Code {
        code: "E0402",
        title: "an expression that is never closed",
        text: "Each `$(` needs its `)`. For a dollar sign before a parenthesis write `$$(`.",
        frame: Steps,
        wrong: "- say: it costs $(5\n  wait: 1s\n",
        right: "- say: it costs $$(5\n  wait: 1s\n",
    },
    Code {
        code: "E0403",
        title: "a name inside longer text",
        text: "In `a-$name.txt` nobody can see where the name ends. Inside longer text write `$(name)`; `$$` is a dollar sign.",
        frame: Steps,
        wrong: "- for_each: { n: [1, 2] }\n  do:\n    - s3.put_object: { bucket: photos, key: photo-$n.jpg, body: x }\n",
        right: "- for_each: { n: [1, 2] }\n  do:\n    - s3.put_object: { bucket: photos, key: photo-$(n).jpg, body: x }\n",
    },
    Code {
        code: "E0404",
        title: "`${name}` stands for nothing",
        text: "Curly brackets are maps in YAML and variables in AWS policies, so they are not used here: write `$name`, or `$(name)` inside longer text.",
        frame: Steps,
        wrong: "- for_each: { n: [1, 2] }\n  do:\n    - s3.put_object: { bucket: photos, key: \"photo-${n}\", body: $n }\n",
        right: "- for_each: { n: [1, 2] }\n  do:\n    - s3.put_object: { bucket: photos, key: \"photo-$(n)\", body: $n }\n",
    },
    Code {
        code: "E0405",
        title: "an expression names what is not there",
        text: "The names in an expression are those that `$name` knows. Text inside an expression needs quotes: `$(region == 'eu-west-1')`.",
        frame: Steps,
        wrong: "- when: $(fast)\n  wait: 1s\n",
        right: "- when: $(1 < 2)\n  wait: 1s\n",
    },
    Code {
        code: "E0406",
        title: "an unknown function",
        text: "Expressions know the functions of CEL: `size contains startsWith endsWith matches string int double bool`, and the macros `has all exists exists_one map filter`.",
        frame: Steps,
        wrong: "- when: $(length('abc') == 3)\n  wait: 1s\n",
        right: "- when: $(size('abc') == 3)\n  wait: 1s\n",
    },
    Code {
        code: "E0407",
        title: "a value that must be known before the run",
        text: "The world, oracles, goals and policies are read before anything runs, so answers and loop variables cannot stand there.",
        frame: Steps,
        wrong: "- for_each: { who: [app] }\n  do:\n    - kms.put_key_policy:\n        key_id: payments\n        policy:\n          - { allow: [\"kms:*\"], to: $who }\n",
        right: "- kms.put_key_policy:\n    key_id: payments\n    policy:\n      - { allow: [\"kms:*\"], to: app }\n",
    },
    Code {
        code: "E0408",
        title: "an expression without a result",
        text: "The expression can be read, but computing it with the variables of the file fails.",
        frame: Top,
        wrong: "vars: { n: $(1 / 0) }\n",
        right: "tags: [example]\n",
    },
    Code {
        code: "E0409",
        title: "a regular expression that cannot be read",
        text: "`matches` takes a regular expression; it may match anywhere unless it begins with `^` and ends with `$`.",
        frame: Steps,
        wrong: "- kms.describe_key: { key_id: payments }\n  expect: { key_metadata: { arn: { matches: \"key/(mrk\" } } }\n",
        right: "- kms.describe_key: { key_id: payments }\n  expect: { key_metadata: { arn: { matches: \"key/(mrk)\" } } }\n",
    },
];
