//! Uploads in parts: their rows, their beginning and their end without an object.
//!
//! The encryption of the object is settled when the upload begins: one data key for all parts,
//! which each part gets from KMS again (SSE-011) or from the customer (SSE-049).

use faultline_proto::s3;
use serde::{Deserialize, Serialize};

use super::checksum::Algorithm;
use super::encryption::{self, Customer, ObjectKey};
use super::error::Error;
use super::keyspaces::{EncryptionRow, Orders, PartRow};
use super::shapes::{self, asked_of, headers_of, show_encryption};
use super::template::{self, Template};
use super::{access, content, lifecycle, lock, put, tags};
use crate::context::Ctx;
use crate::refusal::Refusal;
use crate::store::Range;

/// An upload that goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UploadRow {
    /// Id that the client knows.
    pub id: String,
    /// Microseconds since 1970.
    pub initiated: i64,
    /// Who began it: ARN.
    pub initiator: String,
    /// The object to be.
    pub template: Template,
    /// Checksum of the parts.
    pub algorithm: Algorithm,
    /// Whether the client chose it: then the parts must be named with theirs.
    pub chosen: bool,
    /// Whether the object's is composite.
    pub composite: bool,
}

/// A part that is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UploadedRow {
    /// Microseconds since 1970.
    pub modified: i64,
    /// The part; its entity tag is the one that was answered.
    pub part: PartRow,
    /// MD5 of its plaintext.
    pub md5: [u8; 16],
}

/// Bucket, key and order of an upload.
pub type UploadKey = (String, String, u64);

crate::keyspaces! {
    /// Uploads by bucket, key and the order of their beginning.
    pub Uploads = 0x0609, "s3.uploads", version 1: (String, String, u64) => UploadRow;
    /// Parts by upload id and number.
    pub Parts = 0x060A, "s3.parts", version 1: (String, u64) => UploadedRow;
}

/// The upload with this id.
///
/// # Errors
/// NoSuchUpload.
pub fn find(
    ctx: &mut Ctx<'_>,
    bucket: &str,
    key: &str,
    id: &str,
) -> Result<(UploadKey, UploadRow), Refusal> {
    ctx.all(Range::<Uploads>::under((bucket, key)))
        .into_iter()
        .find(|(_, row)| row.id == id)
        .ok_or_else(|| Error::NoSuchUpload(id.to_owned()).into())
}

const REQUESTED: &str = "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.";
const DIFFERENT: &str =
    "The provided encryption parameters did not match the ones used originally.";
const NOT_REQUESTED: &str = "The multipart upload initiate did not request encryption. Please resend the request without sending encryption parameters.";

/// The data key of an upload's parts, in the words of uploads (SSE-049).
///
/// # Errors
/// InvalidRequest for another or no customer key; KMS's refusals.
pub fn open(
    ctx: &mut Ctx<'_>,
    upload: &UploadRow,
    customer: Customer<'_>,
) -> Result<ObjectKey, Refusal> {
    let encryption = &upload.template.encryption;
    let invalid = |words| Refusal::from(Error::InvalidRequest(words));
    match (encryption, customer.is_given()) {
        (EncryptionRow::SseC { .. }, false) => Err(invalid(REQUESTED)),
        (EncryptionRow::SseC { key_md5, .. }, true)
            if customer.key_md5.is_some_and(|md5| md5 != key_md5) =>
        {
            Err(invalid(DIFFERENT))
        }
        (EncryptionRow::SseC { .. }, true) => {
            encryption::open(ctx, encryption, customer).map_err(|refusal| match &*refusal.code {
                "AccessDenied" => invalid(DIFFERENT),
                _ => refusal,
            })
        }
        (_, true) => Err(invalid(NOT_REQUESTED)),
        (_, false) => encryption::open(ctx, encryption, customer),
    }
}

/// Algorithm, whether it was chosen, and whether the object's checksum is composite.
fn checksum_of(
    request: &s3::CreateMultipartUploadRequest,
) -> Result<(Algorithm, bool, bool), Error> {
    let Some(name) = &request.checksum_algorithm else {
        if request.checksum_type.is_some() {
            return Err(Error::InvalidRequest(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            ));
        }
        return Ok((Algorithm::Crc64Nvme, false, false));
    };
    let algorithm = Algorithm::parse(name).ok_or(Error::InvalidRequest(
        "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
    ))?;
    let composite = match request.checksum_type.as_deref() {
        Some(kind) => kind == "COMPOSITE",
        None => algorithm != Algorithm::Crc64Nvme,
    };
    let fits = if composite {
        algorithm != Algorithm::Crc64Nvme
    } else {
        algorithm.is_linear()
    };
    if !fits {
        return Err(Error::Request(format!(
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            shapes::kind(composite),
            algorithm.name().to_ascii_lowercase()
        )));
    }
    Ok((algorithm, true, composite))
}

