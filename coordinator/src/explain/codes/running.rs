//! X00xx: what goes wrong while a file runs.

use super::Code;
use super::Frame::{Steps, Top, World};

pub(super) static CODES: &[Code] = &[
    Code {
        code: "X0001",
        title: "a step failed",
        text: "A step without `fails_with` must succeed. The caption has the error; a note says who refused, and what would have helped.",
        frame: Steps,
        wrong: "- kms.describe_key: { key_id: alias/nothing }\n",
        right: "- kms.describe_key: { key_id: payments }\n",
    },
    Code {
        code: "X0002",
        title: "a step succeeded that should have failed",
        text: "`fails_with` is a promise as well: the call must end with that error.",
        frame: Steps,
        wrong: "- kms.describe_key: { key_id: payments }\n  fails_with: NotFoundException\n",
        right: "- kms.describe_key: { key_id: alias/nothing }\n  fails_with: NotFoundException\n",
    },
    Code {
        code: "X0003",
        title: "a step failed in another way",
        text: "It failed, but the code, the reason or the fault that caused it is not the one that `fails_with` names.",
        frame: Steps,
        wrong: "- kms.describe_key: { key_id: alias/nothing }\n  fails_with: AccessDeniedException\n",
        right: "- kms.describe_key: { key_id: alias/nothing }\n  fails_with: NotFoundException\n",
    },
    Code {
        code: "X0004",
        title: "a value that the run does not have",
        text: "A name, a member or an expression has no value when its step runs: the step that saves it was left out, or its answer lacks the member.",
        frame: Steps,
        wrong: "- when: 1 > 2\n  kms.encrypt: { key_id: payments, plaintext: card }\n  save: sealed\n- kms.decrypt: { ciphertext_blob: $sealed.ciphertext_blob }\n",
        right: "- when: 2 > 1\n  kms.encrypt: { key_id: payments, plaintext: card }\n  save: sealed\n- kms.decrypt: { ciphertext_blob: $sealed.ciphertext_blob }\n",
    },
    Code {
        code: "X0005",
        title: "the world could not be made",
        text: "Set-up makes the world by the calls that a person would make, and one of them was refused. Nothing ran, so the run is in error and has not failed.",
        frame: World,
        wrong: "accounts: { shop: \"111111111111\" }\nprincipals:\n  app: { account: shop, allow: [not an action] }\n",
        right: "accounts: { shop: \"111111111111\" }\nprincipals:\n  app: { account: shop, allow: [kms:Encrypt] }\n",
    },
    Code {
        code: "X0006",
        title: "a fault could not begin or heal",
        text: "Some faults are calls of the account's root user, and a Region refused one.",
        frame: Steps,
        wrong: "- kms.schedule_key_deletion: { key_id: payments }\n- while: [{ key_disabled: payments }]\n  do:\n    - wait: 1s\n",
        right: "- while: [{ key_disabled: payments }]\n  do:\n    - wait: 1s\n",
    },
    Code {
        code: "X0007",
        title: "an answer is not as expected",
        text: "The caret is under the expectation. With `within`, the answer was asked for again and again until the time was over.",
        frame: Steps,
        wrong: "- kms.describe_key: { key_id: payments }\n  expect: { key_metadata: { key_state: Disabled } }\n",
        right: "- kms.describe_key: { key_id: payments }\n  expect: { key_metadata: { key_state: Enabled } }\n",
    },
    Code {
        code: "X0008",
        title: "an answer did not stay as expected",
        text: "With `throughout`, every answer of that time must be as expected.",
        frame: Steps,
        wrong: "- kms.describe_key: { key_id: payments }\n  throughout: 10s\n  expect: { key_metadata: { key_state: Disabled } }\n",
        right: "- kms.describe_key: { key_id: payments }\n  throughout: 10s\n  expect: { key_metadata: { key_state: Enabled } }\n",
    },
    Code {
        code: "X0011",
        title: "a goal was missed",
        text: "There were samples enough, and the statistic is out of its bounds. A goal without samples is unknown, never missed.",
        frame: Top,
        wrong: "goals:\n  - metric: latency\n    p99: { at_most: 1us }\n",
        right: "goals:\n  - metric: latency\n    p99: { at_most: 1m }\n",
    },
];
