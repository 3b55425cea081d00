//! A snapshot or an image is used by another account only while it is shared with it; what was
//! made of it meanwhile stays (EBS-032, EBS-033).
//!
//! With whom something is shared, it learns from the trail of its Region: the changes that its
//! owner made. A use is a CopySnapshot, a CreateVolume, a CopyImage or a RunInstances that was
//! answered with success. For a copy from another Region it counts whether it was shared at any
//! moment between the call and its event. A copy that is gone must have been deleted by its own
//! account.
//!
//! It cannot judge images that are shared with an organisation, and snapshots whose owner it
//! never heard of.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{End, Finding, Oracle};
use crate::journal::What;
use crate::journal::event::Event;

/// Region and id.
type Place = (String, String);

/// With whom something is shared from a line of the journal on.
#[derive(Clone, Default)]
struct Shared {
    from: u64,
    accounts: BTreeSet<String>,
    everybody: bool,
}

/// See the module.
#[derive(Default)]
pub(super) struct SharingEndsWhenRevoked {
    owners: BTreeMap<Place, String>,
    /// Every change, in order.
    shared: BTreeMap<Place, Vec<Shared>>,
    /// Images whose sharing it cannot follow.
    unclear: BTreeSet<Place>,
    /// Lines of calls by their id.
    sent: BTreeMap<String, u64>,
    /// Copies that others made: who has them.
    copies: BTreeMap<Place, String>,
    /// What was deleted by whom.
    deleted: BTreeSet<(Place, String)>,
    /// Who deregistered images with their snapshots.
    cleared: BTreeSet<String>,
    /// Copies that went away.
    gone: Vec<(Place, u64)>,
    uses: u64,
    wrong: Option<(String, Vec<u64>)>,
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// The entries of a permission's list, whether AWS's trail puts them under `items` or not.
fn entries(value: &Value) -> impl Iterator<Item = &Value> {
    let list = value.as_array().or_else(|| value["items"].as_array());
    list.into_iter().flatten()
}

impl SharingEndsWhenRevoked {
    fn changed(&mut self, place: Place, asked: &Value, permission: &str, n: u64) {
        let mut now = self
            .shared
            .get(&place)
            .and_then(|all| all.last().cloned())
            .unwrap_or_default();
        now.from = n;
        let mut apply = |add: bool, user: &str, everybody: bool| {
            if everybody {
                now.everybody = add;
            } else if add {
                now.accounts.insert(user.to_owned());
            } else {
                now.accounts.remove(user);
            }
        };
        for (list, add) in [("add", true), ("remove", false)] {
            for entry in entries(&asked[permission][list]) {
                if entry.get("userId").is_none() && entry.get("group").is_none() {
                    self.unclear.insert(place.clone());
                }
                apply(add, text(entry, "userId"), entry.get("group").is_some());
            }
        }
        let add = text(asked, "operationType") == "add";
        for user in entries(&asked["userIds"]).filter_map(Value::as_str) {
            apply(add, user, false);
        }
        for groups in ["groupNames", "userGroups"] {
            if entries(&asked[groups]).next().is_some() {
                apply(add, "", true);
            }
        }
        for arns in ["organizationArns", "organizationalUnitArns"] {
            if asked.get(arns).is_some() {
                self.unclear.insert(place.clone());
            }
        }
        self.shared.entry(place).or_default().push(now);
    }

    /// Whether it was shared with `account` at any moment from line `since` on.
    fn was_shared(&self, place: &Place, account: &str, since: u64) -> bool {
        let all = self.shared.get(place).map_or(&[][..], Vec::as_slice);
        let first = all.iter().rposition(|one| one.from <= since).unwrap_or(0);
        all.iter()
            .skip(first)
            .any(|one| one.everybody || one.accounts.contains(account))
    }