pub(super) fn create(
    ctx: &mut Ctx<'_>,
    request: s3::CreateMultipartUploadRequest,
) -> Result<s3::CreateMultipartUploadResponse, Refusal> {
    let (name, key) = (request.bucket().to_owned(), request.key().to_owned());
    put::check_key(&key)?;
    let bucket = access::bucket(ctx, &name)?;
    let (algorithm, chosen, composite) = checksum_of(&request)?;
    let tags = request
        .tagging
        .as_deref()
        .map(tags::of_header)
        .transpose()?;
    let lock = lock::asked(
        ctx,
        &bucket,
        request.object_lock_mode.as_deref(),
        request.object_lock_retain_until_date,
        request.object_lock_legal_hold_status.as_deref(),
    )?;
    let asked = asked_of!(request);
    let (encryption, _) = encryption::begin(ctx, &name, &key, &bucket, asked)?;
    let applied = encryption::applied(&asked, &encryption);
    ctx.audit_detail("SSEApplied", applied.clone());
    let order = ctx.get::<Orders>(name.as_str()).unwrap_or_default() + 1;
    ctx.put::<Orders>(name.as_str(), &order);
    let row = UploadRow {
        id: ctx.entropy().hex::<48>("s3.upload-id"),
        initiated: ctx.now().0,
        initiator: ctx.caller().arn(),
        template: Template {
            headers: headers_of!(request),
            metadata: template::metadata(request.metadata.clone())?,
            tags: tags.unwrap_or_default(),
            storage_class: request
                .storage_class
                .clone()
                .unwrap_or_else(template::standard),
            lock,
            owner: template::owner(ctx, &bucket),
            encryption,
            applied,
        },
        algorithm,
        chosen,
        composite,
    };
    ctx.put::<Uploads>(&(name.clone(), key.clone(), order), &row);
    lifecycle::arm(ctx, &name, &bucket);
    let mut answer = s3::CreateMultipartUploadResponse {
        checksum_algorithm: chosen.then(|| algorithm.name().to_owned()),
        checksum_type: chosen.then(|| shapes::kind(composite).to_owned()),
        bucket: Some(name),
        key: Some(key),
        upload_id: Some(row.id),
        ..s3::CreateMultipartUploadResponse::default()
    };
    show_encryption!(answer, &row.template.encryption);
    Ok(answer)
}

/// Removes an upload, and its parts but for those that the object keeps.
pub fn remove(ctx: &mut Ctx<'_>, at: &UploadKey, row: &UploadRow, kept: &[PartRow]) {
    let mut gone = Vec::new();
    for (part_key, uploaded) in ctx.all(Range::<Parts>::under((row.id.as_str(),))) {
        let stays = kept
            .iter()
            .any(|part| part.content == uploaded.part.content);
        if !stays {
            gone.push(uploaded.part);
        }
        ctx.delete::<Parts>(&part_key);
    }
    content::remove_parts(ctx, gone.iter());
    ctx.delete::<Uploads>(at);
}

pub(super) fn abort(
    ctx: &mut Ctx<'_>,
    request: s3::AbortMultipartUploadRequest,
) -> Result<s3::AbortMultipartUploadResponse, Refusal> {
    let (at, row) = find(ctx, request.bucket(), request.key(), request.upload_id())?;
    remove(ctx, &at, &row, &[]);
    Ok(s3::AbortMultipartUploadResponse {})
}

/// The account that an ARN names, as documents show an initiator.
pub(super) fn initiator(arn: &str) -> Option<s3::Initiator> {
    Some(s3::Initiator {
        id: Some(arn.to_owned()),
        display_name: None,
    })
}

/// The bucket's uploads that a page begins after.
pub(super) fn of_bucket(ctx: &mut Ctx<'_>, bucket: &str) -> Vec<(UploadKey, UploadRow)> {
    ctx.all(Range::<Uploads>::under((bucket,)))
}
