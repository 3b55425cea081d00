//! GetParametersForImport, ImportKeyMaterial, DeleteImportedKeyMaterial (kms section 5).
//!
//! ```text
//!   GetParametersForImport -> public key, token      the private key is in the token, sealed
//!   (the owner wraps its material under the public key)
//!   ImportKeyMaterial(token, wrapped) -> material id
//! ```
//!
//! KMS keeps nothing between the two calls ([`import_tokens`]). The id of an imported material is a keyed digest of
//! key id and bytes, equal in all Regions: so the same bytes are known again after they were
//! deleted (K-134), and a replica knows what its primary has without the bytes having travelled
//! (K-122).

use faultline_proto::kms::{
    DeleteImportedKeyMaterialRequest, DeleteImportedKeyMaterialResponse,
    GetParametersForImportRequest, GetParametersForImportResponse, ImportKeyMaterialRequest,
    ImportKeyMaterialResponse,
};
use faultline_proto::names::{AccountId, Timestamp};
use faultline_proto::progress::Progress;
use zeroize::Zeroizing;

use super::error::KmsError;
use super::identifiers::KeyId;
use super::import_tokens;
use super::journal;
use super::key_materials::{KeyMaterial, Presence, Standing};
use super::keyspaces::KeyRow;
use super::material;
use super::resolve::{self, Accepts, usable};
use super::rotation;
use super::specs::KeySpec;
use super::states::Use;
use super::wrapping::{self, Wrapping};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;

/// How far ahead an expiration may be, seconds (K-139).
const FARTHEST: i64 = 365 * 24 * 60 * 60;

const ID: &str = "kms imported material";

/// GetParametersForImport.
pub(crate) fn parameters(
    ctx: &mut Ctx<'_>,
    request: GetParametersForImportRequest,
) -> Result<Progress<GetParametersForImportResponse>, Refusal> {
    let row = usable(
        ctx,
        request.key_id.as_deref(),
        Accepts::Keys,
        Use::ImportParameters,
    )?;
    let wrapping = Wrapping::read(
        request.wrapping_algorithm.as_deref().unwrap_or_default(),
        request.wrapping_key_spec.as_deref().unwrap_or_default(),
        row.kind.spec,
    )?;
    let (public_key, private_key) = wrapping::make_pair(ctx.entropy(), wrapping);
    let (token, valid_to) = import_tokens::give(ctx, &row, wrapping, &private_key);
    Ok(Progress::Done(GetParametersForImportResponse {
        key_id: Some(row.arn.to_string()),
        import_token: Some(token),
        public_key: Some(public_key),
        parameters_valid_to: Some(valid_to.millis()),
    }))
}

/// The expiration that a request sets (K-139).
fn expiration(ctx: &Ctx<'_>, request: &ImportKeyMaterialRequest) -> Result<Presence, KmsError> {
    let refuse = |text: &str| Err(KmsError::Validation(text.to_owned()));
    let expires = request.expiration_model.as_deref() != Some("KEY_MATERIAL_DOES_NOT_EXPIRE");
    let valid_to = match (expires, request.valid_to) {
        (true, None) => {
            return refuse(
                "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
            );
        }
        (false, Some(_)) => {
            return refuse(
                "A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE",
            );
        }
        (_, valid_to) => valid_to.map(|millis| Timestamp(millis.saturating_mul(1000))),
    };
    if let Some(date) = valid_to {
        if date <= ctx.now() {
            return refuse("The validTo date must be in the future.");
        }
        if date > ctx.now().plus_seconds(FARTHEST) {
            return refuse("The validTo date must be at most 365 days from now.");
        }
    }
    Ok(Presence::Here { valid_to })
}

/// Whether `bytes` are material of a key of this spec (K-133).
fn check_material(spec: KeySpec, bytes: &[u8]) -> Result<(), KmsError> {
    if wrapping::fits(spec, bytes) {
        Ok(())
    } else {
        Err(KmsError::IncorrectKeyMaterial(format!(
            "The key material is not material of a {} key.",
            spec.text()
        )))
    }
}

fn material_id(ctx: &Ctx<'_>, row: &KeyRow, bytes: &[u8]) -> String {
    let bound = [row.account.as_str().as_bytes(), &row.id.raw(), bytes].concat();
    hex::encode(ctx.core.vault.fingerprint(ID, &Zeroizing::new(bound)))
}