    fn used(&mut self, place: &Place, what: &str, by: &str, since: u64, n: u64) {
        let owner = self.owners.get(place).map(String::as_str);
        if owner.is_none_or(|owner| owner == by) || self.unclear.contains(place) {
            return;
        }
        if self.was_shared(place, by, since) {
            self.uses += 1;
            return;
        }
        let because = format!("{by} could {what} {}, which is not shared with it", place.1);
        let last = self.shared.get(place).and_then(|all| all.last());
        let at = last.map(|one| one.from).into_iter().chain([n]).collect();
        self.wrong.get_or_insert((because, at));
    }

    fn trail(&mut self, region: &str, line: &Value, n: u64) {
        let copy = line["recipientAccountId"] != line["account"];
        if copy || line.get("errorCode").is_some() {
            return;
        }
        let asked = &line["requestParameters"];
        let by = text(line, "account");
        let here = |id: &str| (region.to_owned(), text(asked, id).to_owned());
        let there = |id: &str| {
            (
                text(asked, "sourceRegion").to_owned(),
                text(asked, id).to_owned(),
            )
        };
        let since = self.sent.get(text(line, "call")).copied().unwrap_or(n);
        match text(line, "eventName") {
            "ModifySnapshotAttribute" => {
                self.changed(here("snapshotId"), asked, "createVolumePermission", n);
            }
            "ModifyImageAttribute" => {
                let place = here("imageId");
                self.owners
                    .entry(place.clone())
                    .or_insert_with(|| by.to_owned());
                self.changed(place, asked, "launchPermission", n);
            }
            name @ ("ResetSnapshotAttribute" | "ResetImageAttribute" | "DisableImage") => {
                let id = if name == "ResetSnapshotAttribute" {
                    "snapshotId"
                } else {
                    "imageId"
                };
                let none = Shared {
                    from: n,
                    ..Shared::default()
                };
                self.unclear.remove(&here(id));
                self.shared.entry(here(id)).or_default().push(none);
            }
            "CopySnapshot" => {
                let place = there("sourceSnapshotId");
                self.used(&place, "copy", by, since, n);
            }
            "CreateVolume" if asked.get("snapshotId").is_some() => {
                self.used(&here("snapshotId"), "make a volume of", by, n, n);
            }
            "CopyImage" => self.used(&there("sourceImageId"), "copy", by, since, n),
            "RunInstances" => self.used(&here("imageId"), "launch", by, n, n),
            "DeleteSnapshot" => {
                self.deleted.insert((here("snapshotId"), by.to_owned()));
            }
            "DeregisterImage" if asked["deleteAssociatedSnapshots"] == true => {
                self.cleared.insert(by.to_owned());
            }
            _ => {}
        }
    }
}

impl Oracle for SharingEndsWhenRevoked {
    fn hear(&mut self, event: &Event) {
        match &event.what {
            What::CallSent(sent) => {
                self.sent.insert(sent.call.clone(), event.n);
            }
            What::Audit {
                region,
                event: line,
                ..
            } if line["eventSource"] == "ec2.amazonaws.com" => {
                self.trail(region.as_str(), line, event.n);
            }
            What::Note {
                region,
                note,
                fields,
                ..
            } if note == "snapshot" => {
                let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
                let place = (region.to_string(), field("snapshot"));
                let owner = field("owner");
                if field("state") == "deleted" {
                    if self.copies.contains_key(&place) {
                        self.gone.push((place, event.n));
                    }
                    return;
                }
                let source = (field("from"), field("of"));
                let foreign = self.owners.get(&source).is_some_and(|of| *of != owner);
                if field("state") == "completed" && foreign {
                    self.copies.insert(place.clone(), owner.clone());
                }
                self.owners.insert(place, owner);
            }
            _ => {}
        }
    }

