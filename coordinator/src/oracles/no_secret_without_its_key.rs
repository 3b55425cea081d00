//! No secret is read without its key: each value that was answered in the clear was opened by KMS
//! in that moment, for that secret or parameter and no other (SEC-020, SEC-034).
//!
//! The trail tells of each GetSecretValue, and each Region of each value that it opened for
//! somebody. As many Decrypts that succeeded, bound to the same ARN, must stand in the trail of
//! the same Region at the same moment. That the key was usable then, and the caller permitted, is
//! the claim of `no_unusable_key_used` and of `no_key_used_without_permission`.
//!
//! It cannot see a value that was answered and that no Region and no trail tells of, and it does
//! not compare what was answered with what was stored.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{End, Finding, Oracle};
use crate::clock::SimTime;
use crate::journal::What;
use crate::journal::event::Event;

/// A moment of a Region, and the ARN of what was read.
type Place = (String, SimTime, String);

/// See the module.
#[derive(Default)]
pub(super) struct NoSecretWithoutItsKey {
    /// Decrypts that succeeded.
    opened: BTreeMap<Place, u64>,
    /// Reads as the trail tells, and as Regions tell: how many, and their lines.
    read: [BTreeMap<Place, (u64, Vec<u64>)>; 2],
}

impl NoSecretWithoutItsKey {
    fn trail(&mut self, region: &str, event: &Event, line: &Value) {
        let text = |name: &str| line[name].as_str().unwrap_or_default();
        let is_copy = line["recipientAccountId"] != line["account"];
        if is_copy || !text("errorCode").is_empty() {
            return;
        }
        match text("eventName") {
            "Decrypt" => {
                let context = &line["requestParameters"]["encryptionContext"];
                let bound = context["SecretARN"]
                    .as_str()
                    .or(context["PARAMETER_ARN"].as_str());
                if let Some(arn) = bound {
                    let place = (region.to_owned(), event.t, arn.to_owned());
                    *self.opened.entry(place).or_default() += 1;
                }
            }
            "GetSecretValue" => {
                let arns = line["resources"].as_array().into_iter().flatten();
                for arn in arns.filter_map(Value::as_str) {
                    self.read(0, region, event, arn);
                }
            }
            _ => {}
        }
    }

    fn read(&mut self, told: usize, region: &str, event: &Event, arn: &str) {
        let place = (region.to_owned(), event.t, arn.to_owned());
        if let Some(read) = self.read.get_mut(told) {
            let (count, lines) = read.entry(place).or_default();
            *count += 1;
            lines.push(event.n);
        }
    }
}

impl Oracle for NoSecretWithoutItsKey {
    fn hear(&mut self, event: &Event) {
        match &event.what {
            What::Audit {
                region,
                event: line,
                ..
            } => self.trail(region.as_str(), event, line),
            What::Note {
                region,
                note,
                fields,
                ..
            } if note == "secret_read" || note == "parameter_read" => {
                if let Some(arn) = fields.get("arn") {
                    self.read(1, region.as_str(), event, arn);
                }
            }
            _ => {}
        }
    }

    fn conclude(&mut self, _end: &mut End<'_>) -> Finding {
        let mut measured = 0;
        for (place, (count, lines)) in self.read.iter().flatten() {
            let opened = self.opened.get(place).copied().unwrap_or_default();
            if *count > opened {
                let (region, _, arn) = place;
                let because = format!(
                    "{arn} was read {count} times at one moment in {region}, and KMS opened it {opened} times"
                );
                return Finding::violated(because, lines.iter().copied());
            }
            measured += count;
        }
        Finding::measured(measured, "no secret and no SecureString was read")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::oracles::testing::{ACCOUNT, Doctored, unknown, violated};

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:db-AbCdEf";

    fn run() -> Doctored {
        Doctored::new("no_secret_without_its_key", json!({}))
    }

    fn event(run: &mut Doctored, name: &str, more: serde_json::Value) -> u64 {
        let mut line =
            json!({ "eventName": name, "account": ACCOUNT, "recipientAccountId": ACCOUNT });
        for (member, value) in more.as_object().into_iter().flatten() {
            line[member] = value.clone();
        }
        run.audit(line)
    }

    fn decrypt(run: &mut Doctored, arn: &str) {
        let context = json!({ "SecretARN": arn, "SecretVersionId": "1" });
        let parameters = json!({ "requestParameters": { "encryptionContext": context } });
        event(run, "Decrypt", parameters);
    }

    fn read(run: &mut Doctored, arn: &str) -> u64 {
        event(run, "GetSecretValue", json!({ "resources": [arn] }))
    }

    #[test]
    fn a_read_that_kms_opened_holds() {
        let mut run = run();
        decrypt(&mut run, ARN);
        run.note("eu-west-1", "secret_read", &[("arn", ARN)]);
        read(&mut run, ARN);
        run.holds(2);
    }

    #[test]
    fn a_read_that_kms_did_not_open_violates() {
        let mut run = run();
        decrypt(&mut run, ARN);
        read(&mut run, ARN);
        run.wait(1);
        let line = read(&mut run, ARN);
        let (because, at) = violated(run.finding());
        assert_eq!(at, [line]);
        assert!(because.contains("KMS opened it 0 times"), "{because}");
    }

    #[test]
    fn the_key_of_another_secret_does_not_count() {
        let mut run = run();
        decrypt(
            &mut run,
            "arn:aws:secretsmanager:eu-west-1:111111111111:secret:mail-AbCdEf",
        );
        run.note("eu-west-1", "secret_read", &[("arn", ARN)]);
        violated(run.finding());
    }

    #[test]
    fn without_a_read_nobody_can_say() {
        let mut run = run();
        decrypt(&mut run, ARN);
        unknown(run.finding());
    }
}