/// ImportKeyMaterial.
pub(crate) fn import(
    ctx: &mut Ctx<'_>,
    request: ImportKeyMaterialRequest,
) -> Result<Progress<ImportKeyMaterialResponse>, Refusal> {
    let row = usable(
        ctx,
        request.key_id.as_deref(),
        Accepts::Keys,
        Use::ImportMaterial,
    )?;
    let presence = expiration(ctx, &request)?;
    let sealed = request.import_token.as_deref().unwrap_or_default();
    let token = import_tokens::read(ctx, &row, sealed)?;
    let wrapped = request
        .encrypted_key_material
        .as_deref()
        .unwrap_or_default();
    let bytes =
        wrapping::unwrap(ctx.entropy(), &token, wrapped).ok_or(KmsError::InvalidCiphertext)?;
    check_material(row.kind.spec, &bytes)?;
    let id = material_id(ctx, &row, &bytes);
    let is_new = is_new(&row, &request, &id)?;
    import_tokens::use_up(ctx, &row, sealed, &token);
    let mut row = KeyRow::clone(&row);
    if is_new {
        add(ctx, &mut row, &id, &request);
    }
    let leads = rotation::leads(&row);
    let now = ctx.now();
    material::keep(ctx, &row.account, &row.id, &id, now, &bytes);
    if let Some(known) = row.materials.get_mut(&id) {
        known.presence = presence;
        if leads && request.key_material_description.is_some() {
            known
                .description
                .clone_from(&request.key_material_description);
        }
    }
    if let Presence::Here {
        valid_to: Some(date),
    } = presence
    {
        expire_at(ctx, &row, &id, date);
    }
    imported(ctx, row, &id, is_new)
}

/// Writes the key with a material that has come, and tells who must know.
fn imported(
    ctx: &mut Ctx<'_>,
    mut row: KeyRow,
    id: &str,
    is_new: bool,
) -> Result<Progress<ImportKeyMaterialResponse>, Refusal> {
    let before = row.state.clone();
    row.state = row.rest(before.clone());
    if is_new {
        rotation::publish(ctx, &mut row);
    } else {
        resolve::save(ctx, &row);
    }
    if row.state != before {
        journal::state(ctx, &row);
    }
    journal::material(ctx, &row);
    if let Some(members) = row.members.clone()
        && !rotation::leads(&row)
    {
        rotation::report(ctx, &row, id, &members.primary);
    }
    journal::answers_key(ctx, &row);
    Ok(Progress::Done(ImportKeyMaterialResponse {
        key_id: Some(row.arn.to_string()),
        key_material_id: Some(id.to_owned()),
    }))
}

/// Whether a request brings a new material or one that the key knows (K-134 to K-137, K-123).
fn is_new(row: &KeyRow, request: &ImportKeyMaterialRequest, id: &str) -> Result<bool, KmsError> {
    let refuse = |text: &str| Err(KmsError::Validation(text.to_owned()));
    let named = request.key_material_id.as_deref();
    let known = row.materials.get(id).is_some();
    let has_none = row.materials.iter().next().is_none();
    let is_new = match request.import_type.as_deref() {
        Some(_) if !row.kind.spec.is_symmetric() => {
            return refuse("ImportType is supported only for symmetric encryption KMS keys.");
        }
        Some("NEW_KEY_MATERIAL") => true,
        Some(_) => false,
        None => has_none,
    };
    if !is_new {
        return if known && named.is_none_or(|named| named == id) {
            Ok(false)
        } else {
            Err(KmsError::IncorrectKeyMaterial(
                "The key material in the request is not the key material that was imported into this KMS key.".to_owned(),
            ))
        };
    }
    if named.is_some() {
        return refuse("KeyMaterialId cannot be specified when ImportType is NEW_KEY_MATERIAL.");
    }
    if !rotation::leads(row) {
        return Err(KmsError::NotPrimary(row.arn.to_string()));
    }
    if known {
        return Err(KmsError::IncorrectKeyMaterial(format!(
            "The key material (id: {id}) is already associated with this KMS key."
        )));
    }
    if let Some(pending) = row.materials.pending() {
        return Err(KmsError::AnotherPending {
            new: id.to_owned(),
            key: row.id.as_str().to_owned(),
            pending: pending.id.clone(),
        });
    }
    Ok(true)
}

