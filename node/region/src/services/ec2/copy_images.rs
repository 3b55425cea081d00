//! CopyImage: called where the copy is to be; its snapshots are copied like any other (EBS-037).
//!
//! Launch permissions stay behind. The copy waits, pending, for its snapshots; the caller must be
//! allowed to read those and their keys, and learns of a refusal only later (EBS-038).

use faultline_proto::ec2::{CopyImageRequest, CopyImageResponse};
use faultline_proto::names::RegionName;
use faultline_proto::progress::{Progress, Saga};
use serde::{Deserialize, Serialize};

use super::copies::{self, Meta};
use super::error::Error;
use super::ids::Kind;
use super::keyspaces::{Device, ImageRow, ImageState, Images, Snapshots, Tags, Tokens};
use super::{images, select, volumes};
use crate::context::{Ctx, decode, encode};
use crate::refusal::Refusal;
use crate::service::SagaInput;

/// What the caller wants.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Wanted {
    from: RegionName,
    image: String,
    name: String,
    description: Option<String>,
    encrypted: Option<bool>,
    key: Option<String>,
    copy_tags: bool,
    tags: Tags,
    token: Option<(String, String, String)>,
}

/// An image as its Region shows it to a copier: with what is known of each snapshot.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Shown {
    row: ImageRow,
    snapshots: Vec<Option<Meta>>,
}

/// CopyImage.
pub(super) fn copy(
    ctx: &mut Ctx<'_>,
    request: CopyImageRequest,
) -> Result<Progress<CopyImageResponse>, Refusal> {
    volumes::check_key(request.encrypted, request.kms_key_id.as_deref())?;
    let image = request.source_image_id.unwrap_or_default();
    Kind::Image.check(&image)?;
    let token = request
        .client_token
        .map(|token| (ctx.account().to_string(), "CopyImage".to_owned(), token));
    if let Some(known) = token.as_ref().and_then(|token| ctx.get::<Tokens>(token)) {
        return Ok(Progress::Done(CopyImageResponse {
            image_id: Some(known),
        }));
    }
    let wanted = Wanted {
        from: copies::region(ctx, request.source_region.as_deref())?,
        image,
        name: request.name.unwrap_or_default(),
        description: request.description,
        encrypted: request.encrypted,
        key: request.kms_key_id,
        copy_tags: request.copy_image_tags.unwrap_or_default(),
        tags: select::tags_for(&request.tag_specifications, "image"),
        token,
    };
    images::check_name(ctx, &wanted.name)?;
    if wanted.from == *ctx.region() {
        let shown = shown(ctx, &wanted.image)?;
        return Ok(Progress::Done(begin(ctx, wanted, shown)));
    }
    ctx.ask(&wanted.from.clone(), "image", encode(&wanted.image));
    Ok(Progress::Open(Saga {
        kind: "copy-image",
        state: encode(&wanted),
    }))
}

/// The source's side.
pub(super) fn source(ctx: &mut Ctx<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let image: String = decode(body)?;
    Ok(encode(&shown(ctx, &image)?))
}

fn shown(ctx: &mut Ctx<'_>, image: &str) -> Result<Shown, Error> {
    let row = images::ready(ctx, image)?;
    let mut snapshots = Vec::new();
    for device in &row.devices {
        let found = device
            .snapshot
            .as_deref()
            .and_then(|id| Some((id, ctx.get::<Snapshots>(id)?)));
        snapshots.push(found.map(|(id, row)| copies::of(ctx, id, &row)));
    }
    Ok(Shown { row, snapshots })
}

/// The source's Region has answered the call.
pub(super) fn answered(
    ctx: &mut Ctx<'_>,
    state: &[u8],
    input: SagaInput<'_>,
) -> Result<Progress<Vec<u8>>, Refusal> {
    let wanted: Wanted = decode(state)?;
    let SagaInput::Answer { outcome, .. } = input else {
        return Err(Refusal::internal("the source Region does not answer").with_status(503));
    };
    let shown: Shown = decode(outcome?)?;
    images::check_name(ctx, &wanted.name)?;
    let answer = begin(ctx, wanted, shown);
    Ok(Progress::Done(prost::Message::encode_to_vec(&answer)))
}

fn begin(ctx: &mut Ctx<'_>, wanted: Wanted, shown: Shown) -> CopyImageResponse {
    let id = Kind::Image.new_id(ctx);
    let mut devices = Vec::new();
    for (device, meta) in shown.row.devices.iter().zip(&shown.snapshots) {
        let copied = device.snapshot.clone().zip(meta.as_ref()).map(|(snapshot, meta)| {
            let description = format!("Copied for DestinationAmi {id} from SourceAmi {} for SourceSnapshot {snapshot}.", wanted.image);
            let copy = copies::Wanted {
                from: wanted.from.clone(),
                snapshot,
                key: wanted.key.clone(),
                encrypted: wanted.encrypted,
                description,
                tags: Tags::new(),
                for_image: Some(id.clone()),
                minutes: None,
            };
            copies::begin(ctx, copy, meta)
        });
        devices.push(Device {
            snapshot: copied,
            ..device.clone()
        });
    }
    let mut tags = if wanted.copy_tags {
        shown.row.tags.clone()
    } else {
        Tags::new()
    };
    tags.extend(wanted.tags);
    let row = ImageRow {
        owner: ctx.account(),
        name: wanted.name,
        description: wanted.description.or(shown.row.description),
        devices,
        created: ctx.now().millis(),
        state: ImageState::Pending,
        reason: None,
        shared_with: std::collections::BTreeSet::new(),
        public: false,
        copied_from: Some((wanted.from, wanted.image)),
        tags,
        ..shown.row
    };
    ctx.put::<Images>(id.as_str(), &row);
    if let Some(token) = wanted.token {
        ctx.put::<Tokens>(&token, &id);
    }
    images::settle(ctx, &id);
    CopyImageResponse { image_id: Some(id) }
}
