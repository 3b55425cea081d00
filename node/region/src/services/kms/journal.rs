//! What KMS tells oracles and metrics of its inside, and what it adds to the trail.

use faultline_proto::codec::time;
use faultline_proto::names::Timestamp;
use serde_json::{Value, json};

use super::keyspaces::KeyRow;
use super::material;
use crate::audit::{self, OwnDeed};
use crate::context::Ctx;

/// A key exists now in this Region: its state, role and material.
pub(crate) fn born(ctx: &mut Ctx<'_>, row: &KeyRow) {
    state(ctx, row);
    role(ctx, row);
    material(ctx, row);
}

/// The state of a key changed.
pub(crate) fn state(ctx: &mut Ctx<'_>, row: &KeyRow) {
    let (arn, id, region) = (row.arn.as_str(), row.id.as_str(), row.arn.region());
    ctx.note(
        "key_state",
        &[
            ("key", arn),
            ("key_id", id),
            ("region", region),
            ("state", row.state.text()),
        ],
    );
}

/// A key is no more in this Region.
pub(crate) fn gone(ctx: &mut Ctx<'_>, row: &KeyRow) {
    let (arn, id, region) = (row.arn.as_str(), row.id.as_str(), row.arn.region());
    ctx.note(
        "key_state",
        &[
            ("key", arn),
            ("key_id", id),
            ("region", region),
            ("state", "Deleted"),
        ],
    );
    ctx.note(
        "key_role",
        &[
            ("key", arn),
            ("key_id", id),
            ("region", region),
            ("role", "NONE"),
        ],
    );
}

/// The role of a multi-Region key, when it has one.
pub(crate) fn role(ctx: &mut Ctx<'_>, row: &KeyRow) {
    if row.members.is_some() {
        let (arn, id, region) = (row.arn.as_str(), row.id.as_str(), row.arn.region());
        ctx.note(
            "key_role",
            &[
                ("key", arn),
                ("key_id", id),
                ("region", region),
                ("role", row.role()),
            ],
        );
    }
}

/// Digests of all backing keys.
pub(crate) fn material(ctx: &mut Ctx<'_>, row: &KeyRow) {
    let digests = material::digests(ctx, row).join(",");
    let (arn, id, region) = (row.arn.as_str(), row.id.as_str(), row.arn.region());
    ctx.note(
        "key_material",
        &[
            ("key", arn),
            ("key_id", id),
            ("region", region),
            ("current", row.current_material().unwrap_or_default()),
            ("materials", &digests),
        ],
    );
}

/// A cryptographic use of a key: for the oracles, and `keyMaterialId` for the trail (K-260).
pub(crate) fn used(ctx: &mut Ctx<'_>, row: &KeyRow, material: &str, operation: &str) {
    let caller = ctx.caller();
    let call = ctx.frame().call.clone();
    let via = caller.via.last().map_or("", String::as_str);
    ctx.note(
        "key_used",
        &[
            ("key", row.arn.as_str()),
            ("material", material),
            ("operation", operation),
            ("principal", caller.principal.name()),
            ("via", via),
            ("call", &call),
        ],
    );
    if row.kind.spec.is_symmetric() {
        ctx.audit_detail("keyMaterialId", material);
    }
}

/// A date as KMS writes it in responseElements (K-274): `Nov 18, 2020, 1:29:18 AM`.
pub(crate) fn trail_date(moment: Timestamp) -> String {
    time::to_text(moment.millis())
}

/// K-262: the trail names the key even where the call answers nothing.
pub(crate) fn answers_key(ctx: &mut Ctx<'_>, row: &KeyRow) {
    ctx.frame_mut().response_elements = Some(json!({ "keyId": row.arn.as_str() }));
}

/// Something that KMS does to a key by itself (K-253): DeleteKey, RotateKey,
/// DeleteExpiredKeyMaterial, SynchronizeMultiRegionKey. `arn` is the key that the trail names;
/// `details` are members of serviceEventDetails beside the key's id (K-270), or null for none.
pub(crate) fn service_event(
    ctx: &mut Ctx<'_>,
    row: &KeyRow,
    arn: &str,
    name: &str,
    details: Value,
) {
    let details = match details {
        Value::Object(mut members) => {
            members.insert("keyId".to_owned(), row.id.as_str().into());
            Some(Value::Object(members))
        }
        _ => None,
    };
    audit::of_itself(
        ctx,
        OwnDeed {
            service: "kms",
            name,
            account: &row.account,
            resource: arn.to_owned(),
            elements: Some(json!({ "keyId": arn })),
            details,
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k_274_dates_in_the_trail() {
        let at = |seconds: i64| trail_date(Timestamp(seconds * 1_000_000));
        assert_eq!(at(1_605_662_958), "Nov 18, 2020, 1:29:18 AM");
        assert_eq!(at(1_605_662_958 + 12 * 3600), "Nov 18, 2020, 1:29:18 PM");
        assert_eq!(at(0), "Jan 1, 1970, 12:00:00 AM");
    }
}