/// A new material: the first one is current, another waits for its rotation (K-136, K-123).
fn add(ctx: &Ctx<'_>, row: &mut KeyRow, id: &str, request: &ImportKeyMaterialRequest) {
    let has_replicas = row
        .members
        .as_ref()
        .is_some_and(|members| members.replicas().next().is_some());
    let mut material = KeyMaterial::first(id.to_owned(), ctx.now());
    material.standing = match (row.materials.current(), has_replicas) {
        (None, _) => Standing::Current,
        (Some(_), false) => Standing::PendingRotation,
        (Some(_), true) => Standing::PendingMultiRegionImportAndRotation,
    };
    material
        .description
        .clone_from(&request.key_material_description);
    row.materials.add(material);
}

/// DeleteImportedKeyMaterial (K-044, K-138).
pub(crate) fn delete(
    ctx: &mut Ctx<'_>,
    request: DeleteImportedKeyMaterialRequest,
) -> Result<Progress<DeleteImportedKeyMaterialResponse>, Refusal> {
    let row = usable(
        ctx,
        request.key_id.as_deref(),
        Accepts::Keys,
        Use::DeleteMaterial,
    )?;
    let mut row = KeyRow::clone(&row);
    let id = match &request.key_material_id {
        Some(id) if row.materials.get(id).is_none() => {
            return Err(KmsError::NoSuchMaterial(id.clone(), row.arn.to_string()).into());
        }
        Some(id) => Some(id.clone()),
        None => row.materials.current().map(|current| current.id.clone()),
    };
    journal::answers_key(ctx, &row);
    let deleted = id.filter(|id| row.materials.get(id).is_some_and(KeyMaterial::is_here));
    if let Some(id) = &deleted {
        lose(ctx, &mut row, id);
    }
    Ok(Progress::Done(DeleteImportedKeyMaterialResponse {
        key_id: Some(row.arn.to_string()),
        key_material_id: deleted,
    }))
}

/// The bytes of a material go; a pending one is forgotten, in the replicas too (K-122).
fn lose(ctx: &mut Ctx<'_>, row: &mut KeyRow, id: &str) {
    material::remove(ctx, row, id);
    let before = row.state.clone();
    let is_permanent = row.materials.get(id).is_some_and(KeyMaterial::is_permanent);
    if is_permanent || !rotation::leads(row) {
        if let Some(known) = row.materials.get_mut(id) {
            known.presence = Presence::Absent;
        }
        row.state = row.rest(before.clone());
        resolve::save(ctx, row);
    } else {
        row.materials.forget(id);
        rotation::publish(ctx, row);
    }
    if row.state != before {
        journal::state(ctx, row);
    }
    journal::material(ctx, row);
}

fn expire_at(ctx: &mut Ctx<'_>, row: &KeyRow, id: &str, date: Timestamp) {
    // The date is by this Region's clock; if that is set back meanwhile, the timer asks again.
    let ahead = u64::try_from(date.0.saturating_sub(ctx.now().0)).unwrap_or_default();
    let at = ctx.elapsed().plus_micros(ahead);
    ctx.schedule(
        "kms",
        at,
        "expire",
        encode(&(&row.account, &row.id, id, date)),
    );
}

/// Imported material reaches its end (K-141, K-045), unless it was imported again meanwhile.
pub(crate) fn expire(ctx: &mut Ctx<'_>, payload: &[u8]) {
    let Ok((account, key, id, date)) = decode::<(AccountId, KeyId, String, Timestamp)>(payload)
    else {
        return;
    };
    let Some(mut row) = resolve::current(ctx, &account, &key) else {
        return;
    };
    let due = Presence::Here {
        valid_to: Some(date),
    };
    if row
        .materials
        .get(&id)
        .is_none_or(|known| known.presence != due)
    {
        return;
    }
    if ctx.now() < date {
        expire_at(ctx, &row, &id, date);
        return;
    }
    lose(ctx, &mut row, &id);
    let arn = row.arn.as_str().to_owned();
    let details = serde_json::json!({ "keyMaterialId": id });
    journal::service_event(ctx, &row, &arn, "DeleteExpiredKeyMaterial", details);
}
