//! Whenever blocks of an encrypted disk become readable, for a host or for a copy, KMS has
//! decrypted the data key that they are sealed under, bound to that disk, and the trail of that
//! Region shows it (EBS-001, EBS-004).
//!
//! A Region tells each time that it lets somebody read blocks; each needs a Decrypt of its own
//! that succeeded. Whether the key was usable is `no_unusable_key_used`'s to say, whether the
//! caller was permitted `no_key_used_without_permission`'s.
//!
//! It cannot see what reads blocks without telling, nor what a host does with a data key that it
//! has: an attached volume lives through its key's end (EBS-006).

use std::collections::BTreeMap;

use super::{End, Finding, Oracle};
use crate::journal::What;
use crate::journal::event::Event;

/// Region, key, and what the data key is bound to.
type Bound = (String, String, String);

/// See the module.
pub(super) struct BlocksNeedTheirKey {
    key: Option<String>,
    /// What became readable, with lines and words.
    readable: BTreeMap<Bound, Vec<(u64, String)>>,
    /// Event ids of what was decrypted: an event stands in the trail of each account concerned.
    decrypted: BTreeMap<Bound, u64>,
}

impl BlocksNeedTheirKey {
    pub fn new(key: Option<String>) -> Self {
        Self {
            key,
            readable: BTreeMap::new(),
            decrypted: BTreeMap::new(),
        }
    }
}

impl Oracle for BlocksNeedTheirKey {
    fn hear(&mut self, event: &Event) {
        match &event.what {
            What::Audit {
                region,
                event: line,
                ..
            } if line["eventName"] == "Decrypt" => {
                let copy = line["recipientAccountId"] != line["account"];
                let asked = &line["requestParameters"];
                let bound = asked["encryptionContext"]["aws:ebs:id"].as_str();
                let key = asked["keyId"].as_str();
                if let (Some(bound), Some(key), false, None) =
                    (bound, key, copy, line.get("errorCode"))
                {
                    let place = (region.to_string(), key.to_owned(), bound.to_owned());
                    *self.decrypted.entry(place).or_default() += 1;
                }
            }
            What::Note {
                region,
                note,
                fields,
                ..
            } if note == "blocks_readable" => {
                let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
                let place = (region.to_string(), field("key"), field("bound"));
                let words = format!("{} could read {}", field("by"), field("holder"));
                self.readable
                    .entry(place)
                    .or_default()
                    .push((event.n, words));
            }
            _ => {}
        }
    }

    fn conclude(&mut self, end: &mut End<'_>) -> Finding {
        let only = self.key.as_deref().map(|key| end.key_id(key));
        let mut measured = 0;
        for (place, told) in &self.readable {
            let (region, key, _) = place;
            let id = key.rsplit('/').next().unwrap_or(key);
            if only.as_deref().is_some_and(|only| only != id) {
                continue;
            }
            let decrypted = self.decrypted.get(place).copied().unwrap_or_default();
            if let Some((at, words)) = usize::try_from(decrypted).ok().and_then(|n| told.get(n)) {
                let because = format!(
                    "{words} in {region}, and the trail has no Decrypt of its data key under {id}"
                );
                return Finding::violated(because, [*at]);
            }
            measured += told.len() as u64;
        }
        Finding::measured(measured, "no block of an encrypted disk became readable")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::oracles::testing::{ACCOUNT, Doctored, key_arn, unknown, violated};

    fn run() -> Doctored {
        Doctored::new("blocks_need_their_key", json!({}))
    }

    fn decrypt(run: &mut Doctored, bound: &str, code: Option<&str>) {
        let mut line = json!({ "eventName": "Decrypt", "account": ACCOUNT, "recipientAccountId": ACCOUNT,
            "requestParameters": { "keyId": key_arn("eu-west-1"), "encryptionContext": { "aws:ebs:id": bound } } });
        if let Some(code) = code {
            line["errorCode"] = Value::from(code);
        }
        run.audit(line);
    }

    fn readable(run: &mut Doctored, bound: &str) -> u64 {
        let key = key_arn("eu-west-1");
        let fields = [
            ("holder", bound),
            ("by", "i-1"),
            ("key", &key),
            ("bound", bound),
        ];
        run.note("eu-west-1", "blocks_readable", &fields)
    }

    #[test]
    fn a_decrypt_for_each_holds_in_whatever_order_a_step_tells_them() {
        let mut run = run();
        decrypt(&mut run, "vol-1", None);
        readable(&mut run, "vol-1");
        readable(&mut run, "vol-1");
        decrypt(&mut run, "vol-1", None);
        run.holds(2);
    }

    #[test]
    fn a_second_time_without_one_a_refused_one_and_one_for_another_disk_violate() {
        for (bound, code, before) in [
            ("vol-1", None, true),
            ("vol-1", Some("DisabledException"), false),
            ("vol-2", None, false),
        ] {
            let mut run = run();
            if before {
                readable(&mut run, "vol-1");
            }
            decrypt(&mut run, bound, code);
            let at = readable(&mut run, "vol-1");
            let (because, lines) = violated(run.finding());
            assert!(because.contains("i-1 could read vol-1"), "{because}");
            assert_eq!(lines, [at]);
        }
        unknown(run().finding());
    }
}