    fn conclude(&mut self, _end: &mut End<'_>) -> Finding {
        if let Some((because, at)) = self.wrong.take() {
            return Finding::violated(because, at);
        }
        for (place, at) in &self.gone {
            let owner = self.copies.get(place).cloned().unwrap_or_default();
            let by_owner = self.deleted.contains(&(place.clone(), owner.clone()));
            if !by_owner && !self.cleared.contains(&owner) {
                let because = format!(
                    "{}, a copy of {owner}, is gone and {owner} did not delete it",
                    place.1
                );
                return Finding::violated(because, [*at]);
            }
        }
        let measured = self.uses + self.copies.len() as u64;
        Finding::measured(measured, "no account used what another one shared")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::oracles::testing::{ACCOUNT, Doctored, unknown, violated};

    const OTHER: &str = "222222222222";

    fn run() -> Doctored {
        let mut run = Doctored::new("sharing_ends_when_revoked", json!({}));
        told(&mut run, "snap-1", "completed", ACCOUNT, "");
        run
    }

    fn told(run: &mut Doctored, id: &str, state: &str, owner: &str, of: &str) -> u64 {
        let from = if of.is_empty() { "" } else { "eu-west-1" };
        let fields = [
            ("snapshot", id),
            ("state", state),
            ("owner", owner),
            ("from", from),
            ("of", of),
        ];
        run.note("eu-west-1", "snapshot", &fields)
    }

    fn audit(run: &mut Doctored, name: &str, by: &str, asked: Value) -> u64 {
        run.audit(
            json!({ "eventName": name, "eventSource": "ec2.amazonaws.com", "account": by,
            "recipientAccountId": by, "requestParameters": asked }),
        )
    }

    fn share(run: &mut Doctored, how: &str) -> u64 {
        let asked = json!({ "snapshotId": "snap-1", "createVolumePermission": { how: [{ "userId": OTHER }] } });
        audit(run, "ModifySnapshotAttribute", ACCOUNT, asked)
    }

    fn copy(run: &mut Doctored) -> u64 {
        let asked = json!({ "sourceRegion": "eu-west-1", "sourceSnapshotId": "snap-1" });
        audit(run, "CopySnapshot", OTHER, asked)
    }

    #[test]
    fn uses_while_it_is_shared_hold_and_the_owner_needs_no_share() {
        let mut run = run();
        share(&mut run, "add");
        copy(&mut run);
        audit(
            &mut run,
            "CreateVolume",
            OTHER,
            json!({ "snapshotId": "snap-1" }),
        );
        audit(
            &mut run,
            "CreateVolume",
            ACCOUNT,
            json!({ "snapshotId": "snap-1" }),
        );
        share(&mut run, "remove");
        run.holds(2);
    }

    #[test]
    fn a_use_before_and_after_violates() {
        for revoked in [false, true] {
            let mut run = run();
            if revoked {
                share(&mut run, "add");
                share(&mut run, "remove");
            }
            let at = copy(&mut run);
            let (because, lines) = violated(run.finding());
            assert!(because.contains("could copy snap-1"), "{because}");
            assert_eq!(lines.last(), Some(&at));
        }
    }

    #[test]
    fn an_image_is_launched_while_it_is_shared() {
        let mut run = run();
        let permit = |how: &str| json!({ "imageId": "ami-1", "launchPermission": { how: [{ "userId": OTHER }] } });
        let launch = json!({ "imageId": "ami-1" });
        audit(&mut run, "ModifyImageAttribute", ACCOUNT, permit("add"));
        audit(&mut run, "RunInstances", OTHER, launch.clone());
        run.holds(1);
        audit(&mut run, "ModifyImageAttribute", ACCOUNT, permit("remove"));
        audit(&mut run, "RunInstances", OTHER, launch);
        violated(run.finding());
    }

    #[test]
    fn a_copy_that_goes_with_the_sharing_violates_and_one_that_is_deleted_does_not() {
        for by in [OTHER, ACCOUNT] {
            let mut run = run();
            share(&mut run, "add");
            copy(&mut run);
            told(&mut run, "snap-9", "completed", OTHER, "snap-1");
            share(&mut run, "remove");
            run.holds(2);
            audit(
                &mut run,
                "DeleteSnapshot",
                by,
                json!({ "snapshotId": "snap-9" }),
            );
            told(&mut run, "snap-9", "deleted", "", "");
            if by == OTHER {
                run.holds(2);
            } else {
                violated(run.finding());
            }
        }
    }

    #[test]
    fn what_nobody_shares_is_unknown() {
        unknown(run().finding());
    }
}
