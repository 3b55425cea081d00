//! E03xx: arguments and answers.

use super::Code;
use super::Frame::{Steps, World};

pub(super) static CODES: &[Code] = &[
    Code {
        code: "E0301",
        title: "an unknown member",
        text: "Arguments carry AWS's member names in snake case: `KeyId` is `key_id`, `SSEKMSKeyId` is `ssekms_key_id`. `faultline explain kms.encrypt` lists those of a verb.",
        frame: Steps,
        wrong: "- kms.encrypt: { KeyId: payments, plaintext: card }\n",
        right: "- kms.encrypt: { key_id: payments, plaintext: card }\n",
    },
    Code {
        code: "E0302",
        title: "a missing member",
        text: "AWS requires this member. To send a request without it on purpose, write `raw: true` in the step.",
        frame: Steps,
        wrong: "- kms.encrypt: { plaintext: card }\n",
        right: "- kms.encrypt: { key_id: payments, plaintext: card }\n",
    },
    Code {
        code: "E0303",
        title: "a value of another type",
        text: "Text, numbers, truths, lists and maps are not taken for each other. `no`, `on` and `012` are text here.",
        frame: Steps,
        wrong: "- ec2.describe_snapshots: { snapshot_ids: snap-1 }\n",
        right: "- ec2.describe_snapshots: { snapshot_ids: [snap-1] }\n",
    },
    Code {
        code: "E0304",
        title: "a value that is not allowed",
        text: "The definition lists the values. To send another one on purpose, write `{ literal: ... }`.",
        frame: Steps,
        wrong: "- s3.put_object: { bucket: photos, key: a, body: x, server_side_encryption: \"aws.kms\" }\n",
        right: "- s3.put_object: { bucket: photos, key: a, body: x, server_side_encryption: \"aws:kms\" }\n",
    },
    Code {
        code: "E0305",
        title: "the answer has no such member",
        text: "`expect` names members of the verb's answer in snake case. What is about the call itself stands under `call`.",
        frame: Steps,
        wrong: "- kms.describe_key: { key_id: payments }\n  expect: { key_metadata: { state: Enabled } }\n",
        right: "- kms.describe_key: { key_id: payments }\n  expect: { key_metadata: { key_state: Enabled } }\n",
    },
    Code {
        code: "E0306",
        title: "a value has no such member",
        text: "The way after `$name` leads to nothing: the answer that was saved has no such member, or the variable none.",
        frame: Steps,
        wrong: "- kms.encrypt: { key_id: payments, plaintext: card }\n  save: sealed\n- kms.decrypt: { ciphertext_blob: $sealed.ciphertext }\n",
        right: "- kms.encrypt: { key_id: payments, plaintext: card }\n  save: sealed\n- kms.decrypt: { ciphertext_blob: $sealed.ciphertext_blob }\n",
    },
    Code {
        code: "E0307",
        title: "a matcher that does not fit",
        text: "`first`, `last`, `any`, `every` and `count` are about lists; `at_least`, `matches` and the like about single values.",
        frame: Steps,
        wrong: "- kms.describe_key: { key_id: payments }\n  expect: { key_metadata: { key_state: { first: Enabled } } }\n",
        right: "- kms.describe_key: { key_id: payments }\n  expect: { key_metadata: { key_state: { one_of: [Enabled, Updating] } } }\n",
    },
    Code {
        code: "E0308",
        title: "an expectation that can never be met",
        text: "This part of the answer is never of that type, so the step could only fail.",
        frame: Steps,
        wrong: "- kms.describe_key: { key_id: payments }\n  expect: { key_metadata: Enabled }\n",
        right: "- kms.describe_key: { key_id: payments }\n  expect: { key_metadata: { key_state: Enabled } }\n",
    },
    Code {
        code: "E0310",
        title: "broken base64",
        text: "Bytes are written as text, for its UTF-8, or as `base64:` and the base64 of them, with padding.",
        frame: Steps,
        wrong: "- kms.encrypt: { key_id: payments, plaintext: \"base64:!!\" }\n",
        right: "- kms.encrypt: { key_id: payments, plaintext: \"base64:MDEyMw==\" }\n",
    },
    Code {
        code: "E0311",
        title: "a policy that makes no sense",
        text: "A short policy is a list of statements: `allow` or `deny` with actions as IAM writes them, `to` with accounts, principals, services or `\"*\"`, and `when` with conditions. A policy document in AWS's own form has `Statement`.",
        frame: World,
        wrong: "accounts: { shop: \"111111111111\" }\nkeys:\n  vault: { account: shop, region: eu-west-1, policy: [{ allow: [kms.decrypt], to: shop }] }\n",
        right: "accounts: { shop: \"111111111111\" }\nkeys:\n  vault: { account: shop, region: eu-west-1, policy: [{ allow: [kms:Decrypt], to: shop }] }\n",
    },
];
