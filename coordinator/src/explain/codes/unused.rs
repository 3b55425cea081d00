//! W05xx: what runs but is surely not meant.

use super::Code;
use super::Frame::{Steps, Top};

pub(super) static CODES: &[Code] = &[
    Code {
        code: "W0501",
        title: "an unused variable",
        text: "Nothing names it. Was it meant to stand somewhere, or is it left over?",
        frame: Top,
        wrong: "vars: { card: \"4242\" }\n",
        right: "vars: { seconds: 30s }\nfinally:\n  - wait: $seconds\n",
    },
    Code {
        code: "W0502",
        title: "an unused answer",
        text: "The answer is saved and nothing looks at it.",
        frame: Steps,
        wrong: "- kms.encrypt: { key_id: payments, plaintext: card }\n  save: sealed\n",
        right: "- kms.encrypt: { key_id: payments, plaintext: card }\n",
    },
    Code {
        code: "W0504",
        title: "an unused loop variable",
        text: "Each round does the same. If that is meant, write `repeat: n`.",
        frame: Steps,
        wrong: "- for_each: { region: [eu-west-1, us-east-1] }\n  do:\n    - kms.describe_key: { key_id: payments }\n",
        right: "- for_each: { region: [eu-west-1, us-east-1] }\n  do:\n    - in: $region\n      kms.describe_key: { key_id: payments }\n",
    },
    Code {
        code: "W0505",
        title: "an error that this verb does not give",
        text: "The service's definition does not list this code for the operation. It may be a slip of the pen, or something that only AWS itself knows.",
        frame: Steps,
        wrong: "- kms.disable_key: { key_id: payments }\n  fails_with: KMSInvalidStateExeption\n",
        right: "- kms.disable_key: { key_id: payments }\n  fails_with: KMSInvalidStateException\n",
    },
];
